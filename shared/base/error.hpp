// Errors as values. A function that can fail returns Result<T>; nothing here throws.
// `kind` selects what happens next (try again, refuse, give up) and the exit code; `message` says what
// is wrong, `where` says where, `hint` says what mends it. Rendering lives in shared/face.
#pragma once

#include <tl/expected.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate::shared {

enum class ErrorKind {
    Usage,        // wrong arguments
    Invalid,      // wrong configuration, manifest, archive, signature encoding: input that cannot be right
    Unsupported,  // right input, but not something this build or host can do
    Failed,       // a gate, migration or command said no
    Denied,       // refused by policy: signature, approval, attestation, window, rewound branch
    NotFound,     // a file, object, ref, unit or tool is not there
    Exists,       // something is in the way
    Locked,       // somebody else holds the lock
    Permission,   // the system refuses (EACCES, EPERM)
    NoSpace,      // ENOSPC, EDQUOT
    Timeout,      // a deadline passed
    Transient,    // network and the like: worth trying again by itself
    Io,           // any other system error
    Broken,       // what is on disk contradicts itself
    Cancelled,    // SIGINT, SIGTERM, or a newer revision
};

// A place in a text. Lines and columns count from 1, columns in bytes; 0 means unknown.
struct Where {
    std::string file;
    int line = 0;
    int column = 0;
    std::string text;  // the line itself, for the caret picture; may be empty
    int width = 1;     // how many columns the caret underlines
};

struct Error {
    ErrorKind kind = ErrorKind::Io;
    std::string message;
    std::string hint;  // one or more sentences; empty: none
    std::optional<Where> where;
    std::vector<std::string> context;  // outermost last: "while staging web"

    Error& hinted(std::string text) & {
        hint = std::move(text);
        return *this;
    }
    Error&& hinted(std::string text) && {
        hint = std::move(text);
        return std::move(*this);
    }
    Error&& at(Where place) && {
        where = std::move(place);
        return std::move(*this);
    }
    Error&& during(std::string what) && {
        context.push_back(std::move(what));
        return std::move(*this);
    }

    // "message: file:line:column (while …)", one line, without the hint.
    [[nodiscard]] std::string line() const;
};

template <typename T>
using Result = tl::expected<T, Error>;

// The exit code that an error of this kind ends a program with: 1 gate failed, 2 usage or configuration,
// 3 environment, 4 refused by policy, 130 interrupted.
[[nodiscard]] int exit_code(ErrorKind kind);

[[nodiscard]] std::string_view name_of(ErrorKind kind);

[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
    return tl::unexpected<Error>(std::move(error));
}
[[nodiscard]] inline tl::unexpected<Error> fail(ErrorKind kind, std::string message, std::string hint = {}) {
    return tl::unexpected<Error>(Error{kind, std::move(message), std::move(hint), std::nullopt, {}});
}

// "WHAT: No space left on device"; the kind follows from `code` (an errno value).
[[nodiscard]] Error errno_error(std::string_view what, int code);
// The same for the current errno.
[[nodiscard]] tl::unexpected<Error> fail_errno(std::string_view what);

// Adds "while WHAT" to a failure that passes through.
template <typename T>
[[nodiscard]] Result<T> during(std::string what, Result<T> result) {
    if (!result) result.error().context.push_back(std::move(what));
    return result;
}

}  // namespace tidegate::shared

namespace tidegate {
using shared::during;
using shared::Error;
using shared::ErrorKind;
using shared::fail;
using shared::Result;
}  // namespace tidegate

// The value of a Result, or return its error from the enclosing function. Works for Result<void> too.
#define TRY(expression)                                                                                 \
    __extension__({                                                                                     \
        auto tidegate_try_result = (expression);                                                        \
        if (!tidegate_try_result)                                                                       \
            return ::tl::unexpected<::tidegate::shared::Error>(std::move(tidegate_try_result).error()); \
        ::tidegate::shared::detail::take_value(std::move(tidegate_try_result));                         \
    })

namespace tidegate::shared::detail {
template <typename T>
T take_value(Result<T>&& result) {
    return std::move(*result);
}
inline void take_value(Result<void>&&) {}
}  // namespace tidegate::shared::detail
