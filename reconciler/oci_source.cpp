#include "reconciler/oci_source.hpp"

#include "reconciler/registry.hpp"
#include "reconciler/unpacked_source.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace tidegate::reconciler {

using namespace shared;

namespace {

class OciReleaseSource final : public UnpackedSource {
  public:
    OciReleaseSource(const Host& host, const AppSpec& spec, BareStore store, Registry registry)
        : UnpackedSource(host, spec, std::move(store), spec.commit.str(),
                         "the artifact " + std::get<manifests::OciSource>(spec.source).ref),
          spec_(spec),
          registry_(std::move(registry)) {}

    using UnpackedSource::store_of;

    Result<bool> fetch_proofs(int) override { return false; }
    Result<std::vector<StageProof>> prove(const AttestationNeed& need, const AllowedSigners&,
                                          WallTime) const override {
        if (need.stages.empty()) return std::vector<StageProof>{};
        return fail(
            ErrorKind::Denied,
            "an artifact of a registry carries no attestation, and this host or the manifest asks for " +
                join(need.stages, ", "),
            "release the commit or an archive, or set `trust.attestations: off` on this host");
    }

  protected:
    Result<void> before_import(int cancel_fd) override {
        layers_ = TRY(registry_.layers(spec_.commit.str(), cancel_fd));
        std::uint64_t sum = 0;
        const auto most = host().config.limits.download;
        for (const auto& layer : layers_) {
            if (layer.size > most - std::min(sum, most))
                return fail(ErrorKind::Invalid,
                            "the artifact's layers are larger than " + std::to_string(most) + " bytes",
                            "`limits: {download: …}` in the host's configuration lets more in");
            sum += layer.size;
        }
        for (const auto& layer : layers_) {
            auto from = wanted("a layer of the artifact", layer.sha256, cancel_fd);
            from.limit = layer.size;
            from.from = {TRY(registry_.blob_url(layer.sha256))};
            from.authorization = [this](const Url&) { return registry_.authorization(); };
            TRY(download(from));
        }
        return {};
    }

    Result<void> bring(ObjectImport& import, UnpackedTree& tree, int cancel_fd) override {
        for (const auto& layer : layers_) {
            const auto path = folder() + "/" + layer.sha256;
            const Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
            struct stat info {};
            if (!file || fstat(file.get(), &info) != 0) return fail_errno("cannot read " + path);
            if (static_cast<std::uint64_t>(info.st_size) != layer.size)
                return fail(ErrorKind::Invalid,
                            "a layer of the artifact has another size than its manifest says");
            tree.begin_layer();
            TRY(import.add_archive(file.get(), limits(), tree, cancel_fd));
        }
        return {};
    }

    std::vector<std::string> archives() const override {
        std::vector<std::string> paths;
        for (const auto& layer : layers_) paths.push_back(folder() + "/" + layer.sha256);
        return paths;
    }

  private:
    const AppSpec& spec_;
    Registry registry_;
    std::vector<Layer> layers_;
};

}  // namespace

Result<std::unique_ptr<ReleaseSource>> open_oci_source(const Host& host, const AppSpec& spec) {
    const auto& source = std::get<manifests::OciSource>(spec.source);
    const auto address = TRY(Registry::address_of(source.ref, host.config.protocols));
    const auto access = TRY(host.source_access(address));
    auto registry = TRY(Registry::open(source.ref, access));
    auto store = TRY(OciReleaseSource::store_of(host, spec));
    return std::unique_ptr<ReleaseSource>(
        new OciReleaseSource(host, spec, std::move(store), std::move(registry)));
}

}  // namespace tidegate::reconciler
