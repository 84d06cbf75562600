#include "shared/sign/commit_signature.hpp"

#include "shared/base/text.hpp"
#include "shared/hash/sha256.hpp"

namespace tidegate::shared {

namespace {

constexpr std::string_view kSigned = "sign it: git config gpg.format ssh, then git commit --amend -S";

tl::unexpected<Error> refuse(std::string message) {
    return fail(ErrorKind::Denied, std::move(message), std::string(kSigned));
}

// git writes these first, in this order, and nowhere else; an object that has them twice reads differently
// for different readers.
class HeaderOrder {
  public:
    bool accept(std::string_view name) {
        if (name == "tree") return step(0, 1);
        if (name == "parent") return step(1, 1);
        if (name == "author") return step(1, 2);
        if (name == "committer") return step(2, 3);
        return state_ == 3;
    }

  private:
    bool step(int from, int to) {
        if (state_ != from) return false;
        state_ = to;
        return true;
    }
    int state_ = 0;
};

struct Header {
    std::string_view name;
    std::string_view whole;  // all its lines with their newlines
};

// The next header with its continuation lines; nullopt at the blank line that ends the headers.
Result<Header> take_header(std::string_view& rest) {
    size_t end = 0;
    do {
        const auto newline = rest.find('\n', end);
        if (newline == std::string_view::npos) return refuse("commit is malformed: its header has no end");
        end = newline + 1;
    } while (end < rest.size() && rest[end] == ' ');
    const auto whole = rest.substr(0, end);
    rest.remove_prefix(end);
    const auto space = whole.find_first_of(" \n");
    if (space == 0 || whole[space] == '\n') return refuse("commit is malformed: a header has no value");
    return Header{whole.substr(0, space), whole};
}

std::string unfold(const Header& header) {
    std::string value;
    auto rest = header.whole.substr(header.name.size());
    while (!rest.empty()) {
        const auto newline = rest.find('\n');
        value += rest.substr(1, newline);  // without the blank before each line, with its newline
        rest.remove_prefix(newline + 1);
    }
    return value;
}

Result<void> check_kind(std::string_view signature) {
    if (signature.starts_with("-----BEGIN SSH SIGNATURE-----\n")) return {};
    if (signature.starts_with("-----BEGIN PGP"))
        return refuse("commit is signed with PGP, an SSH signature is asked");
    if (signature.starts_with("-----BEGIN SIGNED MESSAGE-----"))
        return refuse("commit is signed with X.509, an SSH signature is asked");
    return refuse("commit's signature is not an SSH signature");
}

}  // namespace

Result<SignedCommit> split_signed_commit(std::string_view raw) {
    if (raw.find('\0') != std::string_view::npos) return refuse("commit holds NUL bytes");
    SignedCommit commit;
    HeaderOrder order;
    auto rest = raw;
    bool found = false;
    while (!rest.starts_with('\n')) {
        const auto header = TRY(take_header(rest));
        if (!order.accept(header.name))
            return refuse("commit is malformed: header `" + escape_foreign(header.name.substr(0, 40)) +
                          "` is out of place");
        if (!header.name.starts_with("gpgsig")) {
            commit.payload += header.whole;
            continue;
        }
        if (found || header.name != "gpgsig")
            return refuse("commit has more than one signature, or an unknown kind");
        found = true;
        commit.armored = unfold(header);
    }
    if (!found) return refuse("commit is not signed");
    TRY(check_kind(commit.armored));
    commit.payload += rest;
    commit.payload_sha256 = sha256_hex(commit.payload);
    return commit;
}

}  // namespace tidegate::shared
