// Strong types for what has a grammar. Each is made by one checked function and is valid from then on.
#pragma once

#include "shared/base/error.hpp"

#include <compare>
#include <functional>
#include <string>
#include <string_view>

namespace tidegate::shared {

// A git object id: SHA-1 (40 hex digits) or SHA-256 (64), kept in lower case.
class Oid {
  public:
    Oid() = default;  // is_null()
    // A full id. Invalid for abbreviations, upper case is accepted and lowered.
    [[nodiscard]] static Result<Oid> parse(std::string_view text);
    [[nodiscard]] const std::string& str() const { return hex_; }
    [[nodiscard]] std::string short_str() const { return hex_.substr(0, 7); }
    // Nothing at all, or git's all-zero id.
    [[nodiscard]] bool is_null() const { return hex_.find_first_not_of('0') == std::string::npos; }
    auto operator<=>(const Oid&) const = default;

  private:
    std::string hex_;
};

// A full ref name ("refs/heads/main") by the rules of git-check-ref-format(1). Names such as
// "refs/heads/--upload-pack=x" or "refs/heads/$(id)" are right: pass them after "--", show them escaped.
class RefName {
  public:
    [[nodiscard]] static Result<RefName> parse(std::string_view text);
    // "main" → refs/heads/main
    [[nodiscard]] static Result<RefName> branch(std::string_view name);
    [[nodiscard]] const std::string& str() const { return name_; }
    // Without refs/heads/, refs/tags/ or refs/remotes/.
    [[nodiscard]] std::string_view short_str() const;
    auto operator<=>(const RefName&) const = default;

  private:
    std::string name_;
};

// A path below some root: relative, "/" between parts, no empty, "." or ".." part, no part that is ".git" in
// any of the spellings file systems fold together (".GIT", "git~1", ".git " …), no NUL, no backslash, at most
// 4096 bytes.
class RelPath {
  public:
    [[nodiscard]] static Result<RelPath> parse(std::string_view text);
    [[nodiscard]] const std::string& str() const { return path_; }
    auto operator<=>(const RelPath&) const = default;

  private:
    std::string path_;
};

// Whether file systems could take this single name for ".git".
[[nodiscard]] bool looks_like_dot_git(std::string_view name);

// A remote's address, by our own grammar, before git or curl sees it: https://, http://, ssh://, git://,
// file:/// or the scp form user@host:path (becomes ssh). Control characters, spaces, a host or path that
// begins with "-", and helper forms ("ext::…") are Invalid.
class Url {
  public:
    [[nodiscard]] static Result<Url> parse(std::string_view text);
    [[nodiscard]] const std::string& str() const { return text_; }       // as written
    [[nodiscard]] const std::string& scheme() const { return scheme_; }  // https http ssh git file
    [[nodiscard]] const std::string& host() const { return host_; }      // empty for file
    [[nodiscard]] const std::string& path() const { return path_; }
    // Without user information: what may be logged.
    [[nodiscard]] std::string redacted() const;

  private:
    std::string text_;
    std::string scheme_;
    std::string user_;
    std::string host_;
    std::string port_;
    std::string path_;
    bool scp_form_ = false;
};

// An app's or environment's name, and a host's: lower-case letters, digits, "-", "_" and ".", beginning with
// a letter or digit, at most 64 bytes.
[[nodiscard]] Result<void> check_name(std::string_view what, std::string_view name);

}  // namespace tidegate::shared

template <>
struct std::hash<tidegate::shared::Oid> {
    size_t operator()(const tidegate::shared::Oid& oid) const noexcept {
        return std::hash<std::string>()(oid.str());
    }
};
