// lefthook: commands, scripts and jobs of each hook.
#include "hooks/config/git_hook.hpp"
#include "hooks/config/glob.hpp"
#include "hooks/migrate/migrate.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/yaml.hpp"

#include <algorithm>
#include <array>

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

// Its * matches a / too.
std::string our_glob(const std::string& glob) {
    const auto slash = glob.rfind('/');
    if (slash == std::string::npos || glob.find("**") != std::string::npos) return glob;
    if (glob.find('*', slash) == std::string::npos) return glob;
    return glob.substr(0, slash + 1) + "**/" + glob.substr(slash + 1);
}

class Hook {
  public:
    Hook(const std::string& file, const std::string& name, const std::string& scripts, Gates& into)
        : file_(file), name_(name), scripts_(scripts), into_(into) {}

    void read(const Value& hook) {
        if (is_true(hook, "skip")) return note("all of it", "is skipped (`skip: true`)");
        common_ = &hook;
        for (const auto* key : {"follow", "exclude_tags", "fail_on_changes", "files-env"})
            if (hook.find(key) != nullptr) note(std::string("`") + key + "`", "has no counterpart");
        const bool piped = is_true(hook, "piped");
        if (const Value* commands = hook.find("commands"))
            for (const auto& entry : commands->map()) add(entry.key, entry.value, piped, false);
        if (const Value* scripts = hook.find("scripts"))
            for (const auto& entry : scripts->map()) add(entry.key, entry.value, piped, true);
        if (const Value* jobs = hook.find("jobs")) add_jobs(*jobs, piped);
    }

  private:
    void note(const std::string& what, const std::string& why) {
        into_.note(file_ + ": " + name_ + ": " + what + " " + why);
    }

    void add_jobs(const Value& jobs, bool piped) {
        for (const auto& job : jobs.list()) {
            if (const Value* group = job.find("group")) {
                if (const Value* inner = group->find("jobs"))
                    add_jobs(*inner, piped || is_true(*group, "piped"));
                continue;
            }
            auto name = text_at(job, "name");
            const bool script = job.find("script") != nullptr;
            if (name.empty()) name = script ? text_at(job, "script") : text_at(job, "run");
            add(name, job, piped, script);
        }
    }

    // The command; nullopt where it cannot be one of ours.
    std::optional<std::string> command_of(const std::string& name, const Value& job, bool script) {
        std::string run = text_at(job, "run");
        if (script) {
            const auto own = text_at(job, "script");
            const auto path = scripts_ + "/" + name_ + "/" + (own.empty() ? name : own);
            const auto runner = text_at(job, "runner");
            const auto* hook = find_git_hook(name_);
            const bool argument = hook != nullptr && !hook->arguments[0].empty();
            run = (runner.empty() ? "./" + path : runner + " " + path) + (argument ? " {1}" : "");
        }
        if (run.empty()) return std::nullopt;
        if (job.find("files") != nullptr || common_->find("files") != nullptr)
            note(name, "chooses its files by a command (`files`): the change's are used");
        if (run.find("{all_files}") != std::string::npos) note(name, "is given the change's files, not all");
        for (const char* word : {"{staged_files}", "{push_files}", "{all_files}"})
            for (auto at = run.find(word); at != std::string::npos; at = run.find(word))
                run.replace(at, std::string_view(word).size(), "{files}");
        for (const char* quoted : {"\"{files}\"", "'{files}'"})
            for (auto at = run.find(quoted); at != std::string::npos; at = run.find(quoted))
                run.replace(at, std::string_view(quoted).size(), "{files}");
        if (const auto root = text_at(job, "root"); !root.empty()) {
            if (run.find("{files}") != std::string::npos) {
                note(
                    name,
                    "has a `root` and is given files: give that folder a .tidegate.yaml, named by `folders`");
                return std::nullopt;
            }
            run = "cd " + shell_quote(root) + " && " + run;
        }
        return run;
    }

    void add_conditions(Value& gate, const std::string& name, const Value& job) {
        for (const char* theirs : {"skip", "only"}) {
            const char* ours = *theirs == 's' ? "except" : "only";
            const Value* value = job.find(theirs);
            if (value == nullptr) value = common_->find(theirs);
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

    void add_files(Value& gate, const std::string& name, const Value& job) {
        auto globs = texts_at(job, "glob");
        if (globs.empty()) globs = texts_at(*common_, "glob");
        for (auto& glob : globs) {
            glob = our_glob(glob);
            if (!Glob::parse(glob)) note(name, "has a pattern without a counterpart: " + glob);
        }
        std::erase_if(globs, [](const std::string& glob) { return !Glob::parse(glob); });
        if (!globs.empty()) gate.set("files", list_of(globs));
        const Value* exclude = job.find("exclude");
        if (exclude != nullptr && exclude->is(Kind::Text)) {
            Value match(Value::Map{});
            match.set("exclude", list_of({exclude->text()}));
            gate.set("match", std::move(match));
        } else if (exclude != nullptr) {
            auto texts = texts_at(job, "exclude");
            for (auto& text : texts) text = our_glob(text);
            gate.set("exclude", list_of(texts));
        }
    }

    void add(const std::string& name, const Value& job, bool piped, bool script) {
        if (is_true(job, "skip")) return note(name, "is skipped (`skip: true`)");
        const auto command = command_of(name, job, script);
        if (!command) {
            if (text_at(job, "root").empty()) note(name, "has no command");
            return;
        }
        for (const auto* key : {"interactive", "use_stdin", "tags", "fail_text", "file_types"})
            if (job.find(key) != nullptr) note(name, std::string("loses its `") + key + "`");
        Value gate(Value::Map{});
        if (piped && !before_.empty()) gate.set("needs", list_of({before_}));
        const auto checks = checking_form(*command);
        if (is_true(job, "stage_fixed") && !checks)
            note(name,
                 "mends files (`stage_fixed`): its `run` must only tell of them, and fail; `fix` mends");
        gate.set("run", checks.value_or(*command));
        if (checks || is_true(job, "stage_fixed")) gate.set("fix", *command);
        add_files(gate, name, job);
        if (const Value* env = job.find("env"); env != nullptr && env->is(Kind::Map)) {
            Value texts(Value::Map{});
            for (const auto& entry : env->map()) texts.set(entry.key, entry.value.text());
            gate.set("env", std::move(texts));
        }
        add_conditions(gate, name, job);
        before_ = into_.add(name_, gate_name(name), std::move(gate));
    }

    const std::string& file_;
    const std::string& name_;
    const std::string& scripts_;
    Gates& into_;
    const Value* common_ = nullptr;
    std::string before_;
};

}  // namespace

void from_lefthook(const Files& files, Gates& into) {
    for (const auto* local : {"lefthook.toml", ".lefthook.toml"})
        if (files.has(local)) {
            into.found.emplace_back(local);
            into.note(std::string(local) +
                      ": TOML is not read; `lefthook dump --format yaml >lefthook.yml` makes YAML of it");
        }
    for (const std::string file : {"lefthook.yml", "lefthook.yaml", ".lefthook.yml", ".lefthook.yaml",
                                   ".config/lefthook.yml", "lefthook.json", ".lefthook.json"}) {
        if (!files.has(file)) continue;
        into.found.push_back(file);
        const auto document = parse_yaml(file, files.read(file), {1 << 20, 32, 50'000});
        if (!document || !document->root().is(Kind::Map)) {
            into.note(file + ": cannot be read" + (document ? "" : ": " + document.error().line()));
            return;
        }
        auto scripts = text_at(document->root(), "source_dir");
        if (scripts.empty()) scripts = ".lefthook";
        for (const auto& entry : document->root().map()) {
            if (entry.key == "extends" || entry.key == "remotes" || entry.key == "templates" ||
                entry.key == "setup")
                into.note(file + ": `" + entry.key + "` is not followed");
            const bool hook = entry.value.is(Kind::Map) &&
                              (entry.value.find("commands") != nullptr ||
                               entry.value.find("scripts") != nullptr || entry.value.find("jobs") != nullptr);
            if (hook) Hook(file, entry.key, scripts, into).read(entry.value);
        }
        return;
    }
}

}  // namespace tidegate::hooks::migrate
