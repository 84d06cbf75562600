// A connection to systemd over D-Bus (org.freedesktop.systemd1), by libsystemd's sd-bus. One connection serves one
// question or one job, in one thread: opening it costs less than a millisecond, and keeping it would cost wake-ups.
#pragma once

#include "shared/base/clock.hpp"
#include "shared/base/error.hpp"
#include "shared/base/handle.hpp"

#include <poll.h>
#include <systemd/sd-bus.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidegate::reconciler {

using BusMessage = shared::Handle<sd_bus_message, sd_bus_message_unref>;

class ManagerBus {
  public:
    // Root: systemd's own socket, which needs no message bus; else, and where there is no such socket, the system
    // bus. `address` (a D-Bus address of a manager or bus) is for tests. Unsupported where nobody answers.
    [[nodiscard]] static Result<ManagerBus> connect(const std::string& address = {});

    // A call of org.freedesktop.systemd1.Manager that is filled by the caller, then sent by call(). `what` begins
    // the messages of errors. NotFound for an unknown unit, Permission, Failed with what systemd said.
    [[nodiscard]] Result<BusMessage> request(const char* method);
    [[nodiscard]] Result<BusMessage> call(sd_bus_message* request, const std::string& what);
    // For the calls that take texts only and give an object's path, or (`give_path` false) nothing of use.
    [[nodiscard]] Result<std::string> path_of(const char* method, const std::vector<std::string>& texts,
                                              const std::string& what);

    [[nodiscard]] Result<std::string> text(const std::string& object, const char* interface,
                                           const char* property);
    // An unsigned or signed number of 32 bits.
    [[nodiscard]] Result<std::uint32_t> number(const std::string& object, const char* interface,
                                               const char* property, char type = 'u');

    // From now on ended jobs are remembered. Before the job is asked for.
    [[nodiscard]] Result<void> watch_jobs();
    // From now on changed() grows with each change of a property of the unit with this object path.
    [[nodiscard]] Result<void> watch_unit(const std::string& object);
    [[nodiscard]] std::uint64_t changed() const { return heard_->changes; }
    // The job's result ("done", "failed", "timeout", "canceled", "dependency", "skipped"); Timeout, Cancelled.
    [[nodiscard]] Result<std::string> wait_job(const std::string& job, shared::MonoTime until, int cancel_fd);
    // What came of it so far; nullopt while it runs.
    [[nodiscard]] std::optional<std::string> ended_job(const std::string& job) const;
    // Hears what systemd says, and returns: at once where it said something, else when one of `others` is ready (see
    // their revents) or the time has come.
    [[nodiscard]] Result<void> hear(std::vector<pollfd>& others, shared::MonoTime until);
    // Until `done` says so; it is asked after every message. False: the time is up.
    [[nodiscard]] Result<bool> wait(const std::function<bool()>& done, shared::MonoTime until, int cancel_fd);

  private:
    using Connection = shared::Handle<sd_bus, sd_bus_flush_close_unref>;
    struct Heard {
        std::map<std::string, std::string> jobs;  // ended: path to result
        std::uint64_t changes = 0;
    };
    explicit ManagerBus(Connection bus) : heard_(std::make_unique<Heard>()), bus_(std::move(bus)) {}
    [[nodiscard]] const char* destination() const;

    static int on_job_removed(sd_bus_message* message, void* heard, sd_bus_error*);
    static int on_change(sd_bus_message* message, void* heard, sd_bus_error*);

    std::unique_ptr<Heard> heard_;  // the callbacks have its address
    Connection bus_;                // gone first
};

}  // namespace tidegate::reconciler
