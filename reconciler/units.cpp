#include "reconciler/units.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <array>

namespace tidegate::reconciler {

using namespace shared;

namespace {

class NoUnits final : public Units {
  public:
    Result<void> act(UnitVerb verb, const std::string& unit, const UnitPatience&) override {
        return none("cannot " + std::string(name_of(verb)) + " " + escape_foreign(unit));
    }
    Result<void> signal(const std::string& unit, int) override {
        return none("cannot signal " + escape_foreign(unit));
    }
    Result<UnitState> state(const std::string& unit) override {
        return none("cannot see the state of " + escape_foreign(unit));
    }

  private:
    [[nodiscard]] static tl::unexpected<Error> none(const std::string& what) {
        return fail(ErrorKind::Unsupported, what + ": systemd does not run on this host",
                    "activate by `run: COMMAND`, and probe by http, tcp or run");
    }
};

}  // namespace

std::string UnitState::words() const {
    const auto& more = active == "failed" ? result : sub;
    return escape_foreign(active + (more.empty() || more == active ? "" : " (" + more + ")"));
}

std::unique_ptr<Units> host_units() {
    if (exists("/run/systemd/system")) return systemd_units({});
    return std::make_unique<NoUnits>();
}

Result<void> check_unit_name(std::string_view name) {
    constexpr std::array<std::string_view, 5> kSuffixes{".service", ".socket", ".target", ".timer", ".path"};
    const bool suffixed = std::any_of(kSuffixes.begin(), kSuffixes.end(), [&](std::string_view suffix) {
        return name.size() > suffix.size() && name.ends_with(suffix);
    });
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ':' ||
               c == '_' || c == '.' || c == '-' || c == '@' || c == '\\';
    });
    if (suffixed && plain && name.size() < 256 && name.front() != '-' && name.front() != '.' &&
        name.front() != '@')
        return {};
    return fail(ErrorKind::Invalid, "not a unit's name: `" + escape_foreign(name.substr(0, 80)) + "`",
                "write it with its suffix: web.service");
}

std::string_view name_of(UnitVerb verb) {
    switch (verb) {
        case UnitVerb::Start: return "start";
        case UnitVerb::Stop: return "stop";
        case UnitVerb::Restart: return "restart";
        case UnitVerb::Reload: return "reload";
        case UnitVerb::ReloadOrRestart: return "reload-or-restart";
        case UnitVerb::Enable: return "enable";
    }
    return "restart";
}

}  // namespace tidegate::reconciler
