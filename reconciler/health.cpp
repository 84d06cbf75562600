#include "reconciler/health.hpp"

#include "reconciler/release_files.hpp"
#include "shared/base/text.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>

namespace tidegate::reconciler {

using namespace shared;

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr Duration kLeastTry{250};  // a try at the end of the time gets this long at least
constexpr int kFlapTries = 12;

enum class OnFailure { StopOthers, GoOn };

void signal(const Fd& event) {
    const std::uint64_t one = 1;
    (void)!::write(event.get(), &one, sizeof one);
}

// True when `fd` got readable before `length` was over.
bool wait_for(int fd, Duration length) {
    pollfd polled{fd, POLLIN, 0};
    const auto ms = std::clamp<Duration::rep>(length.count(), 0, 3'600'000);
    return ::poll(&polled, 1, static_cast<int>(ms)) > 0;
}

bool is_set(int fd) {
    return wait_for(fd, Duration(0));
}

Duration left_until(MonoTime end) {
    return std::chrono::ceil<Duration>(end - SteadyClock::now());
}

// The probe with a try no longer than `most`.
Probe shortened(Probe probe, Duration most) {
    const auto limit = [&](Duration& within) { within = std::min(within, std::max(most, kLeastTry)); };
    if (auto* http = std::get_if<HttpProbe>(&probe.what)) limit(http->within);
    if (auto* tcp = std::get_if<TcpProbe>(&probe.what)) limit(tcp->within);
    if (auto* script = std::get_if<RunProbe>(&probe.what)) limit(script->within);
    if (auto* database = std::get_if<DatabaseProbe>(&probe.what)) limit(database->within);
    if (auto* sequence = std::get_if<SequenceProbe>(&probe.what))
        for (auto& request : sequence->requests) limit(request.within);
    return probe;
}

// One thread's work: fills the report until it is decided or `stop` is readable.
using Work = std::function<void(const Probe&, int stop, ProbeReport&)>;

struct Outcome {
    std::vector<ProbeReport> reports;
    const ProbeReport* first_bad = nullptr;
    bool cancelled = false;
};

class Watchers {
  public:
    Watchers()
        : stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), ended_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

    Result<Outcome> watch(const std::vector<Probe>& probes, int cancel_fd, OnFailure on_failure,
                          const Work& work) {
        if (!stop_ || !ended_) return fail_errno("cannot watch the app's health");
        outcome_.reports.resize(probes.size());
        std::vector<std::thread> threads;
        auto started = start(probes, on_failure, work, threads);
        if (!started)
            signal(stop_);
        else
            wait_for_all(probes.size(), cancel_fd);
        for (auto& thread : threads) thread.join();
        TRY(std::move(started));
        return std::move(outcome_);
    }

  private:
    Result<void> start(const std::vector<Probe>& probes, OnFailure on_failure, const Work& work,
                       std::vector<std::thread>& threads) {
        try {
            for (size_t i = 0; i < probes.size(); ++i)
                threads.emplace_back(
                    [this, &probe = probes[i], &report = outcome_.reports[i], on_failure, &work] {
                        report.probe = probe.name();
                        work(probe, stop_.get(), report);
                        end(report, on_failure);
                    });
        } catch (const std::system_error& error) {
            return fail(ErrorKind::Transient, std::string("cannot start a thread: ") + error.what());
        }
        return {};
    }

    void end(ProbeReport& report, OnFailure on_failure) {
        const std::lock_guard lock(mutex_);
        ++count_;
        if (!report.good && !report.stopped && outcome_.first_bad == nullptr) outcome_.first_bad = &report;
        if (!report.good && on_failure == OnFailure::StopOthers) signal(stop_);
        signal(ended_);
    }

    void wait_for_all(size_t total, int cancel_fd) {
        while (true) {
            {
                const std::lock_guard lock(mutex_);
                if (count_ == total) return;
            }
            pollfd polled[2] = {{ended_.get(), POLLIN, 0}, {cancel_fd, POLLIN, 0}};
            ::poll(polled, cancel_fd >= 0 && !outcome_.cancelled ? 2 : 1, -1);
            std::uint64_t drained = 0;
            if (polled[0].revents != 0) (void)!::read(ended_.get(), &drained, sizeof drained);
            if (polled[1].revents != 0) {
                outcome_.cancelled = true;
                signal(stop_);
            }
        }
    }

    Fd stop_;
    Fd ended_;
    std::mutex mutex_;
    size_t count_ = 0;
    Outcome outcome_;
};

// One try. A unit that systemd started again since the last one has died in between, well as it may look.
ProbeAnswer next_try(const Probe& probe, const HealthSite& site, int stop, const ProbeReport& report) {
    auto answer = try_probe(probe, site, stop);
    if (!answer.good || !answer.mark || !report.last.mark || *answer.mark <= *report.last.mark) return answer;
    answer.good = false;
    answer.words += ", and was started again by systemd (" + std::to_string(*answer.mark) + " times)";
    return answer;
}

void until_passed(const Probe& probe, const HealthSite& site, int stop, ProbeReport& report) {
    report.stopped = probe.after.count() > 0 && wait_for(stop, probe.after);
    if (report.stopped) return;
    const auto end = SteadyClock::now() + probe.patience;
    int streak = 0;
    while (true) {
        const auto answer = next_try(shortened(probe, left_until(end)), site, stop, report);
        report.stopped = !answer.good && is_set(stop);
        if (report.stopped) return;
        report.last = answer;
        ++report.tries;
        streak = answer.good ? streak + 1 : 0;
        report.good = streak >= probe.successes;
        const auto left = left_until(end);
        if (report.good) return;
        if (left <= Duration(0)) break;
        report.stopped = wait_for(stop, std::min(probe.interval, left));
        if (report.stopped) return;
    }
    if (streak > 0)
        report.last.words =
            "passed " + std::to_string(streak) + " of " + std::to_string(probe.successes) + " times in a row";
}

void through_soak(const Probe& probe, const HealthSite& site, MonoTime end, int stop, ProbeReport& report) {
    int streak = 0;
    int failed = 0;
    report.good = true;
    while (left_until(end) > Duration(0)) {
        const auto answer = next_try(probe, site, stop, report);
        report.stopped = is_set(stop);
        if (report.stopped) return;
        report.last = answer;
        ++report.tries;
        streak = answer.good ? 0 : streak + 1;
        failed += answer.good ? 0 : 1;
        const bool flaps = report.tries >= kFlapTries && failed * 4 >= report.tries;
        report.good = streak < probe.failures && !flaps;
        if (!report.good && streak < probe.failures)
            report.last.words = "failed " + std::to_string(failed) + " of " + std::to_string(report.tries) +
                                " times; the last: " + answer.words;
        if (!report.good) return;
        report.stopped = wait_for(stop, std::min(probe.interval, left_until(end)));
        if (report.stopped) return;
    }
}

HealthVerdict verdict_of(Outcome outcome, MonoTime started) {
    HealthVerdict verdict;
    verdict.took = std::chrono::duration_cast<Duration>(SteadyClock::now() - started);
    verdict.healthy = outcome.first_bad == nullptr;
    if (verdict.healthy) {
        verdict.words =
            outcome.reports.empty() ? "no probes" : count_of(outcome.reports.size(), "probe") + " passed";
    } else {
        const auto& report = *outcome.first_bad;
        verdict.words = report.probe + " " + report.last.words;
    }
    verdict.probes = std::move(outcome.reports);
    return verdict;
}

}  // namespace

Result<HealthVerdict> wait_healthy(const std::vector<Probe>& probes, const HealthSite& site, int cancel_fd) {
    const auto started = SteadyClock::now();
    Watchers watchers;
    auto outcome = TRY(watchers.watch(
        probes, cancel_fd, OnFailure::StopOthers,
        [&](const Probe& probe, int stop, ProbeReport& report) { until_passed(probe, site, stop, report); }));
    if (outcome.cancelled) return fail(ErrorKind::Cancelled, "the health check was cancelled");
    auto verdict = verdict_of(std::move(outcome), started);
    if (!verdict.healthy) verdict.words += " for " + human_duration(verdict.took);
    return verdict;
}

Result<HealthVerdict> watch_healthy(const std::vector<Probe>& probes, const HealthSite& site, Duration length,
                                    int cancel_fd) {
    const auto started = SteadyClock::now();
    if (probes.empty()) {  // nothing to ask, but the time is to pass
        if (wait_for(cancel_fd, length)) return fail(ErrorKind::Cancelled, "the soak was cancelled");
        return verdict_of({}, started);
    }
    Watchers watchers;
    auto outcome = TRY(watchers.watch(probes, cancel_fd, OnFailure::StopOthers,
                                      [&](const Probe& probe, int stop, ProbeReport& report) {
                                          through_soak(probe, site, started + length, stop, report);
                                      }));
    if (outcome.cancelled) return fail(ErrorKind::Cancelled, "the soak was cancelled");
    auto verdict = verdict_of(std::move(outcome), started);
    if (!verdict.healthy) verdict.words += ", " + human_duration(verdict.took) + " into the soak";
    return verdict;
}

HealthVerdict check_healthy(const std::vector<Probe>& probes, const HealthSite& site, int cancel_fd) {
    const auto started = SteadyClock::now();
    Watchers watchers;
    auto outcome = watchers.watch(probes, cancel_fd, OnFailure::GoOn,
                                  [&](const Probe& probe, int stop, ProbeReport& report) {
                                      report.last = try_probe(probe, site, stop);
                                      report.tries = 1;
                                      report.good = report.last.good;
                                      report.stopped = !report.good && is_set(stop);
                                  });
    if (!outcome) return {false, outcome.error().message, {}, Duration(0)};
    if (outcome->cancelled)
        return {false, "the health check was cancelled", std::move(outcome->reports), Duration(0)};
    return verdict_of(std::move(*outcome), started);
}

}  // namespace tidegate::reconciler
