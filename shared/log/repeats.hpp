// Which log lines have come before. A line that comes again and again is written five times, then with gaps that double
// from a minute to an hour, and what was left out is counted; when it has stayed away, that is told, too. Inside of
// log.cpp and its test only. Not thread-safe.
#pragma once

#include "shared/base/clock.hpp"

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::shared {

class Repeats {
  public:
    struct Counted {
        std::string message;
        size_t unseen = 0;   // times that it was not written
        bool ended = false;  // it has not come for a while
    };
    // Whether the line `key` is to be written. `over`: what is to be told before it.
    bool shows(const std::string& key, std::string_view message, MonoTime now, std::vector<Counted>& over);

  private:
    struct Seen {
        MonoTime last{};
        MonoTime shown{};
        std::chrono::minutes gap{1};
        size_t times_shown = 0;
        size_t unseen = 0;
        std::string message;
    };
    void forget(MonoTime now, std::vector<Counted>& over);
    std::map<std::string, Seen> seen_;
};

}  // namespace tidegate::shared
