#include "reconciler/manager_bus.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr const char* kName = "org.freedesktop.systemd1";
constexpr const char* kObject = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
constexpr const char* kPrivate = "/run/systemd/private";
constexpr std::uint64_t kCallPatience = 10'000'000;  // microseconds

tl::unexpected<Error> bus_failed(const std::string& what, int code) {
    return fail(ErrorKind::Transient, what + ": " + strerrordesc_np(-code));
}

Error told(const sd_bus_error& error, const std::string& what) {
    const std::string name = error.name != nullptr ? error.name : "";
    const auto words =
        what + ": " +
        escape_foreign(std::string(error.message != nullptr ? error.message : "").substr(0, 300));
    const auto is = [&](std::string_view end) { return name.ends_with(end); };
    if (is(".NoSuchUnit"))
        return {ErrorKind::NotFound,
                words,
                "install the unit below /etc/systemd/system, then: systemctl daemon-reload",
                {},
                {}};
    if (is(".UnitExists")) return {ErrorKind::Exists, words, "", {}, {}};
    if (is(".AccessDenied") || is(".InteractiveAuthorizationRequired"))
        return {ErrorKind::Permission, words, "run the daemon as root, or allow it by a polkit rule", {}, {}};
    if (is(".NoReply") || is(".Disconnected") || is(".Timeout"))
        return {ErrorKind::Transient, words, "", {}, {}};
    return {ErrorKind::Failed, words, "", {}, {}};
}

}  // namespace

int ManagerBus::on_job_removed(sd_bus_message* message, void* heard, sd_bus_error*) {
    std::uint32_t id = 0;
    const char* job = nullptr;
    const char* unit = nullptr;
    const char* result = nullptr;
    if (sd_bus_message_read(message, "uoss", &id, &job, &unit, &result) >= 0)
        static_cast<Heard*>(heard)->jobs.insert_or_assign(job, result);
    return 0;
}

int ManagerBus::on_change(sd_bus_message*, void* heard, sd_bus_error*) {
    ++static_cast<Heard*>(heard)->changes;
    return 0;
}

const char* ManagerBus::destination() const {
    return sd_bus_is_bus_client(bus_.get()) > 0 ? kName : nullptr;
}

Result<ManagerBus> ManagerBus::connect(const std::string& address) {
    const auto own = [](const std::string& at) -> sd_bus* {
        sd_bus* bus = nullptr;
        if (sd_bus_new(&bus) < 0) return nullptr;
        if (sd_bus_set_address(bus, at.c_str()) >= 0 && sd_bus_start(bus) >= 0) return bus;
        sd_bus_unref(bus);
        return nullptr;
    };
    sd_bus* bus = nullptr;
    if (!address.empty()) {
        bus = own(address);
    } else {
        if (geteuid() == 0 && exists(kPrivate)) bus = own(std::string("unix:path=") + kPrivate);
        if (bus == nullptr) (void)sd_bus_open_system(&bus);
    }
    if (bus == nullptr)
        return fail(ErrorKind::Unsupported, "systemd does not answer on this host",
                    "activate by `run: COMMAND`, and probe by http, tcp or run");
    ManagerBus connection{Connection(bus)};
    sd_bus_set_method_call_timeout(bus, kCallPatience);
    return connection;
}

Result<BusMessage> ManagerBus::request(const char* method) {
    sd_bus_message* message = nullptr;
    if (const int code =
            sd_bus_message_new_method_call(bus_.get(), &message, destination(), kObject, kManager, method);
        code < 0)
        return bus_failed("systemd cannot be asked", code);
    return BusMessage(message);
}

Result<BusMessage> ManagerBus::call(sd_bus_message* request, const std::string& what) {
    sd_bus_error error{};
    sd_bus_message* reply = nullptr;
    const int code = sd_bus_call(bus_.get(), request, 0, &error, &reply);
    const ScopeExit free_error([&] { sd_bus_error_free(&error); });
    if (code >= 0) return BusMessage(reply);
    if (sd_bus_error_is_set(&error) != 0) return fail(told(error, what));
    return bus_failed(what, code);
}

Result<std::string> ManagerBus::path_of(const char* method, const std::vector<std::string>& texts,
                                        const std::string& what) {
    const auto message = TRY(request(method));
    for (const auto& text : texts)
        if (const int code = sd_bus_message_append(message.get(), "s", text.c_str()); code < 0)
            return bus_failed(what, code);
    const auto reply = TRY(call(message.get(), what));
    const char* path = nullptr;
    if (sd_bus_message_read(reply.get(), "o", &path) < 0) return std::string();
    return std::string(path);
}

Result<std::string> ManagerBus::text(const std::string& object, const char* interface, const char* property) {
    sd_bus_error error{};
    char* value = nullptr;
    const int code = sd_bus_get_property_string(bus_.get(), destination(), object.c_str(), interface,
                                                property, &error, &value);
    const ScopeExit free_all([&] {
        sd_bus_error_free(&error);
        free(value);
    });
    if (code >= 0) return std::string(value);
    const std::string what = std::string("systemd does not tell ") + property;
    if (sd_bus_error_is_set(&error) != 0) return fail(told(error, what));
    return bus_failed(what, code);
}

Result<std::uint32_t> ManagerBus::number(const std::string& object, const char* interface,
                                         const char* property, char type) {
    sd_bus_error error{};
    std::uint32_t value = 0;
    const int code = sd_bus_get_property_trivial(bus_.get(), destination(), object.c_str(), interface,
                                                 property, &error, type, &value);
    const ScopeExit free_error([&] { sd_bus_error_free(&error); });
    if (code >= 0) return value;
    return bus_failed(std::string("systemd does not tell ") + property, code);
}

Result<void> ManagerBus::watch_jobs() {
    // Without it the manager sends no signals over a message bus.
    TRY(path_of("Subscribe", {}, "systemd cannot be listened to"));
    const int code = sd_bus_match_signal(bus_.get(), nullptr, destination(), kObject, kManager, "JobRemoved",
                                         on_job_removed, heard_.get());
    if (code < 0) return bus_failed("systemd cannot be listened to", code);
    return {};
}

Result<void> ManagerBus::watch_unit(const std::string& object) {
    const int code =
        sd_bus_match_signal(bus_.get(), nullptr, destination(), object.c_str(),
                            "org.freedesktop.DBus.Properties", "PropertiesChanged", on_change, heard_.get());
    if (code < 0) return bus_failed("systemd cannot be listened to", code);
    return {};
}

std::optional<std::string> ManagerBus::ended_job(const std::string& job) const {
    const auto found = heard_->jobs.find(job);
    if (found == heard_->jobs.end()) return std::nullopt;
    return found->second;
}

Result<void> ManagerBus::hear(std::vector<pollfd>& others, MonoTime until) {
    bool heard = false;
    int processed = 0;
    while ((processed = sd_bus_process(bus_.get(), nullptr)) > 0) heard = true;
    if (processed < 0) return bus_failed("systemd went away", processed);
    const auto left = std::chrono::ceil<Duration>(until - std::chrono::steady_clock::now()).count();
    const auto wait_ms = heard ? 0 : static_cast<int>(std::clamp<Duration::rep>(left, 0, 3'600'000));
    others.push_back({sd_bus_get_fd(bus_.get()), static_cast<short>(sd_bus_get_events(bus_.get())), 0});
    ::poll(others.data(), others.size(), wait_ms);
    others.pop_back();
    while ((processed = sd_bus_process(bus_.get(), nullptr)) > 0) {
    }
    if (processed < 0) return bus_failed("systemd went away", processed);
    return {};
}

Result<bool> ManagerBus::wait(const std::function<bool()>& done, MonoTime until, int cancel_fd) {
    while (true) {
        const int processed = sd_bus_process(bus_.get(), nullptr);
        if (processed < 0) return bus_failed("systemd went away", processed);
        if (done()) return true;
        const auto left = std::chrono::ceil<Duration>(until - std::chrono::steady_clock::now()).count();
        if (left <= 0) return false;
        if (processed > 0) continue;
        pollfd polled[2] = {{sd_bus_get_fd(bus_.get()), static_cast<short>(sd_bus_get_events(bus_.get())), 0},
                            {cancel_fd, POLLIN, 0}};
        ::poll(polled, cancel_fd >= 0 ? 2 : 1, static_cast<int>(std::min<Duration::rep>(left, 3'600'000)));
        if (polled[1].revents != 0) return fail(ErrorKind::Cancelled, "cancelled");
    }
}

Result<std::string> ManagerBus::wait_job(const std::string& job, MonoTime until, int cancel_fd) {
    if (!TRY(wait([&] { return heard_->jobs.count(job) != 0; }, until, cancel_fd)))
        return fail(ErrorKind::Timeout, "did not end in time");
    return heard_->jobs.at(job);
}

}  // namespace tidegate::reconciler
