// What a remote's ref is, asked without starting a process each time: over a connection that is kept (https, http) or
// made (git), or read in place (file). Only ever a short cut: whatever is not plain is answered with "cannot say", and
// git is asked.
#pragma once

#include "reconciler/git_wire.hpp"
#include "reconciler/source.hpp"
#include "shared/net/http.hpp"

#include <optional>
#include <string>

namespace tidegate::reconciler {

// One thread's; keeps its connection between questions.
class QuickLook {
  public:
    // The ref's id; nullopt where that cannot be said: ssh addresses, a server that does not speak version 2 of git's protocol, a
    // repository in another layout, no such ref, or any failure.
    [[nodiscard]] std::optional<shared::Oid> ask(const shared::Url& url, const shared::RefName& ref,
                                                 const SourceAccess& access, int cancel_fd);

  private:
    [[nodiscard]] std::optional<shared::Oid> ask_server(const shared::Url& url, const shared::RefName& ref,
                                                        const SourceAccess& access, int cancel_fd);
    [[nodiscard]] std::optional<shared::Oid> ask_wire(const shared::Url& url, const shared::RefName& ref,
                                                      int cancel_fd);
    shared::HttpClient client_;
    int refusals_ = 0;  // in a row, of a server that does not speak this
};

// What the files of the repository at `path` (bare, or with a .git folder) say a ref is; nullopt where they don't.
[[nodiscard]] std::optional<shared::Oid> ref_in_files(const std::string& path, const shared::RefName& ref);

}  // namespace tidegate::reconciler
