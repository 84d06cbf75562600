#include "reconciler/git_remotes.hpp"

#include "reconciler/git_wire.hpp"
#include "reconciler/ssh_mux.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/git/git.hpp"

#include <cstdlib>

namespace tidegate::reconciler {

using namespace shared;
using std::chrono::steady_clock;

namespace {

constexpr Duration kPatience{30'000};
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

// Over a connection that curl keeps. The clients are handed round: each has connections of its own.
WireAnswer GitRemotes::ask_http(const Url& url, const WireQuestion& question, const SourceAccess& access) {
    if (!check_token_is_safe(url, access)) return {};
    // An administrator's proxy is git's to heed.
    for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"})
        if (std::getenv(name) != nullptr) return {};
    HttpRequest request;
    request.url = url.str() + (url.str().ends_with('/') ? "" : "/") + "git-upload-pack";
    request.method = "POST";
    request.headers = {{"Git-Protocol", "version=2"},
                       {"Content-Type", "application/x-git-upload-pack-request"},
                       {"Accept", "application/x-git-upload-pack-result"}};
    if (!access.token.empty()) request.headers.emplace_back("Authorization", authorization(access));
    request.body = std::string(question.text);
    request.timeout = std::chrono::ceil<Duration>(question.until - steady_clock::now());
    request.body_limit = question.longest;
    request.cancel_fd = question.cancel_fd;
    request.ca_file = access.ca_file;
    std::unique_ptr<HttpClient> client;
    {
        const std::lock_guard lock(mutex_);
        if (!idle_clients_.empty()) {
            client = std::move(idle_clients_.back());
            idle_clients_.pop_back();
        }
    }
    if (!client) client = std::make_unique<HttpClient>();
    auto answer = client->send(request);
    const std::lock_guard lock(mutex_);
    idle_clients_.push_back(std::move(client));
    if (!answer) return {};
    WireAnswer out;
    out.heard = true;
    out.version_2 =
        answer->status == 200 && answer->header("content-type") == "application/x-git-upload-pack-result";
    if (out.version_2 && !answer->truncated) out.answer = std::move(answer->body);
    return out;
}

WireAnswer GitRemotes::ask_ssh(const Url& url, const WireQuestion& question, const SourceAccess& access) {
    const auto target = ssh_target(url);
    const auto connection = target ? ssh_.to(url, access, question.cancel_fd) : nullptr;
    if (!connection) return {};
    auto answer = ask_over_ssh(connection->socket(), target->command, question);
    // A connection that says nothing may be dead: the next one is a new one.
    if (!answer.heard && steady_clock::now() >= question.until) connection->end();
    return answer;
}

namespace {

// A repository on this machine, by the git-upload-pack that git would start for it.
WireAnswer ask_here(const Url& url, const WireQuestion& question) {
    const auto git = Git::find(GitConfig::Closed);
    if (!git) return {};
    GitCall call;
    call.args = {"upload-pack", "--stateless-rpc", "--", url.path()};
    call.env["GIT_PROTOCOL"] = "version=2";
    call.input = std::string(question.text);
    call.output_limit = question.longest;
    call.timeout = std::chrono::ceil<Duration>(question.until - steady_clock::now());
    call.cancel_fd = question.cancel_fd;
    auto exit = git->run(call);
    WireAnswer out;
    if (!exit || !exit->ok()) return out;
    out.heard = out.version_2 = true;
    if (!exit->truncated) out.answer = std::move(exit->out);
    return out;
}

}  // namespace

WireAnswer GitRemotes::converse_with(const Url& url, const WireQuestion& question,
                                     const SourceAccess& access) {
    if (!check_protocol(url, access)) return {};
    if (url.scheme() == "file") return ask_here(url, question);
    if (url.scheme() == "ssh") return ask_ssh(url, question, access);
    if (url.scheme() != "git") return ask_http(url, question, access);
    const auto address = wire_address(url);
    return address ? ask_git_daemon(*address, question) : WireAnswer{};
}

// A server that was not told of version 2 takes a question in it for nonsense.
bool GitRemotes::speaks_first(const std::string& url) {
    const std::lock_guard lock(mutex_);
    const auto found = speak_first_.find(url);
    return found != speak_first_.end() && found->second;
}

bool GitRemotes::is_given_up(const std::string& url) {
    const std::lock_guard lock(mutex_);
    const auto found = refusals_.find(url);
    return found != refusals_.end() && found->second >= kMostRefusals;
}

void GitRemotes::remember(const std::string& url, const WireAnswer& answer, bool useful) {
    const std::lock_guard lock(mutex_);
    if (!answer.first.empty()) speak_first_[url] = !answer.version_2;
    if (useful)
        refusals_.erase(url);
    else if (answer.heard)
        ++refusals_[url];
}

std::optional<Oid> GitRemotes::look(const Url& url, const RefName& ref, const SourceAccess& access,
                                    int cancel_fd) {
    if (url.scheme() == "file")
        return check_protocol(url, access) ? ref_in_files(url.path(), ref) : std::nullopt;
    if (is_given_up(url.str())) return std::nullopt;
    const auto text = speaks_first(url.str()) ? std::string() : ls_refs_question(ref);
    const auto said =
        converse_with(url, {text, kLongestAnswer, steady_clock::now() + kPatience, cancel_fd}, access);
    auto found = said.answer ? ls_refs_answer(*said.answer, ref) : std::nullopt;
    // sshd hands the version on where it is told to (AcceptEnv); what is said without it holds the ref, too.
    if (!said.version_2) found = ref_in_advertisement(said.first, ref);
    remember(url.str(), said,
             found || (said.version_2 && said.answer));  // without that ref is an answer, too
    return found;
}

std::optional<std::string> GitRemotes::ask(const Url& url, const std::string& command,
                                           const SourceAccess& access, size_t longest, int cancel_fd) {
    if (is_given_up(url.str()) || speaks_first(url.str())) return std::nullopt;
    auto said = converse_with(url, {command, longest, steady_clock::now() + kPatience, cancel_fd}, access);
    remember(url.str(), said, said.version_2);  // longer than was asked for is no refusal
    return std::move(said.answer);
}

}  // namespace tidegate::reconciler
