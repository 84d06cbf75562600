#include "hooks/cache_folder.hpp"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace tidegate::hooks {

namespace {

std::string absolute(const char* path) {
    std::string text = path == nullptr || path[0] != '/' ? "" : path;
    while (text.size() > 1 && text.ends_with('/')) text.pop_back();
    return text == "/" ? std::string() : text;
}

std::string home_of_user() {
    std::array<char, 16384> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
        return {};
    return absolute(found->pw_dir);
}

}  // namespace

std::string cache_folder() {
    auto cache = absolute(std::getenv("XDG_CACHE_HOME"));
    if (!cache.empty()) return cache;
    auto home = absolute(std::getenv("HOME"));
    if (home.empty()) home = home_of_user();
    return home.empty() ? home : home + "/.cache";
}

}  // namespace tidegate::hooks
