#include "reconciler/release_source.hpp"

#include "reconciler/archive_source.hpp"
#include "reconciler/oci_source.hpp"
#include "reconciler/source.hpp"

namespace tidegate::reconciler {

using namespace shared;

namespace {

class GitReleaseSource final : public ReleaseSource {
  public:
    GitReleaseSource(GitMirror mirror, const AppSpec& spec) : mirror_(std::move(mirror)), spec_(spec) {}

    Result<void> fetch(int cancel_fd) override {
        return mirror_.fetch_commit(spec_.commit, spec_.tag, cancel_fd);
    }
    Result<bool> fetch_proofs(int cancel_fd) override {
        return TRY(mirror_.fetch_attestations(cancel_fd)).has_value();
    }
    Result<std::vector<StageProof>> prove(const AttestationNeed& need, const AllowedSigners& allowed,
                                          WallTime now) const override {
        const auto objects = TRY(mirror_.repo());
        return verify_attestations(objects, spec_.commit, need, allowed, now);
    }
    Result<Oid> commit() const override { return spec_.commit; }
    Result<Repo> repo() const override { return mirror_.repo(); }
    Result<void> set_aside() override { return mirror_.set_aside(); }
    Result<void> keep_only(const std::vector<Oid>& ids) override { return mirror_.keep_only(ids); }

  private:
    GitMirror mirror_;
    const AppSpec& spec_;
};

}  // namespace

Result<std::unique_ptr<ReleaseSource>> ReleaseSource::open(const Host& host, const AppSpec& spec) {
    if (std::holds_alternative<manifests::ArchiveSource>(spec.source)) return open_archive_source(host, spec);
    if (std::holds_alternative<manifests::OciSource>(spec.source)) return open_oci_source(host, spec);
    const auto& git = std::get<manifests::GitSource>(spec.source);
    TransferLimits limits;
    limits.pack_bytes = host.config.limits.download;
    auto access = TRY(host.source_access(git.url));
    auto mirror = TRY(GitMirror::open(host.sources_folder(), git.url, std::move(access), limits));
    return std::unique_ptr<ReleaseSource>(new GitReleaseSource(std::move(mirror), spec));
}

StageLimits stage_limits(const HostConfig& config) {
    StageLimits limits;
    limits.bytes = config.limits.release;
    limits.file_bytes = config.limits.file;
    limits.files = config.limits.files;
    return limits;
}

}  // namespace tidegate::reconciler
