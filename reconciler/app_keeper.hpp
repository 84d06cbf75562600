// Keeps one app: observes, decides, acts, until there is nothing to do now. Runs in a thread of its own; one
// keeper at a time works on an app.
#pragma once

#include "reconciler/decide.hpp"
#include "reconciler/deployment.hpp"
#include "reconciler/drift.hpp"
#include "reconciler/look.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace tidegate::reconciler {

// What others see of an app while it is kept.
struct AppReport {
    std::string app;
    Decision decision;
    std::string current;    // the release behind `current`, "" where there is none
    std::string deploying;  // digest of the manifest that a running deployment is for
    std::int64_t deployment = 0;
    bool denied = false;  // refused by policy
    DriftRounds drift_rounds{};
};

class AppKeeper {
  public:
    // `before` is the report of the last visit; `looked` gives the newest look each time it is asked; `report`
    // hears of every change.
    AppKeeper(const Host& host, AppReport before, std::function<std::shared_ptr<const Look>()> looked,
              std::function<void(const AppReport&)> report, Interrupt& interrupt);

    // Until the decision is to do nothing, to wait or to hold, or the interrupt asks to stop.
    [[nodiscard]] AppReport keep();
    // One decision, nothing done.
    [[nodiscard]] AppReport decide_only();

  private:
    struct View;  // what one round sees
    [[nodiscard]] Result<View> view();
    [[nodiscard]] Decision decide_now(const View& view) const;
    [[nodiscard]] Declared declared_of(const DeclaredApp& app, const AppRow& remembered,
                                       const Accepted& accepted);
    // The first app of `depends_on` that this host has and that does not run what is declared, with the reason.
    [[nodiscard]] std::string waits_for(const DeclaredApp& app, const Look& look);
    [[nodiscard]] Observed observe(const std::optional<DeclaredApp>& app, const AppRow& remembered);
    void observe_drift(View& view);
    void observe_files(View& view, const AppRoot& root);
    // The first unit of `activate` that has stopped, in words.
    [[nodiscard]] std::optional<std::string> stopped_unit(const AppSpec& spec);
    // True: look again at once.
    [[nodiscard]] bool act(const View& view, const Decision& decision);
    [[nodiscard]] bool deploy(const View& view, const Decision& decision);
    [[nodiscard]] bool recover(const View& view);
    void adopt(const View& view);
    [[nodiscard]] bool mend(const View& view, const Decision& decision);
    // Mending is counted: what does not last is mended less and less often.
    void count_mend(const std::string& digest, std::string reason);
    void forget_mends(const View& view);
    [[nodiscard]] bool walk(DeploymentRow row, bool found);
    void tell(const Decision& decision);
    [[nodiscard]] AppReport failed(const Error& error);

    const Host& host_;
    std::string app_;
    std::function<std::shared_ptr<const Look>()> looked_;
    std::function<void(const AppReport&)> report_to_;
    Interrupt& interrupt_;
    shared::Log log_;
    AppReport report_;
    std::optional<DelayRow> mends_;  // as counted before the deployment that puts `current` back
};

}  // namespace tidegate::reconciler
