// A temporary host for the tests of the acting parts: a folder for apps, one for state, and git repositories.
#pragma once

#include "reconciler/app_root.hpp"
#include "reconciler/stage.hpp"
#include "shared/base/files.hpp"
#include "shared/base/process.hpp"
#include "shared/base/text.hpp"
#include "shared/repo/repo.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <string>

namespace tidegate::reconciler {

class PartsRig {
  public:
    PartsRig() : dir_(shared::TempDir::make("tidegate-parts").value()) {
        REQUIRE(chmod(path().c_str(), 0755) == 0);
        sh("mkdir srv state && git init -q -b main app");
    }

    [[nodiscard]] const std::string& path() const { return dir_.path(); }
    [[nodiscard]] std::string srv() const { return path() + "/srv"; }
    [[nodiscard]] std::string state() const { return path() + "/state"; }
    [[nodiscard]] shared::Url url(const std::string& name = "app") const {
        return shared::Url::parse("file://" + path() + "/" + name).value();
    }

    // Runs a script in the rig's folder, which must end well; gives its output.
    std::string sh(const std::string& script) const {
        shared::Command command;
        command.argv = {"/bin/sh", "-ec", script};
        command.directory = path();
        command.env = shared::basic_environment();
        for (const auto& [name, value] : {std::pair{"GIT_CONFIG_GLOBAL", "/dev/null"},
                                          {"GIT_CONFIG_NOSYSTEM", "1"},
                                          {"GIT_AUTHOR_NAME", "Ana"},
                                          {"GIT_AUTHOR_EMAIL", "ana@example.com"},
                                          {"GIT_COMMITTER_NAME", "Ana"},
                                          {"GIT_COMMITTER_EMAIL", "ana@example.com"}})
            command.env.set(name, value);
        const auto exit = shared::run(command);
        REQUIRE(exit.has_value());
        INFO(script, ": ", exit->err);
        REQUIRE(exit->ok());
        return std::string(shared::trim(exit->out));
    }

    // Commits whatever `script` makes of the app's work tree.
    shared::Oid commit(const std::string& script) const {
        return shared::Oid::parse(
                   sh("cd app; " + script +
                      "\ngit add -A && git commit -qm change --allow-empty && git rev-parse HEAD"))
            .value();
    }

    [[nodiscard]] AppRoot root(const std::string& name = "web") const {
        return AppRoot::open(srv() + "/" + name, {srv()}, std::nullopt, IfMissing::Create).value();
    }
    [[nodiscard]] shared::Repo repo() const { return shared::Repo::open(path() + "/app/.git").value(); }
    [[nodiscard]] IntegrityStore store() const { return IntegrityStore(state(), "web"); }

    // Stages and seals a release; nullopt's error is the test's to look at with stage_release itself.
    ReleaseId release(const AppRoot& root, const shared::Oid& commit,
                      const std::vector<ReleaseId>& share_with = {}) const {
        StageRequest request{ReleaseId::of(commit, ""), commit, {}, false, share_with, {}, -1};
        auto report = stage_release(root, repo(), store(), request);
        if (!report) FAIL(report.error().line());
        const auto sealed = seal_release(root, store(), request.id, std::move(report->record), false);
        REQUIRE(sealed.has_value());
        return request.id;
    }

    [[nodiscard]] std::string read(const std::string& relative) const {
        return shared::read_file(path() + "/" + relative, 1 << 20).value_or("(missing)");
    }
    [[nodiscard]] struct stat info(const std::string& relative) const {
        struct stat found {};
        CHECK(lstat((path() + "/" + relative).c_str(), &found) == 0);
        return found;
    }

  private:
    shared::TempDir dir_;
};

inline ReleaseId id_of(const std::string& name) {
    return ReleaseId::parse(name).value();
}

}  // namespace tidegate::reconciler
