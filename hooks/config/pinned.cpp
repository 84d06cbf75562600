#include "hooks/config/pinned.hpp"

#include "hooks/cache_folder.hpp"
#include "shared/base/files.hpp"
#include "shared/base/handle.hpp"
#include "shared/base/text.hpp"
#include "shared/git/git.hpp"
#include "shared/hash/sha256.hpp"

#include <openssl/evp.h>

#include <cstdlib>
#include <optional>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kLongestFile = 1 << 20;
constexpr size_t kLongestProof = 64 << 20;
constexpr Duration kPatience = std::chrono::minutes(2);

// git's id of an object: the hash of "<kind> <size>\0<bytes>".
std::string object_id(std::string_view kind, std::string_view bytes, bool sha256) {
    auto header = std::string(kind) + " " + std::to_string(bytes.size());
    header += '\0';
    const Handle<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    EVP_DigestInit_ex(context.get(), sha256 ? EVP_sha256() : EVP_sha1(), nullptr);
    EVP_DigestUpdate(context.get(), header.data(), header.size());
    EVP_DigestUpdate(context.get(), bytes.data(), bytes.size());
    EVP_DigestFinal_ex(context.get(), digest, &length);
    return hex({reinterpret_cast<const char*>(digest), length});
}

tl::unexpected<Error> broken() {
    return fail(ErrorKind::Broken, "what is kept of a pinned file does not have the ids it must have");
}

// The next object of a proof, which must have the id `id`.
Result<std::string_view> next_object(std::string_view& proof, std::string_view kind, const std::string& id) {
    const auto newline = proof.find('\n');
    if (newline == std::string_view::npos || newline > 40) return broken();
    const auto words = split(proof.substr(0, newline), ' ');
    proof.remove_prefix(newline + 1);
    if (words.size() != 2 || words[0] != kind || words[1].empty() || words[1].size() > 9 ||
        words[1].find_first_not_of("0123456789") != std::string_view::npos)
        return broken();
    const auto size = static_cast<size_t>(std::stoul(std::string(words[1])));
    if (size > proof.size()) return broken();
    const auto bytes = proof.substr(0, size);
    proof.remove_prefix(size);
    if (object_id(kind, bytes, id.size() == 64) != id) return broken();
    return bytes;
}

struct Entry {
    std::string mode;
    std::string id;
};

// "<mode> <name>\0<id>", one after the other.
std::optional<Entry> entry_of(std::string_view tree, std::string_view name, size_t id_bytes) {
    while (!tree.empty()) {
        const auto blank = tree.find(' ');
        const auto end = tree.find('\0');
        if (blank == std::string_view::npos || end == std::string_view::npos || blank > end ||
            tree.size() < end + 1 + id_bytes)
            return std::nullopt;
        if (tree.substr(blank + 1, end - blank - 1) == name)
            return Entry{std::string(tree.substr(0, blank)), hex(tree.substr(end + 1, id_bytes))};
        tree.remove_prefix(end + 1 + id_bytes);
    }
    return std::nullopt;
}

tl::unexpected<Error> no_such_file(const Oid& commit, const std::string& path) {
    return fail(ErrorKind::NotFound, "commit " + commit.short_str() + " has no file " + escape_foreign(path));
}

using ReadObject = std::function<Result<std::string_view>(std::string_view kind, const std::string& id)>;

// From the commit down to the file.
Result<std::string> walk(const Oid& commit, const std::string& path, const ReadObject& read) {
    const auto text = TRY(read("commit", commit.str()));
    if (!text.starts_with("tree ") || text.size() < 5 + commit.str().size()) return broken();
    auto id = std::string(text.substr(5, commit.str().size()));
    const auto parts = split(path, '/');
    for (size_t i = 0; i < parts.size(); ++i) {
        const auto tree = TRY(read("tree", id));
        const auto entry = entry_of(tree, parts[i], commit.str().size() / 2);
        const bool last = i + 1 == parts.size();
        if (!entry || (last ? !entry->mode.starts_with("100") : entry->mode != "40000"))
            return no_such_file(commit, path);
        id = entry->id;
    }
    return std::string(TRY(read("blob", id)));
}

GitCall call_in(const std::string& directory, std::vector<std::string> args, int cancel_fd) {
    GitCall call;
    call.git_dir = directory;
    call.args = std::move(args);
    call.cancel_fd = cancel_fd;
    call.timeout = kPatience;
    // What comes is what the commit's id says, or it is refused: how it comes does not matter.
    call.protocols = {"https", "ssh", "http", "git", "file"};
    for (const auto* name :
         {"SSH_AUTH_SOCK", "http_proxy", "https_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY"})
        if (const char* value = std::getenv(name)) call.env[name] = value;
    call.env["GIT_TERMINAL_PROMPT"] = "0";
    return call;
}

}  // namespace

Result<std::string> proven_content(std::string_view proof, const Oid& commit, const std::string& path) {
    auto content = TRY(walk(commit, path, [&](std::string_view kind, const std::string& id) {
        return next_object(proof, kind, id);
    }));
    if (!proof.empty()) return broken();
    return content;
}

std::string PinnedFiles::usual_directory() {
    const auto cache = cache_folder();
    return cache.empty() ? cache : cache + "/tidegate/extends";
}

Result<std::string> PinnedFiles::content(const PinnedFile& file) const {
    const auto kept = directory_ + "/" + file.commit.str() + "-" + sha256_hex(file.path).substr(0, 16);
    if (!directory_.empty()) {
        const auto proof = read_file(kept, kLongestProof);
        auto content = proof ? proven_content(*proof, file.commit, file.path) : broken();
        if (content) return content;
    }
    const auto proof = TRY(during("fetching what `extends` names from " + file.url.redacted(), fetch(file)));
    auto content = TRY(proven_content(proof, file.commit, file.path));
    // A cache that cannot be written costs a fetch the next time, and no more.
    if (!directory_.empty() && make_dirs(directory_, 0755)) (void)write_file_atomic(kept, proof, 0644);
    return content;
}

Result<std::string> PinnedFiles::fetch(const PinnedFile& file) const {
    const auto git = TRY(Git::find(GitConfig::Closed, no_git_beneath_));
    const auto temporary = TRY(TempDir::make("tidegate-extends"));
    const auto repository = temporary.path() + "/r.git";
    const bool sha256 = file.commit.str().size() == 64;
    GitCall init;
    init.args = {"init", "-q", "--bare", sha256 ? "--object-format=sha256" : "--object-format=sha1",
                 repository};
    TRY(git.output(init));
    const auto run = [&](std::vector<std::string> args) {
        return git.output(call_in(repository, std::move(args), cancel_fd));
    };
    const std::vector<std::string> fetch{"fetch", "-q", "--no-tags", "--no-write-fetch-head"};
    const auto with = [&](std::vector<std::string> more) {
        auto args = fetch;
        args.insert(args.end(), more.begin(), more.end());
        return args;
    };
    // Not every server gives a commit by its id.
    const auto alone = run(with({"--depth=1", "--", file.url.str(), file.commit.str()}));
    if (!alone) {
        if (alone.error().kind == ErrorKind::Cancelled) return fail(alone.error());
        auto all =
            run(with({"--", file.url.str(), "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"}));
        if (!all) {
            auto& error = all.error();  // its address may be right another time; the file is not judged yet
            if (error.kind == ErrorKind::NotFound) error.kind = ErrorKind::Io;
            return fail(std::move(error));
        }
    }
    std::string proof;
    std::string last;
    const auto read = [&](std::string_view kind, const std::string& id) -> Result<std::string_view> {
        auto bytes = run({"cat-file", std::string(kind), id});
        if (!bytes)
            return fail(ErrorKind::NotFound, "no " + std::string(kind) + " " + id + " is there",
                        "name a commit that a branch or tag of that repository holds");
        if (kind == "blob" && bytes->size() > kLongestFile)
            return fail(ErrorKind::Invalid, escape_foreign(file.path) + " is longer than 1 MiB");
        last = std::move(*bytes);
        proof += std::string(kind) + " " + std::to_string(last.size()) + "\n" + last;
        return std::string_view(last);
    };
    (void)TRY(walk(file.commit, file.path, read));
    return proof;
}

}  // namespace tidegate::hooks
