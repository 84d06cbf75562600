#include "shared/base/names.hpp"

#include "shared/base/text.hpp"

#include <algorithm>
#include <array>

namespace tidegate::shared {

namespace {

std::string shown(std::string_view text) {
    return escape_foreign(text.substr(0, 80));
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

std::string lowered(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), lower);
    return result;
}

}  // namespace

Result<Oid> Oid::parse(std::string_view text) {
    Oid oid;
    bool digits = text.size() == 40 || text.size() == 64;
    if (digits) oid.hex_ = text;
    for (char& c : oid.hex_) {
        c = lower(c);
        digits = digits && ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
    }
    if (!digits)
        return fail(ErrorKind::Invalid, "not a full object id: `" + shown(text) + "`",
                    "write all 40 hexadecimal digits: git rev-parse COMMIT");
    return oid;
}

Result<RefName> RefName::parse(std::string_view text) {
    const auto wrong = [&] { return fail(ErrorKind::Invalid, "not a ref name: `" + shown(text) + "`"); };
    if (!text.starts_with("refs/") || text.size() > 1024 || has_control(text)) return wrong();
    if (text.find_first_of(" ~^:?*[\\") != std::string_view::npos) return wrong();
    if (text.find("..") != std::string_view::npos || text.find("@{") != std::string_view::npos)
        return wrong();
    if (text.ends_with('.') || text == "@") return wrong();
    for (const auto part : split(text, '/'))
        if (part.empty() || part.front() == '.' || part.ends_with(".lock")) return wrong();
    RefName name;
    name.name_ = text;
    return name;
}

Result<RefName> RefName::branch(std::string_view name) {
    return parse("refs/heads/" + std::string(name));
}

std::string_view RefName::short_str() const {
    const std::string_view text = name_;
    for (const std::string_view prefix : {"refs/heads/", "refs/tags/", "refs/remotes/"})
        if (text.starts_with(prefix)) return text.substr(prefix.size());
    return text;
}

bool looks_like_dot_git(std::string_view name) {
    // HFS+ ignores some code points, NTFS trailing dots, spaces and streams, and has short names.
    std::string plain;
    for (size_t i = 0; i < name.size();) {
        const auto three = name.substr(i, 3);
        const bool zero_width = three == "\u200c" || three == "\u200d" || three == "\u200e" ||
                                three == "\u200f" || three == "\ufeff" ||
                                (three >= "\u202a" && three <= "\u202e" && three.size() == 3) ||
                                (three >= "\u206a" && three <= "\u206f" && three.size() == 3);
        if (zero_width) {
            i += 3;
            continue;
        }
        plain += lower(name[i++]);
    }
    plain = plain.substr(0, plain.find(':'));
    while (plain.ends_with('.') || plain.ends_with(' ')) plain.pop_back();
    return plain == ".git" || plain == "git~1";
}

Result<RelPath> RelPath::parse(std::string_view text) {
    const auto wrong = [&](std::string_view why) {
        return fail(ErrorKind::Invalid, std::string(why) + ": `" + shown(text) + "`",
                    "name a path below the folder, such as config/app.yaml");
    };
    if (text.empty() || text.size() > 4096) return wrong("not a relative path");
    if (text.find('\0') != std::string_view::npos || text.find('\\') != std::string_view::npos)
        return wrong("not a portable path");
    for (const auto part : split(text, '/')) {
        if (part.empty() || part == ".") return wrong("not a plain relative path");
        if (part == "..") return wrong("path leads outside");
        if (looks_like_dot_git(part)) return wrong("path goes into a .git folder");
    }
    RelPath path;
    path.path_ = text;
    return path;
}

Result<Url> Url::parse(std::string_view text) {
    const auto wrong = [&](std::string_view why) {
        return fail(ErrorKind::Invalid, std::string(why) + ": `" + shown(text) + "`",
                    "write it as https://host/path, ssh://user@host/path or user@host:path");
    };
    if (text.empty() || text.size() > 2048) return wrong("not a URL");
    if (has_control(text) || text.find(' ') != std::string_view::npos || !is_utf8(text))
        return wrong("not a URL");
    Url url;
    url.text_ = text;
    const auto scheme_end = text.find("://");
    std::string_view rest;
    if (scheme_end == std::string_view::npos) {
        const auto colon = text.find(':');
        const auto slash = text.find('/');
        const bool scp =
            colon != std::string_view::npos && (slash == std::string_view::npos || colon < slash);
        if (!scp || text.substr(colon).starts_with("::")) return wrong("not a URL");
        url.scheme_ = "ssh";
        url.scp_form_ = true;
        const auto authority = text.substr(0, colon);
        const auto at = authority.rfind('@');
        url.user_ = at == std::string_view::npos ? "" : std::string(authority.substr(0, at));
        url.host_ = at == std::string_view::npos ? authority : authority.substr(at + 1);
        url.path_ = text.substr(colon + 1);
    } else {
        url.scheme_ = lowered(text.substr(0, scheme_end));
        constexpr std::array<std::string_view, 5> kSchemes{"https", "http", "ssh", "git", "file"};
        if (std::find(kSchemes.begin(), kSchemes.end(), url.scheme_) == kSchemes.end())
            return wrong("unknown protocol");
        rest = text.substr(scheme_end + 3);
        const auto slash = std::min(rest.find('/'), rest.size());
        auto authority = rest.substr(0, slash);
        url.path_ = rest.substr(slash);
        const auto at = authority.rfind('@');
        if (at != std::string_view::npos) url.user_ = authority.substr(0, at);
        if (at != std::string_view::npos) authority.remove_prefix(at + 1);
        const auto bracket = authority.rfind(']');
        const auto colon = authority.rfind(':');
        const bool has_port =
            colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
        url.host_ = lowered(has_port ? authority.substr(0, colon) : authority);
        if (has_port) url.port_ = authority.substr(colon + 1);
        if (url.port_.find_first_not_of("0123456789") != std::string::npos || url.port_.size() > 5)
            return wrong("not a port");
    }
    if (url.scheme_ == "file") {
        if (!url.host_.empty() || !url.path_.starts_with('/')) return wrong("not a file URL");
        return url;
    }
    if (url.host_.empty() || url.path_.empty()) return wrong("not a URL");
    if (url.host_.front() == '-' || url.user_.starts_with('-') || url.path_.starts_with('-'))
        return wrong("looks like an option");
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
               c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
    };
    if (!std::all_of(url.host_.begin(), url.host_.end(), allowed)) return wrong("not a host name");
    return url;
}

std::string Url::redacted() const {
    if (scp_form_) return host_ + ":" + path_;
    return scheme_ + "://" + host_ + (port_.empty() ? "" : ":" + port_) + path_.substr(0, path_.find('?'));
}

Result<void> check_name(std::string_view what, std::string_view name) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    };
    const bool good = !name.empty() && name.size() <= 64 && name.front() != '-' && name.front() != '_' &&
                      name.front() != '.' && std::all_of(name.begin(), name.end(), allowed) &&
                      name.find("..") == std::string_view::npos;
    if (good) return {};
    return fail(ErrorKind::Invalid, "not a name for " + std::string(what) + ": `" + shown(name) + "`",
                "use lower-case letters, digits, `-`, `_` and `.`, beginning with a letter or digit, at most "
                "64 long");
}

}  // namespace tidegate::shared
