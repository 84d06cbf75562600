#include "hooks/gate_reports.hpp"

#include "hooks/report/benchmark.hpp"
#include "hooks/report/sarif.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cmath>
#include <cstdio>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kMostShown = 50;  // tests or findings

std::string percent(double value) {
    char text[32];
    // Rounded down: 84.99 is not shown as the 85.0 that was asked for.
    std::snprintf(text, sizeof text, "%.1f %%", std::floor(value * 10 + 1e-9) / 10);
    return text;
}

// Whatever a gate has put there: a pipe would be waited for for ever.
Result<std::string> read_report(const std::string& path) {
    const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!fd) return fail_errno("cannot open " + escape_foreign(path));
    struct stat info {};
    if (fstat(fd.get(), &info) != 0) return fail_errno("cannot look at " + escape_foreign(path));
    if (!S_ISREG(info.st_mode)) return fail(ErrorKind::Invalid, "not a file: " + escape_foreign(path));
    return read_fd(fd.get(), (64 << 20) + 1, path);
}

class Reader {
  public:
    Reader(const ReportRules& rules, const ReportFolders& folders, bool command_ok, GateReports& result)
        : rules_(rules), folders_(folders), command_ok_(command_ok), result_(result) {}

    void junit() {
        for (const auto& name : rules_.junit) {
            const auto text = read(name);
            if (!text) continue;
            auto tests = reports::read_junit(name, *text);
            if (tests)
                for (auto& test : tests->cases)
                    if (test.file.starts_with(folders_.work + "/"))
                        test.file.erase(0, folders_.work.size() + 1);
            if (tests)
                result_.tests.merge(std::move(*tests));
            else
                unreadable(tests.error());
        }
        const auto failed = result_.tests.failed();
        const auto all = result_.tests.cases.size();
        if (all > 0) summarise(count_of(all, "test"));
        if (failed == 0) return;
        complain(std::to_string(failed) + " of " + count_of(all, "test") + " failed");
        result_.shown += "failed tests:\n";
        size_t shown = 0;
        for (const auto& test : result_.tests.cases) {
            if (test.outcome != reports::TestOutcome::Failed && test.outcome != reports::TestOutcome::Error)
                continue;
            if (shown++ == kMostShown) {
                result_.shown += "  … and " + std::to_string(failed - kMostShown) + " more\n";
                break;
            }
            result_.shown += "  " + line_of(test) + "\n";
        }
    }

    void coverage(const ChangedLinesOf& changed_lines) {
        reports::Coverage all;
        bool found = false;
        for (const auto& name : rules_.coverage) {
            const auto text = read(name);
            if (!text) continue;
            auto one = reports::read_coverage(name, *text);
            if (!one) {
                unreadable(one.error());
                continue;
            }
            all.merge(*one);
            found = true;
        }
        if (!found) return;
        const auto files = join(rules_.coverage, ", ");
        const auto share = all.share();
        result_.coverage = share;
        summarise("coverage " + percent(share.percent()));
        if (rules_.min && share.lines == 0) complain("no line in " + files + " to be covered");
        below(share, rules_.min, "coverage", files);
        if (!rules_.min_change) return;
        const auto lines = changed_lines();
        if (!lines) return complain(lines.error().line());
        below(reports::share_of_change(all, *lines), rules_.min_change, "coverage of the change", files);
    }
    void sarif() {
        const auto level = reports::parse_level(rules_.sarif_level).value_or(reports::FindingLevel::Error);
        std::vector<reports::Finding> findings;
        for (const auto& name : rules_.sarif) {
            const auto text = read(name);
            if (!text) continue;
            auto some = reports::read_sarif(name, *text);
            if (!some) {
                unreadable(some.error());
                continue;
            }
            for (auto& finding : *some) finding.file = reports::path_of_uri(finding.file, folders_.work);
            const auto room = kMostFindings - std::min(kMostFindings, result_.findings.size());
            result_.findings.insert(
                result_.findings.end(), some->begin(),
                some->begin() + static_cast<std::ptrdiff_t>(std::min(room, some->size())));
            for (auto& finding : reports::at_least(std::move(*some), level))
                findings.push_back(std::move(finding));
        }
        if (findings.empty()) return;
        complain(count_of(findings.size(), "finding") + " of level " + rules_.sarif_level +
                 (level == reports::FindingLevel::Error ? "" : " or worse"));
        for (size_t i = 0; i < std::min(findings.size(), kMostShown); ++i) {
            const auto& one = findings[i];
            auto place = one.file;
            if (one.line > 0) place += ":" + std::to_string(one.line);
            result_.shown += "  " + place + (place.empty() ? "" : ": ") + one.message +
                             (one.rule.empty() ? "" : " [" + one.rule + "]") + "\n";
        }
        if (findings.size() > kMostShown)
            result_.shown += "  … and " + std::to_string(findings.size() - kMostShown) + " more\n";
    }

    void benchmark(const Before& before) {
        for (const auto& name : rules_.benchmark) {
            const auto text = read(name);
            if (!text) continue;
            auto some = reports::read_benchmarks(name, *text, rules_.metric);
            if (some)
                result_.measures.insert(result_.measures.end(), some->begin(), some->end());
            else
                unreadable(some.error());
        }
        if (result_.measures.empty()) return;
        const auto all = count_of(result_.measures.size(), "benchmark");
        if (result_.measures.size() > reports::kMostMeasures)
            return complain("more than 500 benchmarks: " + all);
        if (!rules_.max_regression) return summarise(all + " recorded");
        const auto last = before.baseline ? before.baseline(before.gate) : std::optional<Baseline>{};
        if (!last) return complain(last.error().line());
        if (!*last) return summarise(all + " recorded, none attested before");
        summarise(all);
        compare(**last, all);
    }

  private:
    void compare(const Baseline& last, const std::string& all) {
        const auto better = rules_.better == "lower"    ? reports::Better::Lower
                            : rules_.better == "higher" ? reports::Better::Higher
                                                        : reports::Better::ByUnit;
        const auto worse =
            reports::regressions(result_.measures, last.measures, *rules_.max_regression, better);
        if (worse.empty()) return;
        complain(std::to_string(worse.size()) + " of " + all + " more than " +
                 percent(*rules_.max_regression) + " worse than attested");
        result_.shown += "attested for " + last.where + ":\n";
        for (size_t i = 0; i < std::min(worse.size(), kMostShown); ++i)
            result_.shown += "  " + worse[i].now.name + ": " + reports::shown(worse[i].now) + ", was " +
                             reports::shown(worse[i].before) + " (" + percent(worse[i].percent) + " worse)\n";
        if (worse.size() > kMostShown)
            result_.shown += "  … and " + std::to_string(worse.size() - kMostShown) + " more\n";
    }
    static std::string line_of(const reports::TestCase& test) {
        auto text = test.shown();
        if (!test.file.empty())
            text += " (" + test.file + (test.line > 0 ? ":" + std::to_string(test.line) : "") + ")";
        return test.message.empty() ? text : text + ": " + test.message;
    }

    // nullopt: not there; said where the command claims to have succeeded.
    std::optional<std::string> read(const std::string& name) {
        constexpr std::string_view kReports = "{reports}";
        std::string path = name;
        if (name.starts_with(kReports))
            path = folders_.reports + name.substr(kReports.size());
        else if (!name.starts_with('/'))
            path = folders_.work + "/" + name;
        auto text = read_report(path);
        if (text) return std::move(*text);
        if (command_ok_) {
            const bool missing = text.error().kind == ErrorKind::NotFound;
            complain(missing ? "it wrote no report " + name : text.error().line());
        }
        return std::nullopt;
    }
    void unreadable(const Error& error) {
        if (command_ok_) complain(error.line());
    }

    void below(const reports::Share& share, const std::optional<double>& least, const std::string& what,
               const std::string& files) {
        if (!least || share.percent() + 1e-9 >= *least) return;
        complain(what + " " + percent(share.percent()) + " is below " + percent(*least));
        result_.shown += what + " in " + files + ": " + std::to_string(share.covered) + " of " +
                         count_of(share.lines, "line") + " (" + percent(share.percent()) +
                         "), asked for are " + percent(*least) + "\n";
    }

    void complain(const std::string& sentence) {
        result_.failure += (result_.failure.empty() ? "" : "; ") + sentence;
    }
    void summarise(const std::string& part) {
        result_.summary += (result_.summary.empty() ? "" : ", ") + part;
    }

    const ReportRules& rules_;
    const ReportFolders& folders_;
    bool command_ok_;
    GateReports& result_;
};

}  // namespace

GateReports read_gate_reports(const ReportRules& rules, const ReportFolders& folders, bool command_ok,
                              const Before& before) {
    GateReports result;
    Reader reader(rules, folders, command_ok, result);
    reader.junit();
    reader.coverage(before.changed_lines);
    reader.sarif();
    reader.benchmark(before);
    return result;
}

Result<reports::ChangedLines> changed_lines(const Repository& repo, const Target& target) {
    // The empty tree, where nothing was there before.
    const std::string nothing = repo.sha256
                                    ? "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"
                                    : "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
    auto call = repo.call({"diff-tree", "-r", "-p", "--unified=0", "--no-color", "--no-ext-diff",
                           "--no-textconv", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/",
                           target.from ? target.from->str() : nothing, target.tree.str()});
    call.config.push_back("core.quotePath=false");
    return reports::parse_changed_lines(TRY(repo.git.output(call)));
}

}  // namespace tidegate::hooks
