// One GET from a source's server, with its access, its redirects and its limits. Inside of download, archives and
// artifacts.
#pragma once

#include "reconciler/source.hpp"
#include "shared/net/http.hpp"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidegate::reconciler {

class HttpTransfer {
  public:
    HttpTransfer(shared::Url url, const SourceAccess& access) : url_(std::move(url)), access_(access) {}

    std::vector<std::pair<std::string, std::string>> headers{};
    std::optional<std::string> authorization{};  // instead of the access's token; empty: none
    shared::Duration timeout{30'000};
    size_t body_limit = 1 << 20;
    int cancel_fd = -1;
    // Of the last answer, which is no redirect.
    std::function<Result<void>(const shared::HttpResponse&)> on_head{};
    std::function<Result<void>(std::string_view)> on_body{};

    // Follows at most 5 redirects; the Authorization goes to the first server only.
    [[nodiscard]] Result<shared::HttpResponse> get() const;

  private:
    shared::Url url_;
    const SourceAccess& access_;
};

// NotFound, Permission, Transient (429, 5xx) or Failed for a status that is none of success.
[[nodiscard]] tl::unexpected<Error> status_error(int status, const shared::Url& url);

}  // namespace tidegate::reconciler
