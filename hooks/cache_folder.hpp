// Where what can be made again is kept between runs.
#pragma once

#include <string>

namespace tidegate::hooks {

// $XDG_CACHE_HOME, else .cache of the home folder, each only where it is absolute, as the XDG Base Directory
// Specification asks. Programs with windows and cron start git without HOME, which does not stop it: then the home
// folder is the user database's. Empty where nothing names one. Without a slash at its end.
[[nodiscard]] std::string cache_folder();

}  // namespace tidegate::hooks
