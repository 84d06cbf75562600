#include "shared/base/error.hpp"

#include <cerrno>
#include <cstring>

namespace tidegate::shared {

namespace {

ErrorKind kind_of_errno(int code) {
    switch (code) {
        case ENOENT:
        case ENOTDIR: return ErrorKind::NotFound;
        case EEXIST:
        case ENOTEMPTY: return ErrorKind::Exists;
        case EACCES:
        case EPERM:
        case EROFS: return ErrorKind::Permission;
        case ENOSPC:
        case EDQUOT:
        case EFBIG: return ErrorKind::NoSpace;
        case EAGAIN:
        case EBUSY: return ErrorKind::Locked;
        case ENAMETOOLONG: return ErrorKind::Invalid;  // no other day makes it shorter
        case ETIMEDOUT: return ErrorKind::Timeout;
        case ECONNREFUSED:
        case ECONNRESET:
        case EHOSTUNREACH:
        case ENETUNREACH:
        case EMFILE:
        case ENFILE:
        case ENOMEM: return ErrorKind::Transient;
        default: return ErrorKind::Io;
    }
}

}  // namespace

int exit_code(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::Usage:
        case ErrorKind::Invalid:
        case ErrorKind::Unsupported: return 2;
        case ErrorKind::Failed: return 1;
        case ErrorKind::Denied: return 4;
        case ErrorKind::Cancelled: return 130;
        case ErrorKind::NotFound:
        case ErrorKind::Exists:
        case ErrorKind::Locked:
        case ErrorKind::Permission:
        case ErrorKind::NoSpace:
        case ErrorKind::Timeout:
        case ErrorKind::Transient:
        case ErrorKind::Io:
        case ErrorKind::Broken: return 3;
    }
    return 3;
}

std::string_view name_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::Usage: return "usage";
        case ErrorKind::Invalid: return "invalid";
        case ErrorKind::Unsupported: return "unsupported";
        case ErrorKind::Failed: return "failed";
        case ErrorKind::Denied: return "denied";
        case ErrorKind::NotFound: return "not-found";
        case ErrorKind::Exists: return "exists";
        case ErrorKind::Locked: return "locked";
        case ErrorKind::Permission: return "permission";
        case ErrorKind::NoSpace: return "no-space";
        case ErrorKind::Timeout: return "timeout";
        case ErrorKind::Transient: return "transient";
        case ErrorKind::Io: return "io";
        case ErrorKind::Broken: return "broken";
        case ErrorKind::Cancelled: return "cancelled";
    }
    return "io";
}

std::string Error::line() const {
    std::string text = message;
    if (where && !where->file.empty()) {
        text += ": " + where->file;
        if (where->line > 0) text += ":" + std::to_string(where->line);
        if (where->line > 0 && where->column > 0) text += ":" + std::to_string(where->column);
    }
    for (const auto& each : context) text += " (while " + each + ")";
    return text;
}

Error errno_error(std::string_view what, int code) {
    char buffer[128];
    const char* reason = strerror_r(code, buffer, sizeof buffer);
    return Error{kind_of_errno(code), std::string(what) + ": " + reason, {}, std::nullopt, {}};
}

tl::unexpected<Error> fail_errno(std::string_view what) {
    return fail(errno_error(what, errno));
}

}  // namespace tidegate::shared
