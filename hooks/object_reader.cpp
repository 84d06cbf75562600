#include "hooks/object_reader.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr Duration kPatience{10'000};
constexpr size_t kLongestName = 4096;

}  // namespace

struct ObjectReader::Child {
    Fd questions;  // git's standard input
    Fd answered;   // an event: bytes have come
    std::string bytes;
    std::string err;
    bool ended = false;
    int cancel_fd = -1;
    Supervisor supervisor;  // last: git ends before what it reports to

    // Until `bytes` holds `count` of them, or one line where `count` is 0.
    Result<void> wait_for(size_t count, MonoTime until) {
        const auto enough = [&] {
            return count == 0 ? bytes.find('\n') != std::string::npos : bytes.size() >= count;
        };
        while (!enough()) {
            if (ended) return fail(ErrorKind::Broken, "git cat-file ended: " + escape_foreign(trim(err)));
            if (std::chrono::steady_clock::now() >= until)
                return fail(ErrorKind::Timeout, "git cat-file does not answer");
            if (!supervisor.wait(until, answered.get()).empty()) ended = true;
            std::uint64_t event = 0;
            (void)!::read(answered.get(), &event, sizeof event);
        }
        return {};
    }
};

ObjectReader::ObjectReader(std::unique_ptr<Child> child) : child_(std::move(child)) {}
ObjectReader::ObjectReader(ObjectReader&&) noexcept = default;
ObjectReader& ObjectReader::operator=(ObjectReader&&) noexcept = default;
ObjectReader::~ObjectReader() = default;

Result<ObjectReader> ObjectReader::start(const Repository& repo) {
    auto child = std::make_unique<Child>();
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno("cannot make a pipe");
    const Fd input(ends[0]);
    child->questions = Fd(ends[1]);
    child->answered = Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!child->answered) return fail_errno("cannot make an event");
    auto call = repo.call({"cat-file", "--batch"});
    call.env["GIT_NO_REPLACE_OBJECTS"] = "1";  // what is pushed is the objects themselves
    auto command = repo.git.command(call);
    command.input_fd = input.get();
    command.output_limit = 0;
    command.on_output = [raw = child.get()](Stream stream, std::string_view bytes) {
        (stream == Stream::Out ? raw->bytes : raw->err) += bytes;
        const std::uint64_t one = 1;
        (void)!::write(raw->answered.get(), &one, sizeof one);
    };
    (void)TRY(child->supervisor.start(std::move(command)));
    return ObjectReader(std::move(child));
}

Result<std::optional<GitObject>> ObjectReader::read(const std::string& name, size_t limit) {
    if (name.empty() || name.size() > kLongestName || name.find('\n') != std::string::npos)
        return std::nullopt;
    auto& child = *child_;
    const auto until = std::chrono::steady_clock::now() + kPatience;
    TRY(write_all(child.questions.get(), name + "\n", "git cat-file"));
    TRY(child.wait_for(0, until));
    const auto end = child.bytes.find('\n');
    const auto line = child.bytes.substr(0, end);
    child.bytes.erase(0, end + 1);
    const auto words = split(line, ' ');
    // "OID TYPE SIZE"; anything else ("NAME missing", "NAME ambiguous") is an answer without an object.
    if (words.size() != 3 || line == name + " missing" || line == name + " ambiguous") return std::nullopt;
    auto oid = Oid::parse(words[0]);
    size_t size = 0;
    const auto number = std::from_chars(words[2].data(), words[2].data() + words[2].size(), size);
    if (!oid || number.ec != std::errc()) return std::nullopt;
    GitObject object{std::move(*oid), std::string(words[1]), {}};
    const bool kept = size <= limit;
    for (size_t left = size + 1; left > 0;) {  // and the newline behind it
        TRY(child.wait_for(1, until));
        const auto part = std::min(left, child.bytes.size());
        if (kept) object.bytes.append(child.bytes, 0, part);
        child.bytes.erase(0, part);
        left -= part;
    }
    if (!kept)
        return fail(ErrorKind::Invalid,
                    "longer than " + std::to_string(limit) + " bytes: " + escape_foreign(name));
    object.bytes.pop_back();
    return object;
}

Result<std::vector<TreeItem>> ObjectReader::list(const std::string& name) {
    std::vector<TreeItem> items;
    const auto object = TRY(read(name));
    if (!object || object->type != "tree") return items;
    const auto id_bytes = object->oid.str().size() / 2;
    std::string_view rest = object->bytes;
    while (!rest.empty()) {  // "MODE NAME\0" and the raw id (gitformat-pack: tree objects)
        const auto blank = rest.find(' ');
        const auto zero = rest.find('\0');
        if (blank == std::string_view::npos || zero == std::string_view::npos || blank > zero ||
            rest.size() < zero + 1 + id_bytes)
            return fail(ErrorKind::Broken, "git has a damaged tree: " + object->oid.str());
        items.push_back({std::string(rest.substr(0, blank)),
                         std::string(rest.substr(blank + 1, zero - blank - 1)),
                         TRY(Oid::parse(hex(rest.substr(zero + 1, id_bytes))))});
        rest.remove_prefix(zero + 1 + id_bytes);
    }
    return items;
}

Result<Oid> tree_in_commit(const GitObject& commit) {
    constexpr std::string_view kTree = "tree ";
    if (commit.type != "commit" || !commit.bytes.starts_with(kTree))
        return fail(ErrorKind::Broken, "not a commit: " + commit.oid.str());
    return Oid::parse(lines_of(commit.bytes).front().substr(kTree.size()));
}

}  // namespace tidegate::hooks
