#include "hooks/file_map.hpp"

#include "shared/base/fd.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kCopied = 256 << 10;

}  // namespace

Result<FileMap> FileMap::open(const std::string& path, size_t limit) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    struct stat info {};
    if (!file || fstat(file.get(), &info) != 0) return fail_errno("cannot read " + escape_foreign(path));
    if (!S_ISREG(info.st_mode)) return fail(ErrorKind::Invalid, "no plain file: " + escape_foreign(path));
    const auto size = static_cast<size_t>(info.st_size);
    if (size > limit)
        return fail(ErrorKind::Invalid,
                    "longer than " + std::to_string(limit) + " bytes: " + escape_foreign(path));
    if (size == 0) return FileMap();
    if (size <= kCopied) {
        FileMap map;
        map.copy_.resize(size);
        for (size_t had = 0; had < size;) {
            const auto got = pread(file.get(), map.copy_.data() + had, size - had, static_cast<off_t>(had));
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return fail_errno("cannot read " + escape_foreign(path));
            had += static_cast<size_t>(got);
        }
        map.bytes_ = {map.copy_.data(), size};
        return map;
    }
    void* at = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (at == MAP_FAILED) return fail_errno("cannot read " + escape_foreign(path));
    return FileMap({static_cast<const char*>(at), size});
}

FileMap::~FileMap() {
    if (!bytes_.empty() && copy_.empty()) munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

void FileMap::put_aside(size_t end) const {
    if (!copy_.empty()) return;
    static const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const auto length = std::min(end, bytes_.size()) / page * page;
    if (length > 0) madvise(const_cast<char*>(bytes_.data()), length, MADV_DONTNEED);
}

}  // namespace tidegate::hooks
