// lefthook: commands, scripts and jobs of each hook.
#include "hooks/config/git_hook.hpp"
#include "hooks/config/glob.hpp"
#include "hooks/config/pre_commit.hpp"
#include "hooks/migrate/migrate.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/yaml_anchors.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace tidegate::hooks::migrate {

using namespace shared;

namespace {

using Kind = Value::Kind;

std::string text_at(const Value& map, std::string_view key) {
    const Value* value = map.find(key);
    return value == nullptr ? std::string() : value->text();
}

bool is_true(const Value& map, std::string_view key) {
    const Value* value = map.find(key);
    return value != nullptr && value->is(Kind::Bool) && value->boolean();
}

std::vector<std::string> texts_at(const Value& map, std::string_view key) {
    std::vector<std::string> texts;
    const Value* value = map.find(key);
    if (value == nullptr) return texts;
    if (value->is(Kind::Text)) texts.push_back(value->text());
    for (const auto& item : value->list()) texts.push_back(item.text());
    return texts;
}

Value list_of(const std::vector<std::string>& texts) {
    Value list(Value::List{});
    for (const auto& text : texts) list.push(text);
    return list;
}

// By default its * matches a / too (gobwas); with `glob_matcher: doublestar` it does not, and nothing floats.
std::string our_glob(const std::string& glob, bool doublestar) {
    const auto slash = glob.rfind('/');
    if (slash == std::string::npos) return doublestar ? "/" + glob : glob;
    if (doublestar || glob.find("**") != std::string::npos) return glob;
    if (glob.find('*', slash) == std::string::npos) return glob;
    return glob.substr(0, slash + 1) + "**/" + glob.substr(slash + 1);
}

// Until its second version a single text was a regular expression, since then a pattern.
bool is_expression(const std::string& text) {
    return text.find_first_of("^$|(\\") != std::string::npos || text.find(".*") != std::string::npos;
}

// "1_lint" before "2_test" before "10_build": numbers in front by their value.
bool goes_before(const std::string& a, const std::string& b) {
    const auto number = [](const std::string& text) {
        const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
        return digits == 0 || digits > 9 ? 1'000'000'000 : std::stol(text.substr(0, digits));
    };
    return std::pair(number(a), a) < std::pair(number(b), b);
}

// Commands and scripts are run by `priority` (none: last), then by name.
std::vector<const Value::Entry*> in_order(const Value& map) {
    std::vector<const Value::Entry*> entries;
    for (const auto& entry : map.map()) entries.push_back(&entry);
    const auto priority = [](const Value& job) {
        const Value* value = job.find("priority");
        const auto number = value != nullptr && value->is(Kind::Integer) ? value->integer() : 0;
        return number > 0 ? number : std::numeric_limits<std::int64_t>::max();
    };
    std::stable_sort(entries.begin(), entries.end(), [&](const auto* a, const auto* b) {
        const auto left = priority(a->value);
        const auto right = priority(b->value);
        return left != right ? left < right : goes_before(a->key, b->key);
    });
    return entries;
}

// What a job has from the group, or the hook, that it is in.
Value inherited(const Value& job, const Value& from) {
    Value all = job;
    for (const auto* key : {"glob", "exclude", "root", "skip", "only", "files", "file_types"})
        if (const Value* value = from.find(key); value != nullptr && job.find(key) == nullptr)
            all.set(key, *value);
    const Value* outer = from.find("env");
    if (outer == nullptr || !outer->is(Kind::Map)) return all;
    Value env = *outer;
    if (const Value* own = job.find("env"); own != nullptr && own->is(Kind::Map))
        for (const auto& entry : own->map()) env.set(entry.key, entry.value);
    all.set("env", std::move(env));
    return all;
}

void replace_all(std::string& text, std::string_view part, std::string_view by) {
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + by.size()))
        text.replace(at, part.size(), by);
}

struct Setting {
    std::string file;
    std::string scripts;  // the folder of scripts
    bool doublestar = false;
};

class Hook {
  public:
    Hook(const Setting& setting, const std::string& name, Gates& into)
        : setting_(setting), name_(name), into_(into) {}

    void read(const Value& hook) {
        if (is_true(hook, "skip")) return note("all of it", "is skipped (`skip: true`)");
        for (const auto* key : {"exclude_tags", "setup"})
            if (hook.find(key) != nullptr) note(std::string("`") + key + "`", "has no counterpart");
        const bool piped = is_true(hook, "piped");
        const auto before = into_.stage(name_).gates.size();
        if (const Value* commands = hook.find("commands"))
            for (const auto* entry : in_order(*commands))
                add(entry->key, inherited(entry->value, hook), piped);
        if (const Value* scripts = hook.find("scripts"))
            for (const auto* entry : in_order(*scripts)) {
                auto job = inherited(entry->value, hook);
                job.set("script", entry->key);
                add(entry->key, job, piped);
            }
        if (const Value* jobs = hook.find("jobs")) add_jobs(*jobs, hook, piped);
        auto& stage = into_.stage(name_);
        if (piped || is_true(hook, "parallel") || stage.gates.size() - before < 2) return;
        stage.parallel = 1;
        note("its gates", "run one at a time (`parallel: 1`), as lefthook has it without `parallel: true`");
    }

  private:
    void note(const std::string& what, const std::string& why) {
        into_.note(setting_.file + ": " + name_ + ": " + what + " " + why);
    }

    void add_jobs(const Value& jobs, const Value& outer, bool piped) {
        for (const auto& item : jobs.list()) {
            const auto job = inherited(item, outer);
            if (const Value* group = job.find("group")) {
                if (is_true(job, "skip")) {
                    note(text_at(job, "name"), "is skipped (`skip: true`)");
                    continue;
                }
                if (const Value* inner = group->find("jobs"))
                    add_jobs(*inner, inherited(*group, job), piped || is_true(*group, "piped"));
                continue;
            }
            auto name = text_at(job, "name");
            if (name.empty()) name = text_at(job, job.find("script") != nullptr ? "script" : "run");
            add(name, job, piped);
        }
    }

    // The command; empty where there is none.
    std::string command_of(const std::string& name, const Value& job) {
        auto run = text_at(job, "run");
        if (job.find("script") != nullptr) {
            const auto path = setting_.scripts + "/" + name_ + "/" + text_at(job, "script");
            const auto runner = text_at(job, "runner");
            const auto* hook = find_git_hook(name_);
            const bool argument = hook != nullptr && !hook->arguments[0].empty();
            run = (runner.empty() ? "./" + path : runner + " " + path) + (argument ? " {1}" : "");
        }
        if (const auto args = text_at(job, "args"); !run.empty() && !args.empty()) run += " " + args;
        if (job.find("files") != nullptr)
            note(name, "chooses its files by a command (`files`): the change's are used");
        if (run.find("{all_files}") != std::string::npos) note(name, "is given the change's files, not all");
        for (const char* word : {"{staged_files}", "{push_files}", "{all_files}"})
            replace_all(run, word, "{files}");
        for (const char* quoted : {"\"{files}\"", "'{files}'"}) replace_all(run, quoted, "{files}");
        replace_all(run, "{lefthook_job_name}", name);
        if (run.find("git add") != std::string::npos)
            note(name, "adds files: what a gate changes is not part of the commit, but for its `fix`");
        return run;
    }

    void add_conditions(Value& gate, const std::string& name, const Value& job) {
        for (const char* theirs : {"skip", "only"}) {
            const char* ours = *theirs == 's' ? "except" : "only";
            const Value* value = job.find(theirs);
            if (value == nullptr || value->is(Kind::Bool)) continue;
            Value list(Value::List{});
            const auto one = [&](const Value& item) {
                if (item.is(Kind::Map) && item.find("ref") != nullptr) {
                    Value branch(Value::Map{});
                    branch.set("branch", text_at(item, "ref"));
                    list.push(std::move(branch));
                } else if (item.text() == "merge" || item.text() == "rebase") {
                    list.push(item.text());
                } else if (item.text() == "merge-commit") {
                    list.push("merge");
                } else {
                    note(name, std::string("has a condition (`") + theirs + "`) that has no counterpart");
                }
            };
            if (value->is(Kind::List))
                for (const auto& item : value->list()) one(item);
            else
                one(*value);
            if (!list.list().empty()) gate.set(ours, std::move(list));
        }
    }

    // As a pattern of a gate in `folder`; empty where there is no such pattern.
    std::string pattern(const std::string& name, const std::string& theirs, const std::string& folder) {
        auto glob = our_glob(theirs, setting_.doublestar);
        if (!folder.empty() && glob.starts_with(folder + "/")) {
            glob.erase(0, folder.size());
        } else if (!folder.empty() && glob.find('/') != std::string::npos && !glob.starts_with("**/")) {
            note(name, "has a pattern that is outside of its `root`: " + theirs);
            return {};
        }
        if (Glob::parse(glob)) return glob;
        note(name, "has a pattern without a counterpart: " + theirs);
        return {};
    }

    void add_files(Value& gate, const std::string& name, const Value& job, const std::string& folder) {
        const auto patterns = [&](const char* key, const std::vector<std::string>& texts) {
            std::vector<std::string> ours;
            for (const auto& text : texts)
                if (auto one = pattern(name, text, folder); !one.empty()) ours.push_back(std::move(one));
            if (!ours.empty()) gate.set(key, list_of(ours));
        };
        patterns("files", texts_at(job, "glob"));
        const auto exclude = texts_at(job, "exclude");
        const Value* value = job.find("exclude");
        if (value == nullptr || !value->is(Kind::Text) || !is_expression(value->text()))
            return patterns("exclude", exclude);
        if (!folder.empty()) note(name, "its `exclude` sees paths below " + folder);
        Value match(Value::Map{});
        match.set("exclude", list_of(exclude));
        gate.set("match", std::move(match));
    }

    void add(const std::string& name, const Value& job, bool piped) {
        if (is_true(job, "skip")) return note(name, "is skipped (`skip: true`)");
        const auto command = command_of(name, job);
        if (command.empty()) return note(name, "has no command");
        for (const auto* key : {"interactive", "use_stdin", "fail_text", "file_types"})
            if (job.find(key) != nullptr) note(name, std::string("loses its `") + key + "`");
        Value gate(Value::Map{});
        if (piped && !before_.empty()) gate.set("needs", list_of({before_}));
        const auto checks = checking_form(command);
        gate.set("run", checks.value_or(command));
        if (checks)
            gate.set("fix", command);
        else if (is_true(job, "stage_fixed"))
            gate.set("fix", true);
        auto folder = text_at(job, "root");
        while (folder.ends_with('/')) folder.pop_back();
        if (folder.starts_with("./")) folder.erase(0, 2);
        if (folder == ".") folder.clear();
        if (!folder.empty()) gate.set("folder", folder);
        add_files(gate, name, job, folder);
        if (const auto timeout = text_at(job, "timeout"); !timeout.empty()) gate.set("timeout", timeout);
        if (const Value* env = job.find("env"); env != nullptr && env->is(Kind::Map)) {
            Value texts(Value::Map{});
            for (const auto& entry : env->map()) texts.set(entry.key, entry.value.text());
            gate.set("env", std::move(texts));
        }
        add_conditions(gate, name, job);
        before_ = into_.add(name_, gate_name(name), std::move(gate));
    }

    const Setting& setting_;
    const std::string& name_;
    Gates& into_;
    std::string before_;
};

bool is_hook(const Value& value) {
    if (!value.is(Kind::Map)) return false;
    return value.find("commands") != nullptr || value.find("scripts") != nullptr ||
           value.find("jobs") != nullptr;
}

constexpr int kDeepest = 4;  // of `extends`

void from_file(const Files& files, const std::string& file, Gates& into, int depth) {
    const auto document = parse_yaml_with_aliases(file, files.read(file), pre_commit_limits());
    if (!document || !document->root().is(Kind::Map))
        return into.note(file + ": cannot be read" + (document ? "" : ": " + document.error().line()));
    const auto& root = document->root();
    // What is extended comes first; a hook of the same name has the gates of both.
    for (const auto& pattern : texts_at(root, "extends")) {
        const auto glob = Glob::parse(pattern.starts_with("./") ? pattern.substr(2) : pattern);
        bool met = false;
        for (const auto& path : files.paths) {
            if (!glob || !glob->matches(path) || path == file || depth >= kDeepest) continue;
            met = true;
            from_file(files, path, into, depth + 1);
        }
        if (!met) into.note(file + ": `extends` names what is not here: " + pattern);
    }
    Setting setting{file, text_at(root, "source_dir"), text_at(root, "glob_matcher") == "doublestar"};
    if (setting.scripts.empty()) setting.scripts = ".lefthook";
    while (setting.scripts.ends_with('/')) setting.scripts.pop_back();
    for (const auto& entry : root.map()) {
        for (const auto* key : {"remotes", "remote", "templates", "rc", "lefthook"})
            if (entry.key == key) into.note(file + ": `" + entry.key + "` is not followed");
        if (is_hook(entry.value) && entry.key != "templates")
            Hook(setting, entry.key, into).read(entry.value);
    }
}

}  // namespace

void from_lefthook(const Files& files, Gates& into) {
    for (const auto* local : {"lefthook.toml", ".lefthook.toml", ".config/lefthook.toml"})
        if (files.has(local)) {
            into.found.emplace_back(local);
            into.note(std::string(local) +
                      ": TOML is not read; `lefthook dump --format yaml >lefthook.yml` makes YAML of it");
        }
    for (const std::string file :
         {"lefthook.yml", "lefthook.yaml", ".lefthook.yml", ".lefthook.yaml", ".config/lefthook.yml",
          ".config/lefthook.yaml", "lefthook.json", ".lefthook.json", ".config/lefthook.json"}) {
        if (!files.has(file)) continue;
        into.found.push_back(file);
        return from_file(files, file, into, 0);
    }
}

}  // namespace tidegate::hooks::migrate
