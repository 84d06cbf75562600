// What a remote's ref is, asked without starting a process: over a connection that is kept (https, http), or read in
// place (file). Only ever a short cut: whatever is not plain is answered with "cannot say", and git is asked.
#pragma once

#include "reconciler/source.hpp"
#include "shared/net/http.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tidegate::reconciler {

// One thread's; keeps its connection between questions.
class QuickLook {
  public:
    // The ref's id; nullopt where that cannot be said: ssh and git:// addresses, a server that does not speak version 2
    // of git's protocol, a repository in another layout, no such ref, or any failure.
    [[nodiscard]] std::optional<shared::Oid> ask(const shared::Url& url, const shared::RefName& ref,
                                                 const SourceAccess& access, int cancel_fd);

  private:
    [[nodiscard]] std::optional<shared::Oid> ask_server(const shared::Url& url, const shared::RefName& ref,
                                                        const SourceAccess& access, int cancel_fd);
    shared::HttpClient client_;
    int refusals_ = 0;  // in a row, of a server that does not speak this
};

// The question of git's protocol version 2 (gitprotocol-v2(5), ls-refs) for one ref, in pkt-lines.
[[nodiscard]] std::string ls_refs_question(const shared::RefName& ref);
// The answer to it; nullopt where the ref is not in it or it is anything else than such an answer, whole.
[[nodiscard]] std::optional<shared::Oid> ls_refs_answer(std::string_view answer, const shared::RefName& ref);
// What the files of the repository at `path` (bare, or with a .git folder) say a ref is; nullopt where they don't.
[[nodiscard]] std::optional<shared::Oid> ref_in_files(const std::string& path, const shared::RefName& ref);

}  // namespace tidegate::reconciler
