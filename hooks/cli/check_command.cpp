// `tidegate check`: every mistake in the configuration, before it is committed.
#include "hooks/cli/commands.hpp"
#include "hooks/config/git_hook.hpp"
#include "hooks/config/load.hpp"
#include "hooks/repository.hpp"
#include "hooks/tree_config.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"
#include "shared/face/face.hpp"

#include <algorithm>
#include <cstdio>

namespace tidegate::hooks::cli {

using namespace shared;

namespace {

constexpr size_t kMostShown = 20;

// What is looked at, and as which file of the repository.
struct Subject {
    std::string path;  // on disk
    std::string name;  // below the top, where it lies there; else as it was given
    std::optional<Repository> repo;
};

Result<Subject> find_subject(const Arguments& arguments) {
    Subject subject;
    subject.path = arguments.text("FILE", "");
    auto repo = Repository::open();
    if (subject.path.empty()) {
        if (!repo) return fail(std::move(repo.error()));
        subject.name = kConfigFile;
        subject.path = repo->work_tree.empty() ? subject.name : repo->work_tree + "/" + subject.name;
        if (!exists(subject.path))
            return fail(ErrorKind::Usage, "there is no " + subject.name + " here",
                        "let one be proposed: tidegate init");
        subject.repo = std::move(*repo);
        return subject;
    }
    subject.name = subject.path;
    std::error_code ignored;
    const auto real = std::filesystem::canonical(subject.path, ignored).string();
    if (repo && !repo->work_tree.empty() && real.starts_with(repo->work_tree + "/")) {
        subject.name = real.substr(repo->work_tree.size() + 1);
        subject.repo = std::move(*repo);
    }
    return subject;
}

Value to_value(const Subject& subject, const Result<Config>& config, const std::vector<Error>& errors) {
    Value all;
    all.set("file", subject.path).set("valid", config.has_value());
    if (config) {
        Value stages{Value::Map{}};
        for (const auto& [name, stage] : config->stages) {
            Value gates{Value::List{}};
            for (const auto& gate : stage.gates) gates.push(gate.name);
            stages.set(name, std::move(gates));
        }
        all.set("stages", std::move(stages));
        return all;
    }
    Value list{Value::List{}};
    for (const auto& error : errors) {
        Value one;
        one.set("message", error.message).set("hint", error.hint);
        if (error.where)
            one.set("file", error.where->file)
                .set("line", error.where->line)
                .set("column", error.where->column);
        list.push(std::move(one));
    }
    all.set("errors", std::move(list));
    return all;
}

// One's own file belongs into no tree.
void remark_on_local(const Repository& repo) {
    const std::string file(kLocalFile);
    if (repo.work_tree.empty() || !exists(repo.work_tree + "/" + file)) return;
    auto call = repo.call({"ls-files", "--error-unmatch", "--", file});
    call.directory = repo.work_tree;
    const auto tracked = repo.git.run(call);
    if (tracked && tracked->ok())
        std::printf("%s is tracked, and is one's own: git rm --cached %s, and name it in .gitignore\n",
                    file.c_str(), file.c_str());
    else
        std::printf("%s counts here, and not where CI is set\n", file.c_str());
}

// A stage may have any name; one that is almost a hook's was meant to be run by it.
void remark_on_stages(const Config& config) {
    std::vector<std::string_view> hooks;
    for (const auto& hook : git_hooks()) hooks.push_back(hook.name);
    for (const auto& [name, stage] : config.stages) {
        const auto near = find_git_hook(name) != nullptr ? std::string_view() : nearest(name, hooks);
        if (!near.empty())
            std::printf(
                "no hook of git is called %s: only `tidegate run %s` runs that stage. Did you mean %s?\n",
                name.c_str(), name.c_str(), std::string(near).c_str());
    }
}

// By file, the one that was named first, and line.
void sort_by_place(std::vector<Error>& errors, const std::string& first) {
    const auto place = [&](const Error& error) {
        const auto where = error.where.value_or(Where());
        return std::tuple(where.file != first, where.file, where.line, where.column);
    };
    std::stable_sort(errors.begin(), errors.end(),
                     [&](const Error& a, const Error& b) { return place(a) < place(b); });
}

Result<int> check(const Arguments& arguments) {
    const auto subject = TRY(find_subject(arguments));
    const auto text = TRY(read_file(subject.path, 1 << 20));
    std::vector<Error> errors;
    const auto config = subject.repo ? work_tree_config(*subject.repo, subject.name, text, &errors)
                                     : load_config(subject.name, text, {}, &errors);
    if (!config && errors.empty()) return fail(config.error());
    sort_by_place(errors, subject.name);
    if (arguments.has("json")) {
        std::puts(to_json(to_value(subject, config, errors)).c_str());
        return config ? 0 : exit_code(config.error().kind);
    }
    for (size_t i = 0; i < std::min(errors.size(), kMostShown); ++i) (void)report(errors[i], "tidegate");
    if (errors.size() > kMostShown)
        std::fprintf(stderr, "… and %s\n",
                     count_of(errors.size() - kMostShown, "more mistake", "more mistakes").c_str());
    if (!config) return exit_code(config.error().kind);
    size_t gates = 0;
    for (const auto& [name, stage] : config->stages) gates += stage.gates.size();
    std::printf("%s is right: %s, %s\n", escape_foreign(subject.name).c_str(),
                count_of(config->stages.size(), "stage").c_str(), count_of(gates, "gate").c_str());
    remark_on_stages(*config);
    if (subject.repo && subject.name == kConfigFile) remark_on_local(*subject.repo);
    return 0;
}

}  // namespace

std::vector<Command> check_commands() {
    return {{"check",
             "Gates",
             "validate .tidegate.yaml",
             "The file in the working tree, with what it extends, the files of its folders and\n"
             ".tidegate.local.yaml. Every mistake is told, up to 20.",
             {{"FILE", "", "another file", Takes::One}, kJson},
             {},
             check}};
}

}  // namespace tidegate::hooks::cli
