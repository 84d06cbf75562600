// What can be known of a change without asking a host: from the manifests of both ends, tidegate.yaml, and, where
// one is given, a clone of the app.
#include "manifests/branch.hpp"
#include "manifests/checkout.hpp"
#include "manifests/commands.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"
#include "shared/doc/yaml.hpp"

#include <cstdio>

namespace tidegate::manifests {

using namespace shared;

namespace {

constexpr size_t kLongestChangelog = 20;

struct Ends {
    std::string before;  // full ids
    std::string after;
};

struct Changed {
    std::string environment;
    std::string app;
    std::string path;
    std::optional<std::string> text_before;
    std::optional<std::string> text_after;
    std::optional<Manifest> before;
    std::optional<Manifest> after;
};

Result<Ends> ends_of(const Checkout& checkout, const std::string& range) {
    if (range.find("...") != std::string::npos)
        return fail(ErrorKind::Usage, "a range is A..B, with two dots: " + escape_foreign(range));
    const auto dots = range.find("..");
    auto first = range.substr(0, dots);
    auto last = dots == std::string::npos ? std::string() : range.substr(dots + 2);
    if (first.empty()) first = "HEAD";
    if (last.empty()) last = "HEAD";
    Ends ends;
    ends.before = TRY(checkout.resolve(first));
    ends.after = TRY(checkout.resolve(last));
    return ends;
}

// "production/web.yaml" → its two names; nullopt for other files.
std::optional<std::pair<std::string, std::string>> names_of(std::string_view path) {
    const auto slash = path.find('/');
    if (slash == std::string_view::npos || path.find('/', slash + 1) != std::string_view::npos)
        return std::nullopt;
    auto name = path.substr(slash + 1);
    if (!name.ends_with(".yaml")) return std::nullopt;
    name.remove_suffix(5);
    const auto environment = path.substr(0, slash);
    if (!check_name("environment", environment) || !check_name("app", name)) return std::nullopt;
    return std::pair(std::string(environment), std::string(name));
}

Result<std::vector<Changed>> changes_of(const Checkout& checkout, const Ends& ends,
                                        const std::optional<std::string>& environment) {
    const auto listed = TRY(checkout.ask(
        {"diff-tree", "-r", "-z", "--no-renames", "--name-only", ends.before, ends.after, "--"}));
    std::vector<Changed> changes;
    for (const auto path : split(listed, '\0')) {
        const auto names = names_of(path);
        if (!names || (environment && names->first != *environment)) continue;
        Changed change{names->first, names->second, std::string(path), {}, {}, {}, {}};
        change.text_before = TRY(checkout.text_at(ends.before, change.path));
        change.text_after = TRY(checkout.text_at(ends.after, change.path));
        // What was wrong before can be mended by this change; what is wrong after it cannot be judged.
        if (change.text_before) {
            auto manifest = parse_manifest(change.path, *change.text_before);
            if (manifest) change.before = std::move(*manifest);
        }
        if (change.text_after) change.after = TRY(parse_manifest(change.path, *change.text_after));
        changes.push_back(std::move(change));
    }
    return changes;
}

std::string joined(const std::vector<std::string>& parts) {
    return join(parts, ", ");
}

std::string headline(const Changed& change) {
    const auto name = change.environment + "/" + change.app + "   ";
    if (!change.after) return name + "removed: hosts leave it running and report it as orphaned";
    const auto after = escape_foreign(change.after->label());
    if (!change.text_before) return name + "new at " + after;
    if (!change.before) return name + after + ", the manifest before could not be read";
    const auto before = escape_foreign(change.before->label());
    return name + (before == after ? after : before + " → " + after);
}

// Top-level keys other than `release` whose values differ.
std::vector<std::string> other_keys(const Changed& change) {
    std::vector<std::string> keys;
    if (!change.text_before || !change.text_after) return keys;
    const auto before = parse_yaml("", *change.text_before, {.bytes = kLongestManifest});
    const auto after = parse_yaml("", *change.text_after, {.bytes = kLongestManifest});
    if (!before || !after) return keys;
    const auto differs = [&](const Value& a, const Value& b, const std::string& key) {
        const Value* left = a.find(key);
        const Value* right = b.find(key);
        return (left == nullptr) != (right == nullptr) || (left != nullptr && !(*left == *right));
    };
    for (const auto& entry : after->root().map())
        if (entry.key != "release" && differs(before->root(), after->root(), entry.key))
            keys.push_back(entry.key);
    for (const auto& entry : before->root().map())
        if (after->root().find(entry.key) == nullptr) keys.push_back(entry.key);
    return keys;
}

std::string migration_text(const Manifest& manifest) {
    const auto& migrate = manifest.migrate;
    if (!migrate.any()) return {};
    auto text = migrate.shown();
    if (migrate.backup) text += "; backup first: " + migrate.backup->shown();
    if (migrate.compatible) return text + "; a revert needs no migration (compatible)";
    if (migrate.sql) text += "; back by its down files";
    if (migrate.down) text += "; down: " + migrate.down->shown();
    if (migrate.restore) text += "; restore: " + migrate.restore->shown();
    return text + (migrate.revertible() ? "" : "; no way back: hosts wait for retry --irreversible");
}

std::string activation_text(const Manifest& manifest) {
    std::vector<std::string> parts;
    for (const auto& step : manifest.activate) parts.push_back(step.shown());
    return joined(parts);
}

std::string hosts_text(const Changed& change) {
    std::vector<std::string> labels;
    for (const auto& [name, value] : change.after->hosts)
        labels.push_back(name + "=" + escape_foreign(value));
    auto text = labels.empty() ? "every host of " + change.environment : join(labels, " ");
    if (change.after->rollout) text += ", waves " + join(change.after->rollout->waves, " → ");
    return text;
}

std::string needs_text(const Changed& change, const BranchRules& rules) {
    std::vector<std::string> parts;
    const auto environment = rules.rules_of(change.environment);
    if (environment.approvals > 0)
        parts.push_back(count_of(static_cast<size_t>(environment.approvals), "approval"));
    if (change.after->require) {
        const auto& wanted = *change.after->require;
        parts.push_back("attestation " + join(wanted.stages, " ") +
                        (wanted.threshold > 1 ? " by " + std::to_string(wanted.threshold) + " signers" : ""));
    }
    if (environment.requires_first)
        parts.push_back("healthy in " + environment.requires_first->environment + " for " +
                        human_duration(environment.requires_first->healthy_for));
    if (environment.strategy == Strategy::Manual) parts.push_back("a person's tidegatectl sync");
    if (!environment.windows.empty()) parts.push_back("an open window");
    return joined(parts);
}

// The commits between two releases, out of a clone; empty where that cannot be told.
struct Changelog {
    std::vector<std::string> lines;
    size_t commits = 0;
    std::string files;
    std::string note;
};

Changelog changelog_of(const Git& git, const Changed& change, const std::optional<std::string>& source) {
    Changelog log;
    if (!source || !change.before || !change.after) return log;
    const auto* from = change.before->git();
    const auto* to = change.after->git();
    if (from == nullptr || to == nullptr || from->commit == to->commit) return log;
    const auto ask = [&](std::vector<std::string> args) {
        return git.line({.args = std::move(args), .directory = *source});
    };
    const auto range = from->commit.str() + ".." + to->commit.str();
    const auto lines = ask({"log", "--no-show-signature", "--format=%h  %s", range, "--"});
    if (!lines) {
        log.note = "the clone does not have both commits";
        return log;
    }
    for (const auto line : lines_of(*lines)) {
        if (++log.commits <= kLongestChangelog) log.lines.push_back(escape_foreign(line));
    }
    if (const auto back = ask({"rev-list", "--count", to->commit.str() + ".." + from->commit.str(), "--"});
        back && *back != "0")
        log.note = *back + " commits are taken back";
    if (const auto files = ask({"diff", "--shortstat", from->commit.str(), to->commit.str(), "--"}))
        log.files = std::string(trim(files->substr(0, files->find(" changed"))));
    return log;
}

void show_line(const char* name, const std::string& text) {
    if (!text.empty()) std::printf("  %-10s%s\n", name, text.c_str());
}

void show(const Changed& change, const BranchRules& rules, const Changelog& log) {
    auto head = headline(change);
    if (log.commits > 0)
        head += "   " + count_of(log.commits, "commit") + (log.files.empty() ? "" : ", " + log.files);
    std::printf("%s\n", head.c_str());
    if (!change.after) return;
    std::vector<std::string> keys;
    for (const auto& key : other_keys(change)) keys.push_back(escape_foreign(key));
    show_line("also", joined(keys));
    show_line("build", change.before && release_id(*change.before) == release_id(*change.after)
                           ? "the same release: nothing is fetched or built"
                           : "");
    show_line("migrate", migration_text(*change.after));
    show_line("activate", activation_text(*change.after));
    show_line("hosts", hosts_text(change));
    show_line("needs", needs_text(change, rules));
    show_line("note", log.note);
    if (log.lines.empty()) return;
    std::printf("  changelog\n");
    for (const auto& line : log.lines) std::printf("    %s\n", line.c_str());
    if (log.commits > log.lines.size()) std::printf("    … and %zu more\n", log.commits - log.lines.size());
}

Value to_value(const Changed& change, const BranchRules& rules) {
    Value value;
    value.set("environment", change.environment).set("app", change.app);
    const auto side = [](const std::optional<Manifest>& manifest) {
        if (!manifest) return Value();
        Value each;
        each.set("label", manifest->label());
        if (manifest->git() != nullptr) each.set("commit", manifest->git()->commit.str());
        each.set("release", release_id(*manifest));
        return each;
    };
    value.set("from", side(change.before)).set("to", side(change.after));
    Value keys(Value::List{});
    for (const auto& key : other_keys(change)) keys.push(key);
    value.set("other_keys", std::move(keys));
    if (change.after) {
        value.set("migrates", change.after->migrate.any());
        value.set("revertible", change.after->migrate.revertible());
        value.set("activate", activation_text(*change.after));
        value.set("hosts", hosts_text(change));
        value.set("needs", needs_text(change, rules));
    }
    return value;
}

}  // namespace

Result<int> diff(const DiffOptions& options) {
    const auto checkout = TRY(Checkout::open(options.directory));
    const auto ends = TRY(ends_of(checkout, options.range));
    BranchRules rules;
    if (const auto text = TRY(checkout.text_at(ends.after, std::string(kBranchFile))))
        rules = TRY(parse_branch_rules(std::string(kBranchFile), *text));
    const auto changes = TRY(changes_of(checkout, ends, options.environment));
    if (options.json) {
        Value list(Value::List{});
        for (const auto& change : changes) list.push(to_value(change, rules));
        std::fputs(to_pretty_json(list).c_str(), stdout);
        return 0;
    }
    if (changes.empty())
        std::printf("no manifest changes%s\n",
                    options.environment ? (" in " + escape_foreign(*options.environment)).c_str() : "");
    for (const auto& change : changes) {
        if (&change != &changes.front()) std::printf("\n");
        show(change, rules, changelog_of(checkout.git(), change, options.source));
    }
    return 0;
}

}  // namespace tidegate::manifests
