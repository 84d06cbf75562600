// Whether an app is healthy: its probes, in parallel, each until it passed often enough or its time is up.
#pragma once

#include "manifests/manifest.hpp"
#include "reconciler/commands.hpp"
#include "reconciler/units.hpp"
#include "shared/base/clock.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tidegate::reconciler {

// "{release}", "{commit}" and "{version}" in what an answer must hold stand for the release that must answer, so that
// an old version that answers 200 does not pass for the new one.
using HttpProbe = manifests::HttpCheck;
using SequenceProbe = manifests::SequenceCheck;
using FileProbe = manifests::FileCheck;

struct DatabaseProbe {
    manifests::DatabaseCheck check;
    shared::Duration within{30'000};
};

struct TcpProbe {
    std::string address;  // "127.0.0.1:8080", "[::1]:8080", "host:port"
    shared::Duration within{5000};
};

struct RunProbe {
    Script script;
    shared::Duration within{30'000};
};

struct UnitProbe {
    std::string unit;
};

struct Probe {
    std::variant<HttpProbe, TcpProbe, RunProbe, UnitProbe, SequenceProbe, FileProbe, DatabaseProbe> what;
    shared::Duration patience{30'000};  // `for`: must pass within this time
    int successes = 1;                  // this many times in a row
    shared::Duration interval{1000};    // between two tries
    int failures = 3;                   // in the soak: this many in a row fail it
    shared::Duration after{0};          // warm-up: the first try comes so late

    [[nodiscard]] std::string name() const;  // "http://127.0.0.1:8081/healthz", "tcp 127.0.0.1:8080" …
};

// One try.
struct ProbeAnswer {
    bool good = false;
    std::string words;  // "answered 503", "connection refused", "exit 1: …"; masked and escaped
    shared::Duration took{0};
    // What may not change from one try to the next: how often systemd has started a unit again.
    std::optional<std::uint32_t> mark = {};
};

struct ProbeReport {
    std::string probe;
    bool good = false;
    bool stopped = false;  // not waited for: another one failed, or cancelled
    int tries = 0;
    ProbeAnswer last;
};

struct HealthVerdict {
    bool healthy = false;
    // "http://127.0.0.1:8081/healthz answered 503 for 30 s"; "3 probes passed" when healthy.
    std::string words;
    std::vector<ProbeReport> probes;
    shared::Duration took{0};
};

// What probes need beside themselves. All are borrowed.
struct HealthSite {
    const CommandSite* commands = nullptr;
    DeploymentLog* log = nullptr;
    Units* units = nullptr;
    std::string instance = {};  // for {instance}: the address of the instance that is asked
};

// A text with its placeholders filled; `captured` by the names of a sequence.
[[nodiscard]] std::string filled(std::string text, const HealthSite& site,
                                 const std::map<std::string, std::string>& captured = {});
// Whether a probe asks one instance, by {instance}.
[[nodiscard]] bool asks_instance(const Probe& probe);

[[nodiscard]] ProbeAnswer try_probe(const Probe& probe, const HealthSite& site, int cancel_fd);

// Waits until every probe passed `successes` times in a row; unhealthy as soon as one's time is up, the others
// are then not waited for. No probes: healthy. Cancelled when cancel_fd gets readable.
[[nodiscard]] Result<HealthVerdict> wait_healthy(const std::vector<Probe>& probes, const HealthSite& site,
                                                 int cancel_fd = -1);

// Keeps probing for `length`; unhealthy as soon as a probe failed `failures` times in a row, or a quarter of at
// least twelve tries (one that flaps).
[[nodiscard]] Result<HealthVerdict> watch_healthy(const std::vector<Probe>& probes, const HealthSite& site,
                                                  shared::Duration length, int cancel_fd = -1);

// Each probe once, in parallel: the tick of a converged app.
[[nodiscard]] HealthVerdict check_healthy(const std::vector<Probe>& probes, const HealthSite& site,
                                          int cancel_fd = -1);

}  // namespace tidegate::reconciler
