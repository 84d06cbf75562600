#include "reconciler/download.hpp"

#include "reconciler/disk_room.hpp"
#include "reconciler/release_files.hpp"
#include "reconciler/transfer.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/hash/sha256.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr int kMostTries = 3;  // for one place, while each brings something

// `<sha256>.part`: what has come so far, and the digest of that.
class PartFile {
  public:
    static Result<PartFile> open(const Download& wanted) {
        PartFile part;
        part.path_ = wanted.folder + "/" + wanted.sha256 + ".part";
        part.limit_ = wanted.limit;
        part.what_ = wanted.what;
        part.fd_.reset(::open(part.path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!part.fd_) return fail_errno("cannot write " + part.path_);
        TRY(part.take_up(wanted.cancel_fd));
        return part;
    }

    [[nodiscard]] std::uint64_t size() const { return size_; }
    [[nodiscard]] int fd() const { return fd_.get(); }
    // Where the validator of what is here is kept: "<url>\n<ETag or Last-Modified>".
    [[nodiscard]] std::string note_path() const { return path_ + ".from"; }

    Result<void> begin_again() {
        if (ftruncate(fd_.get(), 0) != 0 || lseek(fd_.get(), 0, SEEK_SET) != 0)
            return fail_errno("cannot write " + path_);
        hash_ = Sha256();
        size_ = 0;
        return {};
    }
    Result<void> append(std::string_view bytes) {
        if (size_ + bytes.size() > limit_)
            return fail(ErrorKind::Invalid, what_ + " is larger than " + std::to_string(limit_) + " bytes",
                        "`limits: {download: …}` in the host's configuration lets more in");
        TRY(write_all(fd_.get(), bytes, path_));
        hash_.update(bytes);
        size_ += bytes.size();
        return {};
    }
    [[nodiscard]] std::string finish_hex() { return hash_.finish_hex(); }
    Result<void> become(const std::string& whole) const {
        TRY(sync_fd(fd_.get(), path_));
        if (rename(path_.c_str(), whole.c_str()) != 0) return fail_errno("cannot keep " + whole);
        unlink(note_path().c_str());
        return {};
    }
    void remove() const {
        unlink(path_.c_str());
        unlink(note_path().c_str());
    }

  private:
    Result<void> take_up(int cancel_fd) {
        char buffer[65536];
        while (true) {
            const ssize_t got = ::read(fd_.get(), buffer, sizeof buffer);
            if (got < 0) return fail_errno("cannot read " + path_);
            if (got == 0) return {};
            hash_.update(std::string_view(buffer, static_cast<size_t>(got)));
            size_ += static_cast<std::uint64_t>(got);
            TRY(check_cancelled(cancel_fd));
        }
    }

    std::string path_;
    std::string what_;
    Fd fd_;
    Sha256 hash_;
    std::uint64_t size_ = 0;
    std::uint64_t limit_ = 0;
};

class OnePlace {
  public:
    OnePlace(const Download& wanted, const Url& url, SourceAccess access)
        : wanted_(wanted), url_(url), access_(std::move(access)) {}

    Result<void> bring() {
        TRY(check_protocol(url_, access_));
        bool taken_up = false;
        for (int tries = 1;; ++tries) {
            auto part = TRY(PartFile::open(wanted_));
            const auto before = part.size();
            taken_up = taken_up || before > 0;
            auto done = url_.scheme() == "file" ? copy(part) : transfer(part);
            const bool again = !done && done.error().kind == ErrorKind::Transient && part.size() > before;
            if (again && tries < kMostTries) continue;
            if (!done) {
                if (done.error().kind == ErrorKind::Invalid) part.remove();
                return done;
            }
            if (part.finish_hex() == wanted_.sha256)
                return part.become(wanted_.folder + "/" + wanted_.sha256);
            part.remove();
            // What was taken up may have come from elsewhere: the whole of it from here, once.
            if (taken_up && tries < kMostTries) {
                taken_up = false;
                continue;
            }
            return fail(ErrorKind::Denied,
                        wanted_.what + " at " + escape_foreign(url_.redacted()) +
                            " is not the one that is meant: its SHA-256 is another than " + wanted_.sha256,
                        "it was replaced there, or the manifest names the wrong digest");
        }
    }

  private:
    // Attack 42: what is checked is our own copy.
    Result<void> copy(PartFile& part) {
        TRY(part.begin_again());
        const Fd from(::open(url_.path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
        struct stat info {};
        if (!from || fstat(from.get(), &info) != 0)
            return fail_errno("cannot read " + escape_foreign(url_.path()));
        if (!S_ISREG(info.st_mode))
            return fail(ErrorKind::Invalid, "not a file: " + escape_foreign(url_.path()));
        TRY(check_room(part.fd(), wanted_.what, {static_cast<std::uint64_t>(info.st_size), 0}, 0));
        char buffer[65536];
        while (true) {
            const ssize_t got = ::read(from.get(), buffer, sizeof buffer);
            if (got < 0) return fail_errno("cannot read " + escape_foreign(url_.path()));
            if (got == 0) return {};
            TRY(part.append(std::string_view(buffer, static_cast<size_t>(got))));
            TRY(check_cancelled(wanted_.cancel_fd));
        }
    }

    // For what is still to come, where the server says how much that is.
    Result<void> has_room(const PartFile& part, const HttpResponse& head) const {
        const auto text = head.header("content-length");
        std::uint64_t length = 0;
        const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), length);
        if (text.empty() || code != std::errc() || end != text.data() + text.size()) return {};
        return check_room(part.fd(), wanted_.what, {length, 0}, 0);
    }

    // "bytes 100-199/200" begins where we are.
    static bool goes_on_at(const HttpResponse& head, std::uint64_t size) {
        return head.header("content-range").starts_with("bytes " + std::to_string(size) + "-");
    }

    Result<void> transfer(PartFile& part) {
        HttpTransfer transfer(url_, access_);
        transfer.timeout = wanted_.timeout;
        transfer.cancel_fd = wanted_.cancel_fd;
        if (wanted_.authorization) transfer.authorization = wanted_.authorization(url_);
        if (part.size() > 0) {
            transfer.headers.emplace_back("Range", "bytes=" + std::to_string(part.size()) + "-");
            if (const auto validator = validator_of(part); !validator.empty())
                transfer.headers.emplace_back("If-Range", validator);
        }
        transfer.on_head = [&](const HttpResponse& head) -> Result<void> {
            if (head.status == 206 && goes_on_at(head, part.size())) return has_room(part, head);
            TRY(part.begin_again());
            if (head.status != 200)
                return head.status == 416 || head.status == 206
                           ? fail(ErrorKind::Transient, "the server could not go on with what it gave before")
                           : status_error(head.status, url_);
            note_validator(part, head);
            return has_room(part, head);
        };
        transfer.on_body = [&](std::string_view bytes) { return part.append(bytes); };
        const auto had = part.size();
        auto done = transfer.get();
        // 416: there was nothing left to give; what is here is judged, or begun again.
        if (!done && done.error().kind == ErrorKind::Transient && had > 0 && part.size() == 0) {
            transfer.headers.clear();
            done = transfer.get();
        }
        if (!done) return fail(std::move(done.error()));
        return {};
    }

    [[nodiscard]] std::string validator_of(const PartFile& part) const {
        const auto note = read_file(part.note_path(), 4096);
        const auto place = url_.redacted() + "\n";
        return note && note->starts_with(place) ? note->substr(place.size()) : std::string();
    }
    // A weak one ("W/…") does not promise the same bytes.
    void note_validator(const PartFile& part, const HttpResponse& head) const {
        auto validator = head.header("etag");
        if (!validator.starts_with('"')) validator = head.header("last-modified");
        if (validator.empty() || validator.size() > 1000)
            unlink(part.note_path().c_str());
        else
            (void)write_file_atomic(part.note_path(), url_.redacted() + "\n" + validator, 0600);
    }

    const Download& wanted_;
    const Url& url_;
    SourceAccess access_;
};

}  // namespace

Result<std::string> download(const Download& wanted) {
    TRY(make_dirs(wanted.folder, 0700));
    const auto whole = wanted.folder + "/" + wanted.sha256;
    if (exists(whole)) return whole;
    std::vector<Error> wrong;
    for (const auto& url : wanted.from) {
        auto access = wanted.access(url);
        auto done =
            access ? OnePlace(wanted, url, std::move(*access)).bring() : fail(std::move(access.error()));
        if (done) return whole;
        if (done.error().kind == ErrorKind::Cancelled || done.error().kind == ErrorKind::NoSpace)
            return fail(std::move(done.error()));
        wrong.push_back(std::move(done.error()).during("asking " + escape_foreign(url.redacted())));
    }
    // What may pass is worth another try, whatever the other places said.
    const auto passing = std::find_if(wrong.begin(), wrong.end(), [](const Error& error) {
        return error.kind == ErrorKind::Transient || error.kind == ErrorKind::Timeout;
    });
    Error error = passing != wrong.end() ? *passing : wrong.front();
    if (wrong.size() > 1)
        error.context.push_back("bringing " + wanted.what + ", which none of " +
                                std::to_string(wrong.size()) +
                                " places gave; the last said: " + wrong.back().message);
    return fail(std::move(error));
}

}  // namespace tidegate::reconciler
