// The real twin of Ports: acts on the app's folder, the mirrors, processes, units and probes of this host.
#pragma once

#include "reconciler/app_spec.hpp"
#include "reconciler/blue_green.hpp"
#include "reconciler/host.hpp"
#include "reconciler/ports.hpp"
#include "reconciler/release_source.hpp"
#include "reconciler/sql_migrate.hpp"
#include "reconciler/stage.hpp"

#include <functional>
#include <memory>

namespace tidegate::reconciler {

class HostPorts final : public Ports {
  public:
    // For the deployment `row`; its manifests are read from the row. Fails (Invalid, Denied, Permission, NotFound)
    // where the manifest, the root or the user cannot be.
    [[nodiscard]] static Result<std::unique_ptr<HostPorts>> make(const Host& host, const DeploymentRow& row);

    Result<std::string> fetch(int cancel_fd) override;
    Result<std::string> verify(int cancel_fd) override;
    bool complete() override;
    Result<std::string> stage(int cancel_fd) override;
    Result<std::string> build(int cancel_fd) override;
    Result<std::string> discard() override;
    Migration migration(Side side) override;
    Result<std::string> migrate(Side side, Way way, int cancel_fd) override;
    Result<std::string> restore(Side side, int cancel_fd) override;
    Result<std::optional<std::string>> current() override;
    Result<std::string> switch_to(Side side) override;
    Result<std::string> activate(Side side, int cancel_fd) override;
    Result<std::string> health(Side side, int cancel_fd) override;
    Result<std::string> soak(int cancel_fd) override;
    Result<std::vector<std::string>> prune(const std::vector<std::string>& in_use,
                                           const std::vector<std::string>& good) override;

  private:
    struct Prepared;  // one side's spec with its user and secrets
    HostPorts(const Host& host, DeploymentRow row, AppSpec to, std::optional<AppSpec> from, AppRoot root,
              DeploymentLog log);
    [[nodiscard]] const AppSpec& spec(Side side) const;
    [[nodiscard]] Result<ReleaseId> release(Side side) const;
    [[nodiscard]] Result<CommandSite> site(Side side) const;
    [[nodiscard]] AttestationNeed need() const;
    [[nodiscard]] Result<void> check_approvals(const shared::AllowedSigners& allowed,
                                               shared::WallTime now) const;
    [[nodiscard]] RunOptions options(std::string what, shared::Duration timeout, int cancel_fd) const;
    // run_script(), its child in the journal while it runs: a daemon that starts after a crash ends it first.
    [[nodiscard]] Result<shared::Exit> run_journalled(const Script& script, const CommandSite& where,
                                                      RunOptions how) {
        return run_journalled(script, where, std::move(how), log_);
    }
    [[nodiscard]] Result<shared::Exit> run_journalled(const Script& script, const CommandSite& where,
                                                      RunOptions how, DeploymentLog& log);

    // Of host_migrate.cpp. What the journal knows of this deployment's migration beside begin and end.
    [[nodiscard]] Result<std::optional<std::string>> noted(std::string_view what) const;
    [[nodiscard]] Result<void> note(std::string_view what, const std::string& detail) const;
    // The way that the deployment goes, against the one that undoes it.
    [[nodiscard]] bool is_forward(Side side, Way way) const;
    [[nodiscard]] bool may_go_for_good() const;
    [[nodiscard]] Result<SqlMigrator> sql_migrator(Side side, const shared::Fd& folder, RunOptions how);
    [[nodiscard]] Result<SqlMigrator::Work> sql_work(SqlMigrator& migrator, Side side, Way way);
    [[nodiscard]] Result<std::string> migrate_sql(Side side, Way way, RunOptions how);
    [[nodiscard]] Result<void> back_up(Side side, int cancel_fd);
    [[nodiscard]] std::string author() const;

    // With `strategy: blue-green`; nullopt without it. The site must outlive it.
    [[nodiscard]] std::optional<BlueGreenInstances> instances(Side side, const CommandSite& where,
                                                              int cancel_fd);
    // Waits for what is left of its drain, then stops the instance that no longer serves.
    [[nodiscard]] Result<void> end_former_instance(int cancel_fd);
    // How the former release was before this deployment touched anything.
    void take_baseline(int cancel_fd);

    // Forgets the commits of releases that were removed, in the mirror.
    [[nodiscard]] Result<void> forget_sources(const std::vector<std::string>& gone) const;

    const Host& host_;
    DeploymentRow row_;
    AppSpec to_;
    std::optional<AppSpec> from_;
    AppRoot root_;
    DeploymentLog log_;
    IntegrityStore store_;
    std::optional<IntegrityRecord> staged_;  // between stage and build
    std::string unhealthy_before_;           // the former release's failing probe, before the deployment
};

// Every secret of a manifest, by the name of its variable.
[[nodiscard]] Result<std::map<std::string, std::string>> load_secrets(const AppSpec& spec);
// What a release's commands and probes see; `directory` is the release's folder.
[[nodiscard]] Result<CommandSite> command_site(const HostConfig& config, const AppSpec& spec,
                                               const AppRoot& root,
                                               const std::optional<std::string>& previous);
// Whom the app's folders and commands belong to; nullopt: ourselves.
[[nodiscard]] Result<std::optional<shared::RunAs>> app_user(const AppSpec& spec);

}  // namespace tidegate::reconciler
