# Flags and the helpers every folder uses.

add_library(tidegate_flags INTERFACE)
target_include_directories(tidegate_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(tidegate_flags INTERFACE _GNU_SOURCE TIDEGATE_VERSION="${PROJECT_VERSION}")
target_compile_options(
  tidegate_flags
  INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -fstack-protector-strong
            -fno-omit-frame-pointer
            # clang warns of libgit2's own initialisers
            $<$<CXX_COMPILER_ID:Clang>:-Wno-missing-field-initializers>
            $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2 -ffunction-sections -fdata-sections>)
# g++ 12 sees overlaps and ends in std::string that are not there once it optimises (GCC bugs 105651, 105329).
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(tidegate_flags INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow
                                                  -Wno-stringop-overread)
endif()
target_link_options(tidegate_flags INTERFACE -Wl,-z,relro,-z,now -Wl,--as-needed
                    $<$<CONFIG:Release>:-Wl,--gc-sections>)
if(TIDEGATE_SANITIZE)
  target_compile_options(tidegate_flags INTERFACE -fsanitize=${TIDEGATE_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(tidegate_flags INTERFACE -fsanitize=${TIDEGATE_SANITIZE})
endif()

if(TIDEGATE_FUZZ)
  target_compile_options(tidegate_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# tidegate_precompiled(TARGET): what nearly every file includes is parsed once for all of them, which halves the time
# of a build. `tests/run --long` has clang build without, so that a file that names not all it uses is found there.
function(tidegate_precompiled target)
  if(target STREQUAL tidegate_base)
    target_precompile_headers(
      ${target} PRIVATE <algorithm> <chrono> <functional> <map> <memory> <optional> <set> <string> <string_view>
      <vector> ${PROJECT_SOURCE_DIR}/shared/base/error.hpp)
  else()
    target_precompile_headers(${target} REUSE_FROM tidegate_base)
    # The one header is compiled as the libraries are: -fPIC, which a program can be, too.
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
endfunction()

# tidegate_library(NAME DEPENDS…): a static library of every .cpp in this folder, but those named main_*.cpp.
function(tidegate_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main_[^/]*\\.cpp$")
  if(NOT sources)
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/empty.cpp "")
    set(sources ${CMAKE_CURRENT_BINARY_DIR}/empty.cpp)
  endif()
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC tidegate_flags ${ARGN})
  tidegate_precompiled(${name})
endfunction()

# tidegate_program(NAME MAIN DEPENDS…): an installed executable with one file of its own.
function(tidegate_program name main)
  add_executable(${name} ${main})
  target_link_libraries(${name} PRIVATE ${ARGN})
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

# tidegate_completions(PROGRAM): has it print its completion scripts and installs them where the shells look.
function(tidegate_completions program)
  set(places bash share/bash-completion/completions ${program} zsh share/zsh/site-functions _${program}
             fish share/fish/vendor_completions.d ${program}.fish)
  set(scripts)
  while(places)
    list(POP_FRONT places shell folder name)
    set(script ${CMAKE_CURRENT_BINARY_DIR}/completions/${shell}/${name})
    add_custom_command(
      OUTPUT ${script}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/completions/${shell}
      COMMAND ${program} completion ${shell} > ${script}
      DEPENDS ${program}
      VERBATIM)
    list(APPEND scripts ${script})
    install(FILES ${script} DESTINATION ${folder})
  endwhile()
  add_custom_target(${program}_completions ALL DEPENDS ${scripts})
endfunction()

# tidegate_link_static_where_asked(LIBRARY NAME): links libNAME, but its archive into programs that have the property
# TIDEGATE_STATIC. For the hook alone: each library less to load is time less at every commit.
function(tidegate_link_static_where_asked library name)
  find_library(TIDEGATE_SHARED_${name} ${name} REQUIRED)
  find_library(TIDEGATE_ARCHIVE_${name} lib${name}.a)
  set(shared ${TIDEGATE_SHARED_${name}})
  if(TIDEGATE_ARCHIVE_${name})
    set(asked $<BOOL:$<TARGET_PROPERTY:TIDEGATE_STATIC>>)
    target_link_libraries(${library} PUBLIC $<IF:${asked},${TIDEGATE_ARCHIVE_${name}},${shared}>)
  else()
    target_link_libraries(${library} PUBLIC ${shared})
  endif()
endfunction()
