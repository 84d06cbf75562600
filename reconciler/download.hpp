// Files that are known by their SHA-256: brought here once, whole or not at all, from the first place that gives them.
#pragma once

#include "reconciler/source.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tidegate::reconciler {

struct Download {
    std::string what;               // "the archive", for messages
    std::vector<shared::Url> from;  // https, http or file; asked in order
    std::string sha256;             // 64 hexadecimal digits
    std::string folder;             // `<sha256>` is made there, and `<sha256>.part` while it comes; made 0700
    std::uint64_t limit = 8ULL << 30;
    shared::Duration timeout{600'000};  // for each place
    // How each place is reached; an error leaves it out.
    std::function<Result<SourceAccess>(const shared::Url&)> access;
    // The Authorization header for a place, instead of what its access says; not sent on to another one. May be empty.
    std::function<std::string(const shared::Url&)> authorization;
    int cancel_fd = -1;
};

// Gives the path of the file; one that is there is taken as it is, having been checked when it came. What came of a
// transfer that broke off is gone on from, by Range and If-Range. A redirect is followed within its own server, or to
// where SourceAccess::redirects allows. Denied where every place was refused or gave something else; otherwise the
// error of the last place, with the others' in its context. Calls for one digest and folder must not overlap.
[[nodiscard]] Result<std::string> download(const Download& wanted);

// What one place says to a short question (a registry's manifest, an attestation): the answer's body, at most `limit`
// bytes. Redirects as above. Any status is a success.
struct Asked {
    int status = 0;
    std::string body;
    std::string challenge;  // of WWW-Authenticate
};
[[nodiscard]] Result<Asked> ask(const shared::Url& url, const SourceAccess& access,
                                const std::vector<std::pair<std::string, std::string>>& headers, size_t limit,
                                int cancel_fd);

// Where a redirect leads from `url`; Denied where it may not be followed.
[[nodiscard]] Result<shared::Url> redirected(const shared::Url& url, const std::string& location,
                                             const SourceAccess& access);

}  // namespace tidegate::reconciler
