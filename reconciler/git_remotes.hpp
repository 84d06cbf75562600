// Questions to git servers over connections that stay open between them (https, http, ssh), are made (git), or by a
// git-upload-pack of our own (file). Only ever a short cut: whatever is not plain is answered with "cannot say", and git
// is asked, which says what is wrong, too.
#pragma once

#include "reconciler/git_stream.hpp"
#include "reconciler/source.hpp"
#include "reconciler/ssh_connections.hpp"
#include "shared/net/http.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace tidegate::reconciler {

// Thread-safe; one for the daemon.
class GitRemotes {
  public:
    // `folder` gets the sockets of ssh.
    explicit GitRemotes(std::string folder) : ssh_(std::move(folder)) {}

    // What a ref is, by one round trip.
    [[nodiscard]] std::optional<shared::Oid> look(const shared::Url& url, const shared::RefName& ref,
                                                  const SourceAccess& access, int cancel_fd);
    // What a server answers to one command of version 2, whole; nullopt for more than `longest` bytes.
    [[nodiscard]] std::optional<std::string> ask(const shared::Url& url, const std::string& command,
                                                 const SourceAccess& access, size_t longest, int cancel_fd);
    // A kept connection for a git child, held while it runs; null where there is none.
    [[nodiscard]] std::shared_ptr<SshConnection> ssh_for(const shared::Url& url, const SourceAccess& access,
                                                         int cancel_fd) {
        return url.scheme() == "ssh" ? ssh_.to(url, access, cancel_fd) : nullptr;
    }

  private:
    [[nodiscard]] WireAnswer converse_with(const shared::Url& url, const WireQuestion& question,
                                           const SourceAccess& access);
    [[nodiscard]] WireAnswer ask_http(const shared::Url& url, const WireQuestion& question,
                                      const SourceAccess& access);
    [[nodiscard]] WireAnswer ask_ssh(const shared::Url& url, const WireQuestion& question,
                                     const SourceAccess& access);
    [[nodiscard]] bool speaks_first(const std::string& url);
    [[nodiscard]] bool is_given_up(const std::string& url);
    void remember(const std::string& url, const WireAnswer& answer, bool useful);

    SshConnections ssh_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<shared::HttpClient>> idle_clients_;
    std::map<std::string, bool> speak_first_;  // all refs at once: no version 2
    std::map<std::string, int> refusals_;      // in a row, of servers that do not speak this
};

// What the files of the repository at `path` (bare, or with a .git folder) say a ref is; nullopt where they don't.
[[nodiscard]] std::optional<shared::Oid> ref_in_files(const std::string& path, const shared::RefName& ref);

}  // namespace tidegate::reconciler
