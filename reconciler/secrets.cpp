#include "reconciler/secrets.hpp"

#include "shared/base/files.hpp"
#include "shared/base/names.hpp"
#include "shared/base/text.hpp"
#include "shared/sign/sshsig.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kLongest = 64 << 10;
constexpr size_t kShortestMasked = 4;
constexpr size_t kShortestLine = 8;
constexpr std::string_view kMask = "[secret]";

// From a descriptor, so that what was checked is what is read.
Result<std::string> read_secret(const std::string& path, const std::string& shown) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat info {};
    if (!fd || fstat(fd.get(), &info) != 0) return fail_errno("cannot read the secret " + shown);
    if (!S_ISREG(info.st_mode)) return fail(ErrorKind::Invalid, "not a file: the secret " + shown);
    if ((info.st_uid != 0 && info.st_uid != geteuid()) || (info.st_mode & (S_IWGRP | S_IRWXO)) != 0)
        return fail(ErrorKind::Permission, "others may read or write the secret " + shown,
                    "chown it to root or the daemon's user, and: chmod 600 " + shell_quote(path));
    return read_fd(fd.get(), kLongest, shown);
}

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           c == '-' || c == '_' || c == '.' || c == '~';
        if (plain) {
            encoded += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
        }
    }
    return encoded;
}

// The needle that begins at `at`, longest first; nullptr where there is none.
const std::string* needle_at(const std::vector<std::string>& needles, std::string_view text, size_t at) {
    for (const auto& needle : needles)
        if (text.substr(at).starts_with(needle)) return &needle;
    return nullptr;
}

// Whether what is left from `at` could be the beginning of a needle that goes on in the next piece.
bool may_begin_at(const std::vector<std::string>& needles, std::string_view text, size_t at) {
    const auto rest = text.substr(at);
    return std::any_of(needles.begin(), needles.end(), [&](const std::string& needle) {
        return needle.size() > rest.size() && std::string_view(needle).starts_with(rest);
    });
}

}  // namespace

Result<std::string> load_secret(const SecretSource& source) {
    std::string path = source.file;
    std::string shown = escape_foreign(source.file);
    if (!source.credential.empty()) {
        TRY(check_name("a credential", source.credential));
        shown = source.credential;
        const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
        if (folder == nullptr || *folder != '/')
            return fail(ErrorKind::NotFound, "no credentials were given to the daemon; wanted: " + shown,
                        "add LoadCredential=" + shown + ":/etc/tidegate/secrets/" + shown +
                            " to tidegated.service (systemctl edit tidegated)");
        path = std::string(folder) + "/" + shown;
    }
    if (!path.starts_with('/')) return fail(ErrorKind::Invalid, "not an absolute path: the secret " + shown);
    auto text = read_secret(path, shown);
    if (!text && text.error().kind == ErrorKind::NotFound && !source.credential.empty())
        text.error().hint = "add LoadCredential=" + shown + ":FILE to tidegated.service";
    if (!text) return text;
    while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
    if (text->empty()) return fail(ErrorKind::Invalid, "the secret is empty: " + shown);
    if (text->find('\0') != std::string::npos)
        return fail(ErrorKind::Invalid, "a NUL byte in the secret " + shown);
    return text;
}

Masker::Masker(const std::vector<std::string>& secrets) {
    const auto add = [&](std::string needle, size_t least) {
        if (needle.size() >= least) needles_.push_back(std::move(needle));
    };
    for (const auto& secret : secrets) {
        add(secret, kShortestMasked);
        if (secret.size() < kShortestMasked) continue;
        auto base64 = base64_encode(secret);
        while (base64.ends_with('=')) base64.pop_back();
        add(base64, kShortestLine);
        add(percent_encoded(secret), kShortestMasked);
        if (secret.find('\n') == std::string::npos) continue;
        for (const auto line : lines_of(secret)) add(std::string(trim(line)), kShortestLine);
    }
    std::sort(needles_.begin(), needles_.end(), [](const std::string& a, const std::string& b) {
        return a.size() != b.size() ? a.size() > b.size() : a < b;
    });
    needles_.erase(std::unique(needles_.begin(), needles_.end()), needles_.end());
    for (const auto& needle : needles_) begins_.set(static_cast<unsigned char>(needle.front()));
}

std::string Masker::feed(std::string_view text) {
    if (needles_.empty()) return std::string(text);
    held_ += text;
    std::string shown;
    size_t at = 0;
    while (at < held_.size()) {
        const bool possible = begins_.test(static_cast<unsigned char>(held_[at]));
        // A longer secret that may still come goes before a shorter one that is here.
        if (possible && may_begin_at(needles_, held_, at)) break;
        const std::string* needle = possible ? needle_at(needles_, held_, at) : nullptr;
        if (needle != nullptr) {
            shown += kMask;
            at += needle->size();
        } else {
            shown += held_[at++];
        }
    }
    held_.erase(0, at);
    return shown;
}

std::string Masker::finish() {
    return mask(std::exchange(held_, {}));
}

std::string Masker::mask(std::string_view text) const {
    std::string shown;
    for (size_t at = 0; at < text.size();) {
        const std::string* needle =
            begins_.test(static_cast<unsigned char>(text[at])) ? needle_at(needles_, text, at) : nullptr;
        if (needle != nullptr) {
            shown += kMask;
            at += needle->size();
        } else {
            shown += text[at++];
        }
    }
    return shown;
}

}  // namespace tidegate::reconciler
