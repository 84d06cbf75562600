#include "hooks/receive_policy.hpp"

#include "hooks/builtin/options.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace tidegate::hooks {

using namespace shared;

namespace {

void add_words(std::vector<std::string>& words, std::string value) {
    for (char& c : value)
        if (c == ',' || c == '\t' || c == '\n') c = ' ';
    for (const auto word : split(value, ' '))
        if (!word.empty()) words.emplace_back(word);
}

// In doubt more is asked for.
bool is_yes(std::string_view value) {
    constexpr std::array<std::string_view, 5> kNo{"false", "no", "off", "0", ""};
    return std::find(kNo.begin(), kNo.end(), value) == kNo.end();
}

}  // namespace

bool ReceivePolicy::is_about(const std::string& ref) const {
    return builtin::matches_any(refs, ref);
}

Result<ReceivePolicy> receive_policy(const Repository& repo) {
    const auto exit =
        TRY(repo.git.run(repo.call({"config", "-z", "--get-regexp",
                                    "^tidegate\\.(require|threshold|requirefor|servergates|everycommit)$"})));
    ReceivePolicy policy;
    std::vector<std::string> refs;
    for (const auto entry : split(exit.out, '\0')) {
        const auto newline = entry.find('\n');
        const auto key = entry.substr(0, newline);
        if (key == "tidegate.everycommit")
            policy.every = newline == std::string_view::npos || is_yes(entry.substr(newline + 1));
        if (newline == std::string_view::npos) continue;
        const std::string value(entry.substr(newline + 1));
        if (key == "tidegate.require") add_words(policy.stages, value);
        if (key == "tidegate.requirefor") add_words(refs, value);
        if (key == "tidegate.servergates") policy.gates = value;
        if (key != "tidegate.threshold") continue;
        const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), policy.threshold);
        if (code != std::errc() || end != value.data() + value.size() || policy.threshold == 0)
            return fail(ErrorKind::Invalid,
                        "tidegate.threshold is no number of people: " + escape_foreign(value));
    }
    if (!refs.empty()) policy.refs = std::move(refs);
    return policy;
}

}  // namespace tidegate::hooks
