#include "hooks/index_writer.hpp"

// The streaming SHA functions without the EVP layer: a hook must not pay for loading providers.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <openssl/sha.h>

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kBuffer = 64 << 10;
constexpr size_t kLongestInFlags = 0xfff;

std::string big_endian(std::uint32_t value) {
    return {static_cast<char>(value >> 24), static_cast<char>(value >> 16 & 255U),
            static_cast<char>(value >> 8 & 255U), static_cast<char>(value & 255U)};
}

}  // namespace

struct IndexWriter::State {
    std::string path;
    std::string temporary;
    Fd file;
    SHA_CTX sum;
    std::string buffer;
    Result<void> written;  // the first failure

    void put(std::string_view bytes) {
        buffer += bytes;
        if (buffer.size() >= kBuffer) flush();
    }
    void write(std::string_view bytes) {
        SHA1_Update(&sum, bytes.data(), bytes.size());
        if (written) written = write_all(file.get(), bytes, temporary);
    }
    void flush() {
        write(buffer);
        buffer.clear();
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
    state->file.reset(
        open(state->temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!state->file) return fail_errno("cannot write " + escape_foreign(state->temporary));
    SHA1_Init(&state->sum);
    state->buffer.reserve(kBuffer + 8192);
    state->put("DIRC" + big_endian(2) + big_endian(count));
    return IndexWriter(std::move(state));
}

void IndexWriter::copy(std::string_view entries) {
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
