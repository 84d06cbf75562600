#include "hooks/builtin/builtin.hpp"

namespace tidegate::hooks::builtin {

namespace {

// "#![" begins an attribute of Rust, not a program's name.
bool has_shebang(std::string_view content) {
    return content.starts_with("#!") && !content.starts_with("#![");
}

}  // namespace

// As check-executables-have-shebangs: a text that the kernel would refuse to run.
void executables_have_shebangs(const File& file, Problems& problems) {
    if (file.link || !file.executable || has_shebang(file.content)) return;
    problems.push_back({std::string(file.path), 1, 1,
                        "executable, but does not begin with #! (if it is no program: git update-index "
                        "--chmod=-x)"});
}

// As check-shebang-scripts-are-executable.
void shebang_scripts_are_executable(const File& file, Problems& problems) {
    if (file.link || file.executable || !has_shebang(file.content)) return;
    problems.push_back(
        {std::string(file.path), 1, 1,
         "begins with #!, but is not executable (git update-index --chmod=+x, or drop the #!)"});
}

}  // namespace tidegate::hooks::builtin
