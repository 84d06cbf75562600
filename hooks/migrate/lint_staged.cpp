// lint-staged: globs and the commands that get the files they match.
#include "hooks/config/glob.hpp"
#include "hooks/migrate/migrate.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"
#include "shared/doc/yaml_anchors.hpp"

#include <algorithm>
#include <array>

namespace tidegate::hooks::migrate {

using namespace shared;

namespace {

constexpr std::array<std::string_view, 4> kData{".lintstagedrc", ".lintstagedrc.json", ".lintstagedrc.yaml",
                                                ".lintstagedrc.yml"};
constexpr std::array<std::string_view, 8> kPrograms{
    ".lintstagedrc.js",      ".lintstagedrc.cjs",      ".lintstagedrc.mjs",      ".lintstagedrc.ts",
    "lint-staged.config.js", "lint-staged.config.cjs", "lint-staged.config.mjs", "lint-staged.config.ts"};

// micromatch's groups as ours: *.ts?(x) → *.ts{,x}, *.@(js|ts) and *.(js|ts) → *.{js,ts}; nullopt for what has no
// counterpart, as "all but".
std::optional<std::string> our_glob(std::string_view theirs) {
    if (theirs.starts_with('!')) return std::nullopt;
    std::string glob;
    size_t groups = 0;
    for (size_t i = 0; i < theirs.size(); ++i) {
        const char c = theirs[i];
        const bool opens = i + 1 < theirs.size() && theirs[i + 1] == '(';
        if (opens && (c == '!' || c == '*' || c == '+')) return std::nullopt;
        if (opens && (c == '?' || c == '@')) {
            glob += c == '?' ? "{," : "{";
            ++groups;
            ++i;
        } else if (c == '(') {
            glob += '{';
            ++groups;
        } else if (c == ')' && groups > 0) {
            glob += '}';
            --groups;
        } else {
            glob += c == '|' && groups > 0 ? ',' : c;
        }
    }
    if (groups > 0 || !Glob::parse(glob)) return std::nullopt;
    return glob;
}

struct Found {
    std::string file;
    Value rules;                         // a pattern's commands; {whole: …} where they get no files
    std::vector<std::string> functions;  // patterns whose commands a function makes
};

// A program's text without comments.
std::optional<std::string> without_comments(const std::string& program) {
    std::string text;
    char quote = 0;
    for (size_t i = 0; i < program.size(); ++i) {
        const char c = program[i];
        if (quote == 0 && program.compare(i, 2, "//") == 0) {
            i = std::min(program.find('\n', i), program.size()) - 1;
        } else if (quote == 0 && program.compare(i, 2, "/*") == 0) {
            const auto end = program.find("*/", i + 2);
            if (end == std::string::npos) return std::nullopt;
            i = end + 1;
        } else {
            if (quote != 0 && c == '\\') text += program[i++];
            if (quote == 0 && (c == '\'' || c == '"' || c == '`'))
                quote = c;
            else if (c == quote)
                quote = 0;
            const bool blank =
                i < program.size() && (program[i] == '\t' || program[i] == '\n' || program[i] == '\r');
            if (i < program.size()) text += blank ? ' ' : program[i];
        }
    }
    return text;
}

// What stands between commas that are in no brackets and quotes.
std::vector<std::string> entries_of(std::string_view body) {
    std::vector<std::string> entries(1);
    char quote = 0;
    int depth = 0;
    for (size_t i = 0; i < body.size(); ++i) {
        const char c = body[i];
        if (quote == 0 && c == ',' && depth == 0) {
            entries.emplace_back();
            continue;
        }
        entries.back() += c;
        if (quote != 0) {
            if (c == '\\' && i + 1 < body.size()) entries.back() += body[++i];
            if (c == quote) quote = 0;
        } else if (c == '\'' || c == '"' || c == '`') {
            quote = c;
        } else if (std::string_view("([{").find(c) != std::string_view::npos) {
            ++depth;
        } else if (std::string_view(")]}").find(c) != std::string_view::npos) {
            --depth;
        }
    }
    return entries;
}

// One entry of an object, as data where it is data.
void take_entry(std::string_view entry, Found& found) {
    entry = trim(entry);
    if (entry.empty()) return;
    const auto quote = entry.front() == '\'' || entry.front() == '"' ? entry.front() : '\0';
    const auto end = quote != 0 ? entry.find(quote, 1) : entry.find(':');
    const auto colon = end == std::string_view::npos ? end : entry.find(':', end);
    if (colon == std::string_view::npos) return found.functions.push_back(std::string(entry.substr(0, 40)));
    const std::string key(quote != 0 ? entry.substr(1, end - 1) : trim(entry.substr(0, end)));
    auto value = trim(entry.substr(colon + 1));
    constexpr std::string_view kNoFiles = "() =>";
    const bool whole = value.starts_with(kNoFiles);
    if (whole) value = trim(value.substr(kNoFiles.size()));
    const bool data = !value.empty() &&
                      std::string_view("'\"[").find(value.front()) != std::string_view::npos &&
                      value.find("=>") == std::string_view::npos && value.find('`') == std::string_view::npos;
    const auto document =
        data ? parse_yaml("", "v: " + std::string(value) + "\n") : fail(ErrorKind::Invalid, "");
    if (!document) return found.functions.push_back(key);
    Value commands = *document->root().find("v");
    if (whole) {
        Value without(Value::Map{});
        without.set("whole", std::move(commands));
        commands = std::move(without);
    }
    found.rules.set(key, std::move(commands));
}

// A program that only exports an object is read; nullopt for any other.
std::optional<Found> exported(const std::string& file, const std::string& program) {
    const auto text = without_comments(program);
    if (!text) return std::nullopt;
    for (const std::string_view start : {"export default", "module.exports ="}) {
        const auto rest = trim(*text);
        if (!rest.starts_with(start) || !trim(rest.substr(start.size())).starts_with('{')) continue;
        const auto open = rest.find('{');
        const auto close = rest.rfind('}');
        if (close == std::string_view::npos || close < open) return std::nullopt;
        Found found{file, Value(Value::Map{}), {}};
        for (const auto& entry : entries_of(rest.substr(open + 1, close - open - 1)))
            take_entry(entry, found);
        return found;
    }
    return std::nullopt;
}

constexpr size_t kMostPackages = 200;  // that are looked into

// The rules of one folder ("" or "packages/web/").
std::optional<Found> find_rules(const Files& files, const std::string& folder, Gates& into) {
    for (const auto name : kPrograms) {
        const auto file = folder + std::string(name);
        if (!files.has(file)) continue;
        if (auto found = exported(file, files.read(file))) return found;
        into.note(file + ": is a program; what it says has to be written by hand");
    }
    for (const auto name : kData) {
        const auto file = folder + std::string(name);
        if (!files.has(file)) continue;
        const auto document = parse_yaml_with_aliases(file, files.read(file), {1 << 20, 32, 20'000});
        if (document && document->root().is(Value::Kind::Map)) return Found{file, document->root(), {}};
        into.note(file + ": cannot be read" + (document ? "" : ": " + document.error().message));
    }
    if (!files.has(folder + "package.json")) return std::nullopt;
    const auto package = parse_json(files.read(folder + "package.json"));
    const Value* rules = package ? package->find("lint-staged") : nullptr;
    if (rules == nullptr || !rules->is(Value::Kind::Map)) return std::nullopt;
    return Found{"lint-staged in " + folder + "package.json", *rules, {}};
}

// Folders with rules of their own, "packages/web/": a file has those of the nearest.
std::vector<std::string> folders_with_rules(const Files& files) {
    std::vector<std::string> folders;
    size_t packages = 0;
    for (const auto& path : files.paths) {
        const auto slash = path.rfind('/');
        if (slash == std::string::npos) continue;
        const auto name = path.substr(slash + 1);
        bool has = std::find(kData.begin(), kData.end(), name) != kData.end() ||
                   std::find(kPrograms.begin(), kPrograms.end(), name) != kPrograms.end();
        if (name == "package.json" && path.find("node_modules/") == std::string::npos &&
            ++packages <= kMostPackages)
            has = has || files.read(path).find("\"lint-staged\"") != std::string::npos;
        const auto folder = path.substr(0, slash + 1);
        if (has && std::find(folders.begin(), folders.end(), folder) == folders.end())
            folders.push_back(folder);
    }
    return folders;
}

struct Rule {
    std::string stage;
    std::string folder;
    std::string glob;
    bool whole = false;               // its commands get no files
    std::vector<std::string> others;  // folders with rules of their own
};

// One command of a rule. lint-staged puts the files behind it, and what it changes into the commit.
void add_command(Gates& into, const Rule& rule, const std::string& command, std::string& before) {
    if (command.starts_with("git add")) return;  // what is mended is part of the commit anyway
    const auto checks = checking_form(command);
    Value gate(Value::Map{});
    if (!before.empty()) {
        Value needs(Value::List{});
        needs.push(before);
        gate.set("needs", std::move(needs));
    }
    const std::string files = rule.whole ? "" : " {files}";
    gate.set("run", with_runner(checks.value_or(command)) + files);
    gate.set("fix", checks ? Value(with_runner(command) + files) : Value(true));
    if (!rule.folder.empty()) gate.set("folder", rule.folder.substr(0, rule.folder.size() - 1));
    Value globs(Value::List{});
    globs.push(rule.glob);
    gate.set("files", std::move(globs));
    Value exclude(Value::List{});
    for (const auto& other : rule.others)
        if (other != rule.folder && other.starts_with(rule.folder))
            exclude.push("/" + other.substr(rule.folder.size()) + "**");
    if (!exclude.list().empty()) gate.set("exclude", std::move(exclude));
    const auto word = command.substr(0, command.find(' '));
    before = into.add(rule.stage, gate_name(word.substr(word.rfind('/') + 1)), std::move(gate));
}

void add_rules(Gates& into, Rule rule, const Found& found) {
    for (const auto& pattern : found.functions)
        into.note(found.file + ": " + pattern + " is a function; what it says has to be written by hand");
    for (const auto& entry : found.rules.map()) {
        const auto glob = our_glob(entry.key);
        if (!glob) {
            into.note(found.file + ": the pattern " + entry.key + " has no counterpart");
            continue;
        }
        rule.glob = *glob;
        std::vector<std::string> commands;
        rule.whole = entry.value.find("whole") != nullptr;
        const auto& value = rule.whole ? *entry.value.find("whole") : entry.value;
        if (value.is(Value::Kind::Text)) commands.push_back(value.text());
        for (const auto& item : value.list())
            if (item.is(Value::Kind::Text)) commands.push_back(item.text());
        if (commands.empty()) into.note(found.file + ": " + entry.key + " names no command");
        std::string before;
        for (const auto& command : commands) add_command(into, rule, command, before);
    }
}

}  // namespace

bool has_lint_staged(const Files& files) {
    for (const auto name : kData)
        if (files.has(name)) return true;
    for (const auto name : kPrograms)
        if (files.has(name)) return true;
    const auto package = parse_json(files.read("package.json"));
    if (package && package->find("lint-staged") != nullptr) return true;
    return !folders_with_rules(files).empty();
}

void from_lint_staged(const Files& files, Gates& into, const std::string& stage) {
    into.found.emplace_back("lint-staged");
    const auto folders = folders_with_rules(files);
    if (const auto found = find_rules(files, "", into))
        add_rules(into, {stage, "", "", false, folders}, *found);
    for (const auto& folder : folders)
        if (const auto found = find_rules(files, folder, into))
            add_rules(into, {stage, folder, "", false, folders}, *found);
    auto& link = into.stage(stage).link;
    if (link.empty()) link.emplace_back("node_modules");
}

}  // namespace tidegate::hooks::migrate
