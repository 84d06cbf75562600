#include "shared/sign/allowed_signers.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/sign/signer_line.hpp"

#include <fcntl.h>

#include <algorithm>
#include <set>

namespace tidegate::shared {

namespace {

constexpr size_t kLongestFile = 1 << 20;

// What speaks against an entry for this key; the higher, the nearer it came to letting the key sign.
enum class Verdict { NotListed, OtherNamespace, Expired, NotYetValid, Allowed };

Verdict judge(const AllowedSigner& entry, std::string_view name_space, WallTime now) {
    if (!entry.namespaces.empty() && !matches_patterns(entry.namespaces, name_space))
        return Verdict::OtherNamespace;
    if (entry.valid_after && now < *entry.valid_after) return Verdict::NotYetValid;
    if (entry.valid_before && now > *entry.valid_before) return Verdict::Expired;
    return Verdict::Allowed;
}

// The entry's first principal that is not an exclusion.
std::string principal_of(const AllowedSigner& entry) {
    for (const auto& name : entry.principals)
        if (!name.starts_with('!')) return name;
    return {};
}

std::string reason(Verdict verdict, const AllowedSigner* entry, std::string_view name_space) {
    if (entry == nullptr) return "is not listed";
    const auto who =
        " (" + escape_foreign(principal_of(*entry)) + ", line " + std::to_string(entry->line) + ")";
    switch (verdict) {
        case Verdict::OtherNamespace:
            return "may not sign in namespace `" + std::string(name_space) + "`" + who;
        case Verdict::Expired: return "was valid until " + format_utc(*entry->valid_before) + who;
        case Verdict::NotYetValid: return "is valid only from " + format_utc(*entry->valid_after) + who;
        default: return "is not listed";
    }
}

}  // namespace

Result<AllowedSigners> AllowedSigners::parse(const std::string& file, std::string_view text) {
    AllowedSigners signers;
    signers.file_ = file;
    int number = 0;
    for (auto line : lines_of(text)) {
        ++number;
        if (line.ends_with('\r')) line.remove_suffix(1);
        const auto shown = trim(line);
        if (shown.empty() || shown.starts_with('#')) continue;
        // Leading blanks are OpenSSH's too; columns count from the line's own beginning.
        auto entry = parse_signer_line(shown, number);
        if (!entry) {
            if (entry.error().where) {
                auto& where = *entry.error().where;
                where.file = file;
                where.column += static_cast<int>(shown.data() - line.data());
                where.text = line;
            }
            return tl::unexpected<Error>(std::move(entry.error()));
        }
        signers.entries_.push_back(std::move(*entry));
    }
    return signers;
}

Result<AllowedSigners> AllowedSigners::load(const std::string& file) {
    const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) return fail_errno("cannot open the allowed signers " + escape_foreign(file));
    struct stat about {};
    if (fstat(fd.get(), &about) != 0) return fail_errno("cannot look at " + escape_foreign(file));
    if (!S_ISREG(about.st_mode)) return fail(ErrorKind::Invalid, "not a file: " + escape_foreign(file));
    if ((about.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fail(ErrorKind::Permission, "others may write the allowed signers: " + escape_foreign(file),
                    "chmod go-w " + shell_quote(file));
    if (about.st_uid != 0 && about.st_uid != geteuid())
        return fail(ErrorKind::Permission,
                    "the allowed signers belong to somebody else: " + escape_foreign(file),
                    "chown root " + shell_quote(file));
    return parse(file, TRY(read_fd(fd.get(), kLongestFile, file)));
}

Result<Signer> AllowedSigners::authorize(const SshPublicKey& key, std::string_view name_space,
                                         WallTime now) const {
    Verdict best = Verdict::NotListed;
    const AllowedSigner* nearest_entry = nullptr;
    for (const auto& entry : entries_) {
        if (!(entry.key == key)) continue;
        const auto verdict = judge(entry, name_space, now);
        if (verdict == Verdict::Allowed) return Signer{principal_of(entry), key};
        if (nearest_entry == nullptr || verdict > best) {
            best = verdict;
            nearest_entry = &entry;
        }
    }
    return fail(ErrorKind::Denied,
                "key " + key.fingerprint() + " " + reason(best, nearest_entry, name_space) + " in " +
                    escape_foreign(file_),
                "if it should be trusted, add or change its line there: PRINCIPAL namespaces=\"" +
                    std::string(name_space) + "\" " + key.text());
}

std::optional<Signer> AllowedSigners::find(const SshPublicKey& key) const {
    for (const auto& entry : entries_)
        if (entry.key == key) return Signer{principal_of(entry), key};
    return std::nullopt;
}

bool AllowedSigners::same_person(const Signer& a, const Signer& b) const {
    std::set<std::string> names{a.principal};
    std::set<std::string> keys{a.key.wire()};
    // Grows until nothing joins any more; each round takes in at least one entry.
    for (bool grew = true; grew;) {
        grew = false;
        for (const auto& entry : entries_) {
            const bool joined = keys.contains(entry.key.wire()) ||
                                std::any_of(entry.principals.begin(), entry.principals.end(),
                                            [&](const std::string& name) { return names.contains(name); });
            if (!joined) continue;
            grew |= keys.insert(entry.key.wire()).second;
            for (const auto& name : entry.principals)
                if (!name.starts_with('!')) grew |= names.insert(name).second;
        }
    }
    return names.contains(b.principal) || keys.contains(b.key.wire());
}

std::vector<Signer> AllowedSigners::distinct_people(const std::vector<Signer>& signers) const {
    std::vector<Signer> people;
    for (const auto& signer : signers) {
        const bool counted = std::any_of(people.begin(), people.end(),
                                         [&](const Signer& one) { return same_person(one, signer); });
        if (!counted) people.push_back(signer);
    }
    return people;
}

Result<Signer> verify_signed(const AllowedSigners& allowed, std::string_view armored,
                             std::string_view name_space, std::string_view message, WallTime now) {
    auto signature = parse_sshsig(armored);
    if (!signature) {
        signature.error().kind = ErrorKind::Denied;
        return tl::unexpected<Error>(std::move(signature.error()));
    }
    TRY(verify_sshsig(*signature, name_space, message));
    return allowed.authorize(signature->key, name_space, now);
}

}  // namespace tidegate::shared
