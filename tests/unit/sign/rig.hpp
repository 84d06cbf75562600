// Real keys and real signatures, made by ssh-keygen and git in a private folder.
#pragma once

#include "shared/base/files.hpp"
#include "shared/base/process.hpp"
#include "shared/base/text.hpp"
#include "shared/sign/allowed_signers.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace tidegate::test {

using namespace tidegate::shared;

inline std::string must_run(std::vector<std::string> argv, const std::string& input = {},
                            const std::string& directory = {}, const Environment* env = nullptr) {
    Command command;
    command.argv = std::move(argv);
    command.env = env == nullptr ? basic_environment() : *env;
    command.input = input;
    command.directory = directory;
    command.timeout = Duration(60'000);
    const auto exit = run(command);
    REQUIRE_MESSAGE(exit.has_value(), command.argv[0]);
    REQUIRE_MESSAGE(exit->ok(), command.argv[0] << ": " << exit->err);
    return exit->out;
}

inline std::string must_read(const std::string& path) {
    auto text = read_file(path, 1 << 20);
    REQUIRE_MESSAGE(text.has_value(), path);
    return *text;
}

// What an expected failure says; empty where it did not fail.
template <typename T>
std::string refusal(const Result<T>& result) {
    return result ? std::string() : result.error().line();
}

struct KeyFile {
    std::string path;
    SshPublicKey key;

    [[nodiscard]] std::string sign(const std::string& name_space, const std::string& message) const {
        return must_run({"/usr/bin/ssh-keygen", "-q", "-Y", "sign", "-n", name_space, "-f", path}, message);
    }
    // A line of allowed_signers.
    [[nodiscard]] std::string listed(const std::string& principal, const std::string& options = {}) const {
        return principal + " " + (options.empty() ? "" : options + " ") + key.text() + "\n";
    }
};

// Keys are made once for the program: RSA takes its time.
inline const KeyFile& key_file(const std::string& name, const std::vector<std::string>& options = {}) {
    static TempDir folder = std::move(*TempDir::make("tidegate-keys"));
    static std::map<std::string, KeyFile> keys;
    if (const auto found = keys.find(name); found != keys.end()) return found->second;
    const auto path = folder.path() + "/" + name;
    std::vector<std::string> argv{"/usr/bin/ssh-keygen", "-q", "-C", name, "-f", path};
    if (std::find(options.begin(), options.end(), "-N") == options.end()) argv.insert(argv.end(), {"-N", ""});
    if (options.empty())
        argv.insert(argv.end(), {"-t", "ed25519"});
    else
        argv.insert(argv.end(), options.begin(), options.end());
    must_run(argv);
    auto key = SshPublicKey::from_text(must_read(path + ".pub"));
    REQUIRE_MESSAGE(key.has_value(), refusal(key));
    return keys.emplace(name, KeyFile{path, std::move(*key)}).first->second;
}

struct KeyType {
    std::string name;
    std::vector<std::string> options;
};
inline const std::vector<KeyType>& key_types() {
    static const std::vector<KeyType> types{
        {"ed25519", {"-t", "ed25519"}},
        {"ecdsa256", {"-t", "ecdsa", "-b", "256"}},
        {"ecdsa384", {"-t", "ecdsa", "-b", "384"}},
        {"ecdsa521", {"-t", "ecdsa", "-b", "521"}},
        {"rsa2048", {"-t", "rsa", "-b", "2048"}},
        {"rsa3072", {"-t", "rsa", "-b", "3072"}},
    };
    return types;
}

inline AllowedSigners allowed_from(const std::string& text) {
    auto allowed = AllowedSigners::parse("allowed_signers", text);
    REQUIRE_MESSAGE(allowed.has_value(), refusal(allowed));
    return std::move(*allowed);
}

inline WallTime at(const std::string& utc) {
    return parse_utc(utc).value();  // also for constants, where doctest is not there yet
}

}  // namespace tidegate::test
