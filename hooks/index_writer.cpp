#include "hooks/index_writer.hpp"

// The streaming SHA functions without the EVP layer: a hook must not pay for loading providers.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/stat.h>

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kBuffer = 32 << 10;  // to begin with
constexpr size_t kSmall = 256 << 10;  // an index that is written at once, and over the old one
constexpr size_t kLongestInFlags = 0xfff;

std::string big_endian(std::uint32_t value) {
    return {static_cast<char>(value >> 24), static_cast<char>(value >> 16 & 255U),
            static_cast<char>(value >> 8 & 255U), static_cast<char>(value & 255U)};
}

std::string sum_of(std::string_view bytes) {
    std::string digest(SHA_DIGEST_LENGTH, '\0');
    SHA_CTX sum;
    SHA1_Init(&sum);
    SHA1_Update(&sum, bytes.data(), bytes.size());
    SHA1_Final(reinterpret_cast<unsigned char*>(digest.data()), &sum);
    return digest;
}

}  // namespace

bool has_its_sum(std::string_view index) {
    if (index.size() < SHA_DIGEST_LENGTH) return false;
    const auto sum = index.substr(index.size() - SHA_DIGEST_LENGTH);
    index.remove_suffix(SHA_DIGEST_LENGTH);
    return sum == sum_of(index) || sum == std::string(SHA_DIGEST_LENGTH, '\0');
}

struct IndexWriter::State {
    std::string path;
    std::string temporary;
    Fd file;  // opened when a small index's room is used up
    SHA_CTX sum;
    std::string buffer;
    Result<void> written;  // the first failure

    void put(std::string_view bytes) {
        buffer += bytes;
        if (buffer.size() >= kSmall) flush();
    }
    void write(std::string_view bytes) {
        SHA1_Update(&sum, bytes.data(), bytes.size());
        if (!file && written) written = open_temporary();
        if (written) written = write_all(file.get(), bytes, temporary);
    }
    void flush() {
        write(buffer);
        buffer.clear();
    }
    Result<void> open_temporary() {
        file.reset(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
        if (!file) return fail_errno("cannot write " + escape_foreign(temporary));
        return {};
    }
    // All at once, without a file made, removed and renamed. False where that is no file to do so with.
    Result<bool> write_over_old() {
        const Fd old(open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
        struct stat info {};
        if (!old || fstat(old.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink != 1 ||
            info.st_size > static_cast<off_t>(kSmall))
            return false;
        buffer += sum_of(buffer);
        TRY(write_all(old.get(), buffer, path));
        const auto size = static_cast<off_t>(buffer.size());
        if (info.st_size > size && ftruncate(old.get(), size) != 0)
            return fail_errno("cannot write " + escape_foreign(path));
        return true;
    }
};

IndexWriter::IndexWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
IndexWriter::IndexWriter(IndexWriter&&) noexcept = default;
IndexWriter& IndexWriter::operator=(IndexWriter&&) noexcept = default;
IndexWriter::~IndexWriter() = default;

Result<IndexWriter> IndexWriter::begin(const std::string& path, std::uint32_t count) {
    auto state = std::make_unique<State>();
    state->path = path;
    state->temporary = path + ".tmp";
    SHA1_Init(&state->sum);
    state->buffer.reserve(kBuffer);
    state->put("DIRC" + big_endian(2) + big_endian(count));
    return IndexWriter(std::move(state));
}

void IndexWriter::copy(std::string_view entries) {
    if (state_->buffer.size() + entries.size() < kSmall) return state_->put(entries);
    state_->flush();
    state_->write(entries);
}

void IndexWriter::entry(std::string_view stat, std::string_view oid, std::string_view path) {
    const auto flags = std::min(path.size(), kLongestInFlags);
    const char words[] = {static_cast<char>(flags >> 8), static_cast<char>(flags & 255U)};
    const auto length = stat.size() + oid.size() + sizeof words + path.size();
    state_->put(stat);
    state_->put(oid);
    state_->put({words, sizeof words});
    state_->put(path);
    state_->put(std::string_view("\0\0\0\0\0\0\0\0", 8).substr(0, 8 - length % 8));
}

void IndexWriter::cache_tree(std::string_view body) {
    state_->put("TREE" + big_endian(static_cast<std::uint32_t>(body.size())));
    state_->put(body);
}

Result<void> IndexWriter::finish() {
    if (!state_->file && state_->written && TRY(state_->write_over_old())) return {};
    state_->flush();
    TRY(std::move(state_->written));
    unsigned char digest[SHA_DIGEST_LENGTH];
    SHA1_Final(digest, &state_->sum);
    TRY(write_all(state_->file.get(), {reinterpret_cast<const char*>(digest), sizeof digest},
                  state_->temporary));
    // A rename over a file makes ext4 write the new one to disk at once, which nobody here waits for.
    unlink(state_->path.c_str());
    if (rename(state_->temporary.c_str(), state_->path.c_str()) != 0)
        return fail_errno("cannot write " + escape_foreign(state_->path));
    return {};
}

}  // namespace tidegate::hooks
