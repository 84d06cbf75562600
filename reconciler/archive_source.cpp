#include "reconciler/archive_source.hpp"

#include "reconciler/transfer.hpp"
#include "reconciler/unpacked_source.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kLongestProofs = 4 << 20;
constexpr std::string_view kProofs = ".intoto.jsonl";

class ArchiveReleaseSource final : public UnpackedSource {
  public:
    ArchiveReleaseSource(const Host& host, const AppSpec& spec, BareStore store)
        : UnpackedSource(host, spec, std::move(store), name_of(source_of(spec)),
                         "the archive " + source_of(spec).url.redacted()),
          source_(source_of(spec)) {}

    static const manifests::ArchiveSource& source_of(const AppSpec& spec) {
        return std::get<manifests::ArchiveSource>(spec.source);
    }
    using UnpackedSource::store_of;

    // The first place that has any is believed to have all: each is signed.
    Result<bool> fetch_proofs(int cancel_fd) override {
        std::optional<Error> wrong;
        for (const auto& url : places()) {
            auto text = proofs_at(url, cancel_fd);
            if (text) {
                TRY(make_dirs(folder(), 0700));
                TRY(write_file_atomic(proofs_path(), *text, 0600));
                return true;
            }
            if (text.error().kind != ErrorKind::NotFound && !wrong) wrong = std::move(text.error());
        }
        if (wrong) return fail(std::move(*wrong).during("looking for what vouches for the archive"));
        return false;
    }

    Result<std::vector<StageProof>> prove(const AttestationNeed& need, const AllowedSigners& allowed,
                                          WallTime now) const override {
        auto text = read_file(proofs_path(), kLongestProofs);
        if (!text && text.error().kind != ErrorKind::NotFound) return fail(std::move(text.error()));
        const auto objects = TRY(repo());
        return verify_archive_attestations(objects, TRY(commit()), source_.sha256, text.value_or(""), need,
                                           allowed, now);
    }

  protected:
    Result<void> before_import(int cancel_fd) override {
        auto from = wanted("the archive", source_.sha256, cancel_fd);
        from.from = places();
        path_ = TRY(download(from));
        return {};
    }
    Result<void> bring(ObjectImport& import, UnpackedTree& tree, int cancel_fd) override {
        const Fd file(::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
        if (!file) return fail_errno("cannot read " + path_);
        return import.add_archive(file.get(), limits(), tree, cancel_fd);
    }
    std::vector<std::string> archives() const override { return {path_}; }
    int strip() const override { return source_.strip; }

  private:
    static std::string name_of(const manifests::ArchiveSource& source) {
        return source.sha256 + (source.strip > 0 ? "-strip" + std::to_string(source.strip) : "");
    }
    [[nodiscard]] std::string proofs_path() const {
        return folder() + "/" + source_.sha256 + std::string(kProofs);
    }
    [[nodiscard]] std::vector<Url> places() const {
        std::vector<Url> places{source_.url};
        places.insert(places.end(), source_.mirrors.begin(), source_.mirrors.end());
        return places;
    }

    Result<std::string> proofs_at(const Url& archive, int cancel_fd) const {
        const auto access = TRY(host().source_access(archive));
        TRY(check_protocol(archive, access));
        const auto url = TRY(Url::parse(archive.redacted() + std::string(kProofs)));
        if (url.scheme() == "file") return read_file(url.path(), kLongestProofs);
        auto asked = TRY(ask(url, access, {}, kLongestProofs, cancel_fd));
        if (asked.status == 200) return std::move(asked.body);
        return status_error(asked.status, url);
    }

    const manifests::ArchiveSource& source_;
    std::string path_;
};

}  // namespace

Result<std::unique_ptr<ReleaseSource>> open_archive_source(const Host& host, const AppSpec& spec) {
    const auto& source = std::get<manifests::ArchiveSource>(spec.source);
    const auto access = TRY(host.source_access(source.url));
    TRY(check_protocol(source.url, access));
    auto store = TRY(ArchiveReleaseSource::store_of(host, spec));
    return std::unique_ptr<ReleaseSource>(new ArchiveReleaseSource(host, spec, std::move(store)));
}

}  // namespace tidegate::reconciler
