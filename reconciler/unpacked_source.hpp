// What sources that are unpacked into a store of our own have in common: archives and artifacts. One store and one
// folder of downloads for each app, below STATE/sources/apps/<app>.
#pragma once

#include "reconciler/download.hpp"
#include "reconciler/object_import.hpp"
#include "reconciler/release_source.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tidegate::reconciler {

class UnpackedSource : public ReleaseSource {
  public:
    [[nodiscard]] Result<void> fetch(int cancel_fd) override;
    [[nodiscard]] Result<shared::Oid> commit() const override;
    [[nodiscard]] Result<shared::Repo> repo() const override { return store_.repo(); }
    [[nodiscard]] Result<void> set_aside() override { return store_.set_aside(); }
    [[nodiscard]] Result<void> keep_only(const std::vector<shared::Oid>& ids) override;

  protected:
    // `name`: what the commit is kept by; begins with the 64 digits of the digest.
    UnpackedSource(const Host& host, const AppSpec& spec, BareStore store, std::string name,
                   std::string what);
    [[nodiscard]] static std::string folder_of(const Host& host, const AppSpec& spec);
    [[nodiscard]] static Result<BareStore> store_of(const Host& host, const AppSpec& spec);

    // Brings the content, adds it to `import`. What lies in folder() and is called by a digest is removed afterwards.
    [[nodiscard]] virtual Result<void> bring(ObjectImport& import, UnpackedTree& tree, int cancel_fd) = 0;
    [[nodiscard]] virtual Result<void> before_import(int cancel_fd) = 0;
    // What before_import() brought and bring() will unpack.
    [[nodiscard]] virtual std::vector<std::string> archives() const = 0;
    [[nodiscard]] virtual int strip() const { return 0; }

    [[nodiscard]] const Host& host() const { return host_; }
    [[nodiscard]] const std::string& folder() const { return folder_; }
    [[nodiscard]] shared::ArchiveLimits limits() const;
    // A download of `sha256` into folder(), from nowhere yet.
    [[nodiscard]] Download wanted(std::string what, std::string sha256, int cancel_fd) const;

  private:
    [[nodiscard]] Result<void> check_rooms(int cancel_fd) const;
    void remove_downloads() const;
    const Host& host_;
    std::string folder_;
    std::string root_;  // the app's
    BareStore store_;
    std::string name_;
    std::string what_;
};

}  // namespace tidegate::reconciler
