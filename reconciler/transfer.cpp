#include "reconciler/transfer.hpp"

#include "reconciler/download.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr int kMostRedirects = 5;
constexpr std::uint64_t kSlowest = 1000;  // bytes a second, as git's

// "https://host:port", all that a server is known by.
std::string origin_of(const Url& url) {
    const auto text = url.redacted();
    return text.substr(0, text.find('/', url.scheme().size() + 3));
}

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

tl::unexpected<Error> status_error(int status, const Url& url) {
    const auto where = escape_foreign(url.redacted());
    if (status == 404 || status == 410)
        return fail(ErrorKind::NotFound, "there is nothing at " + where,
                    "was it published? Is the address right?");
    if (status == 401 || status == 403)
        return fail(ErrorKind::Permission,
                    where + " lets nobody in without the right credentials (" + std::to_string(status) + ")",
                    "name them in `credentials` of the host's configuration");
    const bool passing = status == 429 || status == 408 || status >= 500;
    return fail(passing ? ErrorKind::Transient : ErrorKind::Failed,
                where + " answered " + std::to_string(status));
}

Result<Url> redirected(const Url& url, const std::string& location, const SourceAccess& access) {
    auto target = location;
    if (target.starts_with("/") && !target.starts_with("//")) target = origin_of(url) + target;
    auto next = Url::parse(target);
    if (!next)
        return fail(
            std::move(next.error()).during("following a redirect of " + escape_foreign(url.redacted())));
    const bool named = std::any_of(access.redirects.begin(), access.redirects.end(),
                                   [&](const std::string& begin) { return next->str().starts_with(begin); });
    if (origin_of(*next) == origin_of(url) || named) return next;
    return fail(ErrorKind::Denied,
                escape_foreign(url.redacted()) +
                    " sends us on to another server: " + escape_foreign(origin_of(*next)),
                "name the address it leads to, or allow it in `trust.redirects` of the host's configuration");
}

Result<HttpResponse> HttpTransfer::get() const {
    Url url = url_;
    for (int hops = 0; hops <= kMostRedirects; ++hops) {
        TRY(check_token_is_safe(url, access_));
        HttpRequest request;
        request.url = url.str();
        request.headers = headers;
        const bool first = origin_of(url) == origin_of(url_);
        const auto word = authorization           ? *authorization
                          : access_.token.empty() ? std::string()
                                                  : reconciler::authorization(access_);
        if (first && !word.empty()) request.headers.emplace_back("Authorization", word);
        request.timeout = timeout;
        request.body_limit = body_limit;
        request.cancel_fd = cancel_fd;
        request.no_link_local = true;
        request.slowest = kSlowest;
        request.ca_file = access_.ca_file;
        bool ours = true;  // and not of a redirect
        request.on_head = [&](const HttpResponse& head) -> Result<void> {
            ours = !is_redirect(head.status);
            return ours && on_head ? on_head(head) : Result<void>();
        };
        if (on_body)
            request.on_body = [&](std::string_view bytes) -> Result<void> {
                return ours ? on_body(bytes) : Result<void>();
            };
        auto response = during("asking " + escape_foreign(url.redacted()), http(request));
        if (!response || !is_redirect(response->status)) return response;
        url = TRY(redirected(url, response->header("location"), access_));
    }
    return fail(ErrorKind::Denied, escape_foreign(url_.redacted()) + " sends us on more than 5 times");
}

Result<Asked> ask(const Url& url, const SourceAccess& access,
                  const std::vector<std::pair<std::string, std::string>>& headers, size_t limit,
                  int cancel_fd) {
    TRY(check_protocol(url, access));
    HttpTransfer transfer(url, access);
    transfer.headers = headers;
    transfer.body_limit = limit;
    transfer.cancel_fd = cancel_fd;
    for (const auto& [name, value] : headers)
        if (name == "Authorization") transfer.authorization = "";
    auto response = TRY(transfer.get());
    if (response.truncated)
        return fail(ErrorKind::Invalid, escape_foreign(url.redacted()) + " answered with more than " +
                                            std::to_string(limit) + " bytes");
    return Asked{response.status, std::move(response.body), response.header("www-authenticate")};
}

}  // namespace tidegate::reconciler
