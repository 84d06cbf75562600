#include "hooks/command.hpp"

#include "shared/base/text.hpp"

#include <unistd.h>

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr std::string_view kFiles = "{files}";
constexpr size_t kLongestWord = 128 * 1024 - 1;  // MAX_ARG_STRLEN of the kernel, with its NUL

size_t count_in(std::string_view text, std::string_view part) {
    size_t count = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size()))
        ++count;
    return count;
}

// Each {name} that stands for something is replaced, once: what is put in is not looked at again.
template <typename Lookup>
std::string filled(std::string_view text, const Lookup& value_of) {
    std::string result;
    for (bool shells = false;;) {
        const auto open = text.find('{');
        const auto close = open == std::string_view::npos ? open : text.find('}', open);
        if (close == std::string_view::npos) return result.append(text);
        if (open > 0) shells = text[open - 1] == '$';  // ${name} is the shell's own
        const auto value = value_of(text.substr(open + 1, close - open - 1), shells);
        result.append(text.substr(0, open)).append(value ? *value : "{");
        text.remove_prefix(value ? close + 1 : open + 1);
        shells = false;
    }
}

// Never taken for an option.
std::string as_argument(const std::string& path) {
    return path.starts_with('-') ? "./" + path : path;
}

std::string shell_words(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : " ") + shell_quote(word);
    return text;
}

std::vector<std::string> one_line(const Script& script, const Placeholders& values,
                                  const std::vector<std::string>& files) {
    const bool shell = script.argv.empty();
    const auto value_of = [&](std::string_view name, bool shells) -> std::optional<std::string> {
        if (name == "files") return shell ? shell_words(files) : join(files, " ");
        if (name == "reports") return shell ? shell_quote(values.reports) : values.reports;
        const auto* argument = shells ? nullptr : find_argument(values.arguments, name);
        if (argument == nullptr) return std::nullopt;
        return shell ? shell_quote(*argument) : *argument;
    };
    if (shell) return {"/bin/sh", "-c", filled(script.shell, value_of)};
    std::vector<std::string> words;
    for (const auto& word : script.argv) {
        if (word == kFiles)
            words.insert(words.end(), files.begin(), files.end());
        else
            words.push_back(filled(word, value_of));
    }
    return words;
}

size_t bytes_of(const HookArguments& arguments) {
    size_t bytes = 0;
    for (const auto& [name, value] : arguments) bytes += shell_quote(value).size();
    return bytes;
}

}  // namespace

bool asks_for_arguments(const Gate& gate, std::string_view stage) {
    const auto* hook = find_git_hook(stage);
    if (hook == nullptr) return false;
    return std::any_of(hook->arguments.begin(), hook->arguments.end(), [&](std::string_view name) {
        return !name.empty() &&
               (gate.run.mentions("{" + std::string(name) + "}") || gate.run.mentions(variable_of(name)));
    });
}

Result<std::vector<std::vector<std::string>>> command_lines(const Script& script, const Placeholders& values,
                                                            size_t limit) {
    std::vector<std::vector<std::string>> lines;
    if (!script.mentions(kFiles)) {
        lines.push_back(one_line(script, values, {}));
        return lines;
    }
    const bool shell = script.argv.empty();
    size_t places = shell ? count_in(script.shell, kFiles) : 0;
    size_t fixed = shell ? script.shell.size() + values.reports.size() + bytes_of(values.arguments) : 0;
    for (const auto& word : script.argv) {
        places += count_in(word, kFiles);
        fixed += word.size() + values.reports.size() + 9;
    }
    const auto room = std::min(limit, shell ? kLongestWord : limit);
    std::vector<std::string> batch;
    size_t used = fixed;
    for (const auto& file : values.files) {
        const auto word = as_argument(file);
        const auto cost = places * (shell ? shell_quote(word).size() + 1 : word.size() + 9);
        if (fixed + cost > room)
            return fail(ErrorKind::Unsupported, "too long for a command line: " + escape_foreign(file));
        if (used + cost > room) {
            lines.push_back(one_line(script, values, batch));
            batch.clear();
            used = fixed;
        }
        batch.push_back(word);
        used += cost;
    }
    lines.push_back(one_line(script, values, batch));
    return lines;
}

size_t argument_limit(const Environment& env) {
    size_t used = 4096;  // what POSIX wants left over, and the program's path
    for (const auto& [name, value] : env.values()) used += name.size() + value.size() + 10;
    const auto system = sysconf(_SC_ARG_MAX);
    const auto allowed =
        std::clamp<size_t>(system > 0 ? static_cast<size_t>(system) : 131072, 65536, 2 << 20);
    return allowed > used + 32768 ? allowed - used : 32768;
}

Environment gate_environment(const std::vector<std::string>& pass_env,
                             const std::map<std::string, std::string>& env, const Target& target) {
    static const std::vector<std::string> kAllowed{
        // the person and the place
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TERM", "COLORTERM", "TZ",
        "TMPDIR", "XDG_*", "SSH_AUTH_SOCK", "CI", "NO_COLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "DISPLAY",
        "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "DOCKER_*", "container",
        // the network
        "http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY",
        "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE",
        // toolchains
        "CC", "CXX", "CPP", "LD", "AR", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "CMAKE_*", "NINJA_*",
        "CCACHE_*", "SCCACHE_*", "PKG_CONFIG_*", "CARGO_*", "RUSTUP_*", "RUST*", "GOPATH", "GOROOT",
        "GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS", "GOPRIVATE", "GONOSUMDB", "GOTOOLCHAIN", "GOBIN",
        "CGO_*", "NODE_*", "NVM_*", "npm_config_*", "NPM_CONFIG_*", "YARN_*", "PNPM_HOME", "COREPACK_*",
        "BUN_*", "DENO_*", "VOLTA_*", "FNM_*", "PYENV_*", "PYTHON*", "PIP_*", "UV_*", "POETRY_*",
        "VIRTUAL_ENV", "CONDA_*", "RBENV_*", "RUBY*", "GEM_*", "BUNDLE_*", "ASDF_*", "MISE_*", "JAVA_HOME",
        "JDK_HOME", "JAVA_TOOL_OPTIONS", "GRADLE_*", "MAVEN_*", "M2_HOME", "KOTLIN_HOME", "ANDROID_*",
        "DOTNET_*", "NUGET_*", "PHP_*", "COMPOSER_*", "PERL5LIB", "GHCUP_*", "STACK_*", "CABAL_*", "OPAM*",
        "NIX_*", "ERL_*", "MIX_*", "HEX_*", "DART_*", "FLUTTER_*", "SWIFT_*"};
    Environment result;
    result.pass(kAllowed);
    result.pass(pass_env);
    for (const auto& [name, value] : env) result.set(name, value);
    std::vector<std::string> gits;
    for (const auto& [name, value] : result.values())
        if (name.starts_with("GIT_") || name.starts_with("TIDEGATE")) gits.push_back(name);
    for (const auto& name : gits) result.unset(name);

    // A "." or an empty part of PATH would be the snapshot itself.
    const auto given = result.get("PATH").value_or("/usr/local/bin:/usr/bin:/bin");
    std::string path;
    for (const auto folder : split(given, ':'))
        if (folder.starts_with('/')) path += (path.empty() ? "" : ":") + std::string(folder);
    result.set("PATH", path);
    result.set("TIDEGATE", "1");
    result.set("TIDEGATE_STAGE", target.stage);
    result.set("TIDEGATE_TREE", target.tree.str());
    if (target.from) result.set("TIDEGATE_FROM", target.from->str());
    if (target.commit) result.set("TIDEGATE_TO", target.commit->str());
    return result;
}

}  // namespace tidegate::hooks
