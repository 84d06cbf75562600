#include "reconciler/blue_green.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr Duration kUnitPatience{90'000};
constexpr Duration kSettle{1000};
constexpr Duration kTcpPatience{30'000};
constexpr size_t kLongestUpstream = 4096;
constexpr std::string_view kMark = "# The live instance is ";

}  // namespace

std::string_view name_of(Colour colour) {
    return colour == Colour::Blue ? "blue" : "green";
}
Colour other(Colour colour) {
    return colour == Colour::Blue ? Colour::Green : Colour::Blue;
}

std::string BlueGreenInstances::file() const {
    return site_.how.proxy == manifests::BlueGreen::Proxy::Nginx ? "upstream.conf" : "upstream.cfg";
}

const std::string& BlueGreenInstances::address(Colour colour) const {
    return colour == Colour::Blue ? site_.how.blue : site_.how.green;
}

std::string BlueGreenInstances::unit(Colour colour) const {
    auto unit = site_.how.unit;
    return unit.insert(unit.find('@') + 1, name_of(colour));
}

std::string BlueGreenInstances::upstream(Colour colour) const {
    const std::string name(name_of(colour));
    const auto head = std::string(kMark) + name + ". Written by tidegated; what is changed here is lost.\n";
    if (site_.how.proxy == manifests::BlueGreen::Proxy::Nginx)
        return head + "upstream " + site_.how.upstream + " {\n    server " + address(colour) + ";\n}\n";
    return head + "backend " + site_.how.upstream + "\n    server " + name + " " + address(colour) + "\n";
}

Result<std::optional<Colour>> BlueGreenInstances::live() const {
    struct stat facts {};
    if (fstatat(site_.root.fd(), file().c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return std::optional<Colour>();
        return fail_errno(file());
    }
    const auto text = TRY(read_file_beneath(site_.root.fd(), file(), kLongestUpstream));
    for (const auto colour : {Colour::Blue, Colour::Green})
        if (text.starts_with(std::string(kMark) + std::string(name_of(colour)) + "."))
            return std::optional(colour);
    return fail(ErrorKind::Exists, site_.root.path() + "/" + file() + " was not written by Tidegate",
                "move it away: Tidegate writes there which instance serves");
}

Result<std::optional<ReleaseId>> BlueGreenInstances::linked(Colour colour) const {
    const auto target = read_link(site_.root.fd(), std::string(name_of(colour)));
    if (!target && target.error().kind == ErrorKind::NotFound) return std::optional<ReleaseId>();
    if (!target) return fail(target.error());
    constexpr std::string_view kBelow = "releases/";
    if (!target->starts_with(kBelow)) return std::optional<ReleaseId>();
    const auto id = ReleaseId::parse(target->substr(kBelow.size()));
    return id ? std::optional(*id) : std::nullopt;
}

Result<void> BlueGreenInstances::start(Colour colour, const ReleaseId& release) const {
    TRY(replace_symlink(site_.root.fd(), std::string(name_of(colour)), "releases/" + release.str()));
    site_.health.log->note("── restart " + unit(colour));
    return site_.health.units->act(UnitVerb::Restart, unit(colour),
                                   {kUnitPatience, kSettle, site_.cancel_fd});
}

Result<void> BlueGreenInstances::prove(Colour colour) const {
    std::vector<Probe> own;
    std::copy_if(site_.probes.begin(), site_.probes.end(), std::back_inserter(own), asks_instance);
    if (own.empty()) own.push_back(Probe{TcpProbe{address(colour), Duration(5000)}, kTcpPatience});
    auto health = site_.health;
    health.instance = address(colour);
    const auto verdict = TRY(wait_healthy(own, health, site_.cancel_fd));
    if (verdict.healthy) return {};
    return fail(ErrorKind::Failed,
                "before the switch: " + std::string(name_of(colour)) + ": " + filled(verdict.words, health));
}

Result<Colour> BlueGreenInstances::bring_up(const ReleaseId& release, bool fresh) const {
    struct stat facts {};
    if (fstat(site_.root.fd(), &facts) != 0) return fail_errno(site_.root.path());
    if (facts.st_uid != geteuid() && facts.st_uid != 0)
        return fail(ErrorKind::Denied,
                    site_.root.path() + " belongs to user " + std::to_string(facts.st_uid) +
                        ", who could write what the proxy reads",
                    "chown root " + site_.root.path());
    const auto serving = TRY(live());
    auto colour = serving ? other(*serving) : Colour::Blue;
    bool runs = false;
    if (!fresh && serving) {
        // The way back: most often the former instance runs on, and only the proxy has to be told.
        if (TRY(linked(*serving)) == release) colour = *serving;
        if (TRY(linked(colour)) == release) {
            const auto state = site_.health.units->state(unit(colour));
            runs = state && state->up();
        }
    }
    if (!runs) TRY(start(colour, release));
    TRY(prove(colour));
    if (serving != colour) TRY(write_file_atomic(site_.root.fd(), file(), upstream(colour), 0644));
    site_.health.log->note("── " + std::string(name_of(colour)) + " serves; reload " + site_.how.reload);
    TRY(site_.health.units->act(UnitVerb::ReloadOrRestart, site_.how.reload,
                                {kUnitPatience, Duration(0), site_.cancel_fd}));
    return colour;
}

Result<void> BlueGreenInstances::wait_drained() const {
    struct stat facts {};
    if (fstatat(site_.root.fd(), file().c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) return {};
    const WallTime told{Duration(facts.st_mtim.tv_sec * 1000 + facts.st_mtim.tv_nsec / 1'000'000)};
    const auto left = std::min(site_.how.drain, told + site_.how.drain - SystemClock().now());
    if (left <= Duration(0)) return {};
    pollfd cancel{site_.cancel_fd, POLLIN, 0};
    if (::poll(&cancel, 1, static_cast<int>(left.count())) > 0)
        return fail(ErrorKind::Cancelled, "the drain was cancelled");
    return {};
}

Result<void> BlueGreenInstances::stop_former() const {
    const auto serving = TRY(live());
    if (!serving) return {};
    const auto former = unit(other(*serving));
    const auto state = site_.health.units->state(former);
    if (state && state->active == "inactive") return {};
    site_.health.log->note("── stop " + former);
    return site_.health.units->act(UnitVerb::Stop, former, {kUnitPatience, Duration(0), site_.cancel_fd});
}

Result<std::vector<Probe>> BlueGreenInstances::live_probes(HealthSite& health) const {
    auto probes = site_.probes;
    if (const auto serving = TRY(live())) {
        health.instance = address(*serving);
        probes.push_back(Probe{UnitProbe{unit(*serving)}});
    }
    return probes;
}

}  // namespace tidegate::reconciler
