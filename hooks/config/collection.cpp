#include "hooks/builtin/collection.hpp"

#include "hooks/config/pre_commit.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <optional>

namespace tidegate::hooks {

using namespace shared;

namespace {

// "--name=value", or "--name" with the value behind it; nullopt where `args[at]` is something else.
std::optional<std::string> value_of(const std::vector<std::string>& args, size_t& at,
                                    std::initializer_list<std::string_view> names) {
    const std::string_view arg = args[at];
    for (const auto name : names) {
        if (arg.starts_with(name) && arg.size() > name.size() && arg[name.size()] == '=')
            return std::string(arg.substr(name.size() + 1));
        if (arg == name && at + 1 < args.size()) return args[++at];
    }
    return std::nullopt;
}

void push(Value& options, std::string_view key, const std::string& text) {
    Value item(text);
    item.quoted = true;
    Value list(Value::List{});
    if (const Value* known = options.find(key)) list = *known;
    list.push(std::move(item));
    options.set(std::string(key), std::move(list));
}

void put(Value& options, const char* key, const std::string& text) {
    Value value(text);
    value.quoted = true;
    options.set(key, std::move(value));
}

// A regular expression for the beginning of a name, where wildcards can say it: "release/.*" → "release/*".
std::optional<std::string> as_wildcards(std::string_view expression) {
    if (expression.starts_with('^')) expression.remove_prefix(1);
    const bool whole = expression.ends_with('$');
    if (whole) expression.remove_suffix(1);
    std::string text;
    for (size_t i = 0; i < expression.size(); ++i) {
        const char c = expression[i];
        const bool any =
            c == '.' && i + 1 < expression.size() && (expression[i + 1] == '*' || expression[i + 1] == '+');
        if (any) {
            text += expression[++i] == '+' ? "?*" : "*";
        } else if (c == '.') {
            text += '?';
        } else if (std::string_view("[](){}|*+?\\^$").find(c) != std::string_view::npos) {
            return std::nullopt;
        } else {
            text += c;
        }
    }
    if (!whole && !text.ends_with('*')) text += '*';
    return text;
}

// Takes over args[at], and what belongs to it.
bool carry_over(std::string_view id, const std::vector<std::string>& args, size_t& at, Value& options) {
    const std::string_view arg = args[at];
    if (id == "check-added-large-files") {
        if (arg == "--enforce-all") return options.set("all", true), true;
        const auto most = value_of(args, at, {"--maxkb"});
        if (!most || most->find_first_not_of("0123456789") != std::string::npos) return false;
        return put(options, "max", *most + "KiB"), true;
    }
    if (id == "trailing-whitespace") {
        if (arg == "--no-markdown-linebreak-ext") return true;  // so it is without it
        const auto endings = value_of(args, at, {"--markdown-linebreak-ext"});
        if (!endings) return false;
        for (const auto ending : split(*endings, ','))
            push(options, "markdown", std::string(ending.starts_with('.') ? ending.substr(1) : ending));
        return true;
    }
    if (id == "mixed-line-ending") {
        const auto fix = value_of(args, at, {"--fix", "-f"});
        if (!fix || (*fix != "auto" && *fix != "lf" && *fix != "crlf" && *fix != "no")) return false;
        return put(options, "fix", *fix), true;
    }
    if (id == "check-yaml") {
        if (arg == "--unsafe") return options.set("unsafe", true), true;
        if (arg == "--allow-multiple-documents" || arg == "-m" || arg == "--multi")
            return options.set("multiple_documents", true), true;
    }
    if (id == "no-commit-to-branch") {
        if (const auto pattern = value_of(args, at, {"--pattern", "-p"})) {
            const auto wildcards = as_wildcards(*pattern);
            return wildcards && (push(options, "branches", *wildcards), true);
        }
        const auto branch = value_of(args, at, {"--branch", "-b"});
        if (!branch || branch->find_first_of("*?") != std::string::npos) return false;
        return push(options, "branches", *branch), true;
    }
    if (id == "check-merge-conflict") return arg == "--assume-in-merge";  // so it is here
    return id == "detect-aws-credentials" && arg == "--allow-missing-credentials";
}

}  // namespace

bool is_hook_collection(std::string_view repository) {
    return repository == "builtin" ||  // what prek calls its own of them
           repository.ends_with("/pre-commit/pre-commit-hooks") ||
           repository.ends_with("/pre-commit/pre-commit-hooks.git") ||
           repository.ends_with(":pre-commit/pre-commit-hooks");
}

Result<Value> builtin_for_hook(std::string_view id, const std::vector<std::string>& args) {
    const auto check = builtin::check_of_collection(id);
    if (check.empty()) return fail(ErrorKind::Unsupported, "has no built-in check that does the same");
    Value options(Value::Map{});
    for (size_t at = 0; at < args.size(); ++at) {
        const auto arg = args[at];
        if (!carry_over(id, args, at, options))
            return fail(ErrorKind::Unsupported,
                        "`" + std::string(check) + "` has nothing for `" + escape_foreign(arg) + "`");
    }
    // Patterns are beside the usual branches, which only `--branch` replaces.
    const bool named = std::any_of(args.begin(), args.end(), [](const std::string& arg) {
        return arg.starts_with("--branch") || arg.starts_with("-b");
    });
    if (id == "no-commit-to-branch" && !args.empty() && !named)
        for (const char* usual : {"main", "master"}) push(options, "branches", usual);
    if (options.map().empty()) return Value(check);
    Value entry(Value::Map{});
    entry.set(std::string(check), std::move(options));
    return entry;
}

}  // namespace tidegate::hooks
