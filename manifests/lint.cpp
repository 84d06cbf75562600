#include "manifests/lint.hpp"

#include "manifests/branch.hpp"
#include "manifests/checkout.hpp"
#include "manifests/commands.hpp"
#include "manifests/depends.hpp"
#include "manifests/manifest.hpp"
#include "manifests/mistakes.hpp"
#include "manifests/windows.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"
#include "shared/doc/yaml.hpp"
#include "shared/face/face.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <set>

namespace tidegate::manifests {

using namespace shared;

namespace {

class Linter {
  public:
    Linter(Fd top, WallTime now) : top_(std::move(top)), now_(now) {}

    Result<LintReport> run() {
        const auto names = TRY(list_dir(top_.get()));
        read_rules(names);
        for (const auto& name : names) {
            if (name.front() == '.' || name == "approvals" || !is_folder(top_.get(), name)) continue;
            read_environment(name);
        }
        if (report_.manifests == 0 && report_.problems.empty())
            problem(Error{ErrorKind::NotFound,
                          "no manifest here",
                          "manifests are ENVIRONMENT/APP.yaml; is this a checkout of the manifests branch?",
                          std::nullopt,
                          {}});
        check_rules_against_folders();
        check_dependencies();
        return std::move(report_);
    }

  private:
    struct Needs {
        std::vector<std::string> on;
        Where where;
    };
    struct Seen {
        std::string file;
        std::map<std::string, std::string> hosts;
    };

    static bool is_folder(int dir, const std::string& name) {
        struct stat status {};
        return fstatat(dir, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
    }

    void problems(std::vector<Error> errors) {
        for (auto& error : errors) problem(std::move(error));
    }
    void problem(Error error) { report_.problems.push_back(std::move(error)); }
    void problem(std::string message, const std::string& file, int line = 0, int column = 0,
                 std::string hint = {}) {
        problem(Error{
            ErrorKind::Invalid, std::move(message), std::move(hint), Where{file, line, column, {}, 1}, {}});
    }

    // The text of a file that is one, beneath the folder; nothing after a problem was noted.
    std::optional<std::string> text_of(const std::string& file) {
        auto text = read_file_beneath(top_.get(), file, kLongestManifest);
        if (text) return std::move(*text);
        auto error = std::move(text.error());
        struct stat status {};
        if (fstatat(top_.get(), file.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode))
            error = Error{ErrorKind::Invalid,
                          "is a symbolic link: hosts read files only",
                          "put the file itself here",
                          std::nullopt,
                          {}};
        error.where = Where{file, 0, 0, {}, 1};
        problem(std::move(error));
        return std::nullopt;
    }

    void read_rules(const std::vector<std::string>& names) {
        const std::string file(kBranchFile);
        for (const auto* near : {"tidegate.yml", ".tidegate.yml", "Tidegate.yaml"})
            if (std::find(names.begin(), names.end(), near) != names.end())
                problem("is not read: its name is " + file, near, 0, 0,
                        std::string("git mv ") + near + " " + file);
        if (std::find(names.begin(), names.end(), file) == names.end()) return;
        const auto text = text_of(file);
        if (!text) return;
        auto rules = parse_branch_rules(file, *text);
        if (!rules) return problems(mistakes_of_branch_rules(file, *text));
        rules_ = std::move(*rules);
        const Document document(file, *text, Value());
        for (const auto& [name, environment] : rules_->environments)
            for (const auto& window : environment.windows) {
                auto fault = fault_of_window(window, now_);
                if (fault.empty()) continue;
                problem(Error{ErrorKind::Invalid,
                              "window of " + name + ": " + fault,
                              "move it by an hour, or name another time zone",
                              document.where(window.line, window.column),
                              {}});
            }
    }

    void read_environment(const std::string& environment) {
        auto dir = open_beneath(top_.get(), environment, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (!dir) return problem(std::move(dir.error()));
        const auto names = list_dir(dir->get());
        if (!names) return problem(names.error());
        size_t found = 0;
        for (const auto& name : *names) {
            const auto file = environment + "/" + name;
            if (name.ends_with(".yml"))
                problem("is not read: a manifest's name ends in .yaml", file, 0, 0,
                        "git mv " + file + " " + file.substr(0, file.size() - 4) + ".yaml");
            if (!name.ends_with(".yaml") || name.front() == '.') continue;
            ++found;
            read_manifest(environment, name.substr(0, name.size() - 5), file);
        }
        if (found == 0) return;
        ++report_.environments;
        environments_.insert(environment);
        if (auto good = check_name("environment", environment); !good) {
            good.error().where = Where{environment, 0, 0, {}, 1};
            problem(std::move(good.error()));
        }
    }

    void read_manifest(const std::string& environment, const std::string& app, const std::string& file) {
        ++report_.manifests;
        const auto text = text_of(file);
        if (!text) return;
        auto parsed = parse_manifest(file, *text);
        if (!parsed) return problems(mistakes_of_manifest(file, *text));
        const auto& manifest = *parsed;
        const auto document = parse_yaml(file, *text, {.bytes = kLongestManifest});
        const auto at = [&](std::string_view key) {
            const Value* value = document ? document->root().find(key) : nullptr;
            return value == nullptr
                       ? Where{file, 0, 0, {}, 1}
                       : document->where(*value, std::max(1, static_cast<int>(value->text().size())));
        };
        if (manifest.app != app)
            problem(Error{
                ErrorKind::Invalid,
                "the manifest of `" + manifest.app + "` is in a file named " + escape_foreign(app) + ".yaml",
                "a host looks for APP.yaml: rename the file or change `app`",
                at("app"),
                {}});
        if (!manifest.migrate.revertible())
            problem(
                Error{ErrorKind::Invalid,
                      "`migrate` has no way back",
                      "add `down: …`, `compatible: true` if the former release runs on the new schema, or "
                      "`backup: …` and `restore: …`",
                      at("migrate"),
                      {}});
        check_root(environment, manifest, file, at("root"));
        depends_[environment][manifest.app] = {manifest.depends_on, at("depends_on")};
    }

    // Two apps of an environment in one folder would prune each other's releases, unless no host has both.
    void check_root(const std::string& environment, const Manifest& manifest, const std::string& file,
                    Where where) {
        auto& there = roots_[environment + " " + manifest.root];
        for (const auto& other : there) {
            const bool apart =
                std::any_of(manifest.hosts.begin(), manifest.hosts.end(), [&](const auto& label) {
                    const auto same = other.hosts.find(label.first);
                    return same != other.hosts.end() && same->second != label.second;
                });
            if (apart) continue;
            problem(Error{ErrorKind::Invalid,
                          "the root " + manifest.root + " is that of " + other.file + " too",
                          "give each app a folder of its own",
                          std::move(where),
                          {}});
            break;
        }
        there.push_back({file, manifest.hosts});
    }

    void check_dependencies() {
        for (const auto& [environment, apps] : depends_) {
            Dependencies dependencies;
            std::vector<std::string_view> names;
            for (const auto& [app, needs] : apps) {
                dependencies[app] = needs.on;
                names.push_back(app);
            }
            for (const auto& [app, needs] : apps) {
                for (const auto& name : needs.on) {
                    if (apps.count(name) != 0) continue;
                    const auto near = nearest(name, names);
                    problem(
                        Error{ErrorKind::Invalid,
                              "`depends_on` names `" + name + "`, which " + environment + " does not have",
                              near.empty() ? "" : "did you mean `" + std::string(near) + "`?",
                              needs.where,
                              {}});
                }
                if (const auto circle = circle_of(dependencies, app); !circle.empty())
                    problem(Error{ErrorKind::Invalid,
                                  "`depends_on` goes in a circle: " + join(circle, " → "),
                                  "take one of them out",
                                  needs.where,
                                  {}});
            }
        }
    }

    void check_rules_against_folders() {
        if (!rules_ || rules_->environments.empty()) return;
        std::vector<std::string_view> named;
        for (const auto& [name, environment] : rules_->environments) named.push_back(name);
        for (const auto& folder : environments_) {
            if (rules_->environments.count(folder) != 0) continue;
            const auto near = nearest(folder, named);
            problem(
                "unknown environment `" + escape_foreign(folder) + "`: " + std::string(kBranchFile) +
                    " does not name it",
                folder, 0, 0,
                near.empty() ? "add it under `environments`" : "did you mean `" + std::string(near) + "`?");
        }
        for (const auto& notification : rules_->notifications)
            for (const auto& name : notification.environments)
                if (rules_->environments.count(name) == 0)
                    problem("a notification names the environment `" + escape_foreign(name) +
                                "`, which is not under `environments`",
                            std::string(kBranchFile));
    }

    Fd top_;
    WallTime now_;
    LintReport report_;
    std::optional<BranchRules> rules_;
    std::set<std::string> environments_;
    std::map<std::string, std::map<std::string, Needs>> depends_;  // by environment and app
    std::map<std::string, std::vector<Seen>> roots_;               // "environment root"
};

Value to_value(const LintReport& report) {
    Value problems(Value::List{});
    for (const auto& error : report.problems) {
        Value each;
        each.set("message", escape_foreign(error.message));
        if (error.where) {
            each.set("file", error.where->file);
            each.set("line", error.where->line);
            each.set("column", error.where->column);
        }
        if (!error.hint.empty()) each.set("hint", error.hint);
        problems.push(std::move(each));
    }
    Value value;
    value.set("manifests", static_cast<std::int64_t>(report.manifests));
    value.set("environments", static_cast<std::int64_t>(report.environments));
    value.set("problems", std::move(problems));
    return value;
}

}  // namespace

Result<LintReport> lint_folder(const std::string& folder, WallTime now) {
    return Linter(TRY(open_dir(folder)), now).run();
}

Result<int> lint(const LintOptions& options) {
    auto folder = options.directory;
    // In a checkout the whole of it is judged, from wherever one stands.
    if (folder == ".") {
        if (auto checkout = Checkout::open(folder)) folder = checkout->top();
    }
    const auto report = TRY(lint_folder(folder, SystemClock().now()));
    if (options.json) {
        std::fputs(to_pretty_json(to_value(report)).c_str(), stdout);
        return report.problems.empty() ? 0 : 2;
    }
    const auto face = Face::of(STDERR_FILENO);
    for (const auto& error : report.problems)
        std::fputs(render_error(error, "tidegate", face).c_str(), stderr);
    const auto read =
        count_of(report.manifests, "manifest") + " in " + count_of(report.environments, "environment");
    if (report.problems.empty())
        std::fputs((read + (report.manifests == 1 ? " is good\n" : " are good\n")).c_str(), stdout);
    else
        std::fputs((count_of(report.problems.size(), "problem") + " in " + read + "\n").c_str(), stderr);
    return report.problems.empty() ? 0 : 2;
}

}  // namespace tidegate::manifests
