#include "reconciler/quick_look.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <cstdlib>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr Duration kTimeout{30'000};
constexpr size_t kLongestAnswer = 1 << 20;
constexpr size_t kLongestPackedRefs = 64 << 20;
constexpr int kMostRefusals = 3;

// Where a repository's own refs lie; empty where it is laid out in another way than the plain one.
std::string plain_git_dir(const std::string& path) {
    for (const auto& folder : {path, path + "/.git"}) {
        if (!exists(folder + "/HEAD") || !exists(folder + "/objects") || !exists(folder + "/refs")) continue;
        // Linked worktrees and reftables keep refs elsewhere.
        return exists(folder + "/commondir") || exists(folder + "/reftable") ? std::string() : folder;
    }
    return {};
}

std::optional<Oid> oid_in(std::string_view text) {
    auto oid = Oid::parse(trim(text));
    if (!oid || oid->is_null()) return std::nullopt;
    return std::move(*oid);
}

}  // namespace

std::optional<Oid> ref_in_files(const std::string& path, const RefName& ref) {
    const auto folder = plain_git_dir(path);
    if (folder.empty()) return std::nullopt;
    const auto loose = read_file(folder + "/" + ref.str(), 4096);
    if (loose) return oid_in(*loose);  // "ref: …" is none
    if (loose.error().kind != ErrorKind::NotFound) return std::nullopt;
    const auto packed = read_file(folder + "/packed-refs", kLongestPackedRefs);
    if (!packed) return std::nullopt;
    for (const auto line : lines_of(*packed))
        if (line.ends_with(ref.str()) && line.find(' ') + 1 + ref.str().size() == line.size())
            return oid_in(line.substr(0, line.find(' ')));
    return std::nullopt;
}

std::optional<Oid> QuickLook::ask_server(const Url& url, const RefName& ref, const SourceAccess& access,
                                         int cancel_fd) {
    if (refusals_ >= kMostRefusals || !check_token_is_safe(url, access)) return std::nullopt;
    HttpRequest request;
    request.url = url.str() + (url.str().ends_with('/') ? "" : "/") + "git-upload-pack";
    request.method = "POST";
    request.headers = {{"Git-Protocol", "version=2"},
                       {"Content-Type", "application/x-git-upload-pack-request"},
                       {"Accept", "application/x-git-upload-pack-result"}};
    if (!access.token.empty()) request.headers.emplace_back("Authorization", authorization(access));
    request.body = ls_refs_question(ref);
    request.timeout = kTimeout;
    request.body_limit = kLongestAnswer;
    request.cancel_fd = cancel_fd;
    request.ca_file = access.ca_file;
    const auto answer = client_.send(request);
    if (!answer) return std::nullopt;  // git says what is wrong
    const bool spoken = answer->status == 200 && !answer->truncated &&
                        answer->header("content-type") == "application/x-git-upload-pack-result";
    auto found = spoken ? ls_refs_answer(answer->body, ref) : std::nullopt;
    refusals_ = found ? 0 : refusals_ + 1;
    return found;
}

std::optional<Oid> QuickLook::ask_wire(const Url& url, const RefName& ref, int cancel_fd) {
    const auto address = wire_address(url);
    if (refusals_ >= kMostRefusals || !address) return std::nullopt;
    auto answer = ask_git_daemon(*address, ref, kTimeout, cancel_fd);
    if (answer.heard) refusals_ = answer.spoken ? 0 : refusals_ + 1;
    return std::move(answer.found);
}

std::optional<Oid> QuickLook::ask(const Url& url, const RefName& ref, const SourceAccess& access,
                                  int cancel_fd) {
    if (!check_protocol(url, access)) return std::nullopt;
    if (url.scheme() == "file") return ref_in_files(url.path(), ref);
    if (url.scheme() == "git") return ask_wire(url, ref, cancel_fd);
    // A git-upload-pack that is kept open gives the refs it saw first, whatever is pushed: ssh is git's.
    if (url.scheme() == "ssh") return std::nullopt;
    // An administrator's proxy is git's to heed.
    for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"})
        if (std::getenv(name) != nullptr) return std::nullopt;
    return ask_server(url, ref, access, cancel_fd);
}

}  // namespace tidegate::reconciler
