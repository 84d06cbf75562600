// Real repositories with real signed commits, approvals and attestations.
#pragma once

#include "manifests/approval.hpp"
#include "reconciler/trust.hpp"
#include "shared/doc/yaml.hpp"
#include "shared/sign/attestation.hpp"
#include "shared/sign/gates_digest.hpp"
#include "tests/unit/sign/rig.hpp"

#include <sys/stat.h>

namespace tidegate::test {

using namespace tidegate::reconciler;

inline WallTime noon() {
    return at("2026-06-15T12:00:00Z");
}

// A work tree; people commit to it under their own names, with their keys or without.
class Work {
  public:
    Work() {
        env_.set("HOME", folder_.path());
        env_.set("GIT_CONFIG_NOSYSTEM", "1");
        git({"init", "-q", "-b", "deploy"});
        repo_ = std::make_unique<Repo>(Repo::open(folder_.path()).value());
    }
    [[nodiscard]] const Repo& repo() const { return *repo_; }
    [[nodiscard]] Repo& repo() { return *repo_; }

    std::string git(std::vector<std::string> args, const std::string& input = {}) const {
        args.insert(args.begin(), "/usr/bin/git");
        return std::string(trim(must_run(std::move(args), input, folder_.path(), &env_)));
    }
    [[nodiscard]] Oid head() const { return Oid::parse(git({"rev-parse", "HEAD"})).value(); }

    void write(const std::string& path, const std::string& content) const {
        const auto whole = folder_.path() + "/" + path;
        REQUIRE(make_dirs(whole.substr(0, whole.rfind('/')), 0755).has_value());
        REQUIRE(write_file_atomic(whole, content, 0644).has_value());
        git({"add", "--", path});
    }
    void remove(const std::string& path) const { git({"rm", "-q", "--", path}); }

    void be(const std::string& name) {
        for (const std::string who : {"GIT_AUTHOR", "GIT_COMMITTER"}) {
            env_.set(who + "_NAME", name);
            env_.set(who + "_EMAIL", name + "@example.com");
        }
    }
    void date(const std::string& utc) {
        env_.set("GIT_AUTHOR_DATE", utc);
        env_.set("GIT_COMMITTER_DATE", utc);
    }
    // What is staged, as `name`; signed with the key of that name.
    Oid commit(const std::string& name, const std::string& message = "change") {
        return commit_as(name, &key_file(name), {"commit", "-q", "--allow-empty", "-m", message});
    }
    Oid commit_unsigned(const std::string& name, const std::string& message = "change") {
        return commit_as(name, nullptr, {"commit", "-q", "--allow-empty", "-m", message});
    }
    Oid merge(const std::string& name, const std::string& branch) {
        return commit_as(name, &key_file(name), {"merge", "-q", "--no-ff", "-m", "merge " + branch, branch});
    }
    Oid commit_as(const std::string& name, const KeyFile* key, std::vector<std::string> args) {
        be(name);
        std::vector<std::string> whole{"-c", "gpg.format=ssh"};
        if (key != nullptr)
            whole.insert(whole.end(), {"-c", "user.signingkey=" + key->path, "-c", "commit.gpgsign=true"});
        whole.insert(whole.end(), args.begin(), args.end());
        git(std::move(whole));
        return head();
    }

    // Writes (and stages) an approval of production/web as it is in the work tree.
    std::string approve(const std::string& name, const std::string& name_space = "tidegate-approval") const {
        const auto content = must_read(folder_.path() + "/production/web.yaml");
        const auto digest = manifests::manifest_digest(content);
        const auto& key = key_file(name);
        const auto path = manifests::approval_path("production", "web", digest, key.key);
        write(path, key.sign(name_space, manifests::approval_message("production", "web", digest)));
        return path;
    }

    // Adds files to refs/tidegate/attestations.
    void store(const std::vector<TreeEdit>& edits) {
        const auto ref = RefName::parse(kAttestationsRef).value();
        const auto tip = repo_->resolve(ref).value();
        const auto base = tip ? repo_->commit(*tip).value().tree : Oid();
        const auto tree = repo_->write_tree(base, edits).value();
        const auto made = repo_->write_commit(tree, {}, "t", "t@example.com", noon(), "attest\n").value();
        REQUIRE(repo_->update_ref(ref, made, tip, "test").has_value());
    }

  private:
    TempDir folder_ = TempDir::make("tidegate-trust").value();
    Environment env_ = basic_environment();
    std::unique_ptr<Repo> repo_;
};

inline AllowedSigners team() {
    std::string text;
    for (const std::string name : {"ana", "ben", "carl"})
        text += key_file(name).listed(name + "@example.com");
    return allowed_from(text);
}

// What a refusal says, and that it is one of policy with a mend.
template <typename T>
std::string denial(const Result<T>& result) {
    if (result) return "";
    CHECK(result.error().kind == ErrorKind::Denied);
    CHECK(result.error().hint != "");
    return result.error().message;
}

inline bool says(const std::string& text, const std::string& part) {
    const bool found = text.find(part) != std::string::npos;
    if (!found) MESSAGE(text);
    return found;
}

}  // namespace tidegate::test
