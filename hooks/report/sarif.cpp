#include "hooks/report/sarif.hpp"

#include "hooks/report/xml_text.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/yaml.hpp"

#include <algorithm>
#include <charconv>
#include <map>

namespace tidegate::hooks::reports {

using shared::Value;

namespace {

const Value* at(const Value* value, std::string_view key) {
    return value == nullptr ? nullptr : value->find(key);
}
std::string text_at(const Value* value, std::string_view key) {
    const auto* found = at(value, key);
    return found == nullptr ? std::string() : found->text();
}
int number_at(const Value* value, std::string_view key) {
    const auto* found = at(value, key);
    return found == nullptr ? 0 : static_cast<int>(std::clamp<std::int64_t>(found->integer(), 0, 1 << 30));
}
const Value::List& list_at(const Value* value, std::string_view key) {
    static const Value::List kNone;
    const auto* found = at(value, key);
    return found == nullptr ? kNone : found->list();
}

struct Rule {
    std::string id;
    FindingLevel level = FindingLevel::Warning;
    double severity = -1;
};

Rule rule_of(const Value& value) {
    Rule rule;
    rule.id = text_at(&value, "id");
    if (const auto level = parse_level(text_at(at(&value, "defaultConfiguration"), "level")))
        rule.level = *level;
    if (const auto* severity = at(at(&value, "properties"), "security-severity")) {
        const auto& text = severity->text();
        double number = severity->real();
        if (!text.empty()) std::from_chars(text.data(), text.data() + text.size(), number);
        if (number >= 0 && number <= 10) rule.severity = number;
    }
    return rule;
}

class RunReader {
  public:
    explicit RunReader(const Value& run) : run_(run) {
        const auto* tool = at(&run, "tool");
        add_component(at(tool, "driver"));
        for (const auto& extension : list_at(tool, "extensions")) add_component(&extension);
    }

    void read(std::vector<Finding>& findings) const {
        for (const auto& result : list_at(&run_, "results")) {
            const auto kind = text_at(&result, "kind");
            if (!kind.empty() && kind != "fail" && kind != "review" && kind != "open") continue;
            if (is_suppressed(result)) continue;
            findings.push_back(finding(result));
        }
    }

  private:
    // Suppressed where one is accepted, or says nothing else.
    static bool is_suppressed(const Value& result) {
        const auto& all = list_at(&result, "suppressions");
        return std::any_of(all.begin(), all.end(), [](const Value& one) {
            const auto status = text_at(&one, "status");
            return status.empty() || status == "accepted";
        });
    }

    void add_component(const Value* component) {
        auto& rules = components_.emplace_back();
        for (const auto& rule : list_at(component, "rules")) {
            rules.push_back(rule_of(rule));
            by_id_.emplace(rules.back().id, std::pair(components_.size() - 1, rules.size() - 1));
        }
    }

    // Packs of queries bring their rules as extensions of the tool; an index is into the rules of one component.
    [[nodiscard]] const Rule* rule_at(const Value* component, const Value* index) const {
        const auto number = [](const Value* value) {
            return value != nullptr && value->is(Value::Kind::Integer) ? value->integer() : -1;
        };
        const auto which = component == nullptr ? 0 : number(at(component, "index")) + 1;
        if (component != nullptr && which < 1) return nullptr;  // named by its name or guid
        if (static_cast<size_t>(which) >= components_.size()) return nullptr;
        const auto& rules = components_[static_cast<size_t>(which)];
        const auto place = number(index);
        return place < 0 || static_cast<size_t>(place) >= rules.size() ? nullptr
                                                                       : &rules[static_cast<size_t>(place)];
    }

    [[nodiscard]] const Rule* rule(const Value& result) const {
        const auto* reference = at(&result, "rule");
        const auto* index = at(reference, "index");
        if (index == nullptr) index = at(&result, "ruleIndex");
        if (const auto* known = rule_at(at(reference, "toolComponent"), index)) return known;
        auto id = text_at(&result, "ruleId");
        if (id.empty()) id = text_at(reference, "id");
        for (;;) {
            if (const auto found = by_id_.find(id); found != by_id_.end())
                return &components_[found->second.first][found->second.second];
            // "CA1000/1" is a kind of CA1000.
            const auto slash = id.rfind('/');
            if (slash == std::string::npos) return nullptr;
            id.resize(slash);
        }
    }

    [[nodiscard]] Finding finding(const Value& result) const {
        Finding finding;
        const auto* known = rule(result);
        finding.rule = text_at(&result, "ruleId");
        if (finding.rule.empty()) finding.rule = text_at(at(&result, "rule"), "id");
        if (known != nullptr) {
            if (finding.rule.empty()) finding.rule = known->id;
            finding.level = known->level;
            finding.severity = known->severity;
        }
        if (const auto level = parse_level(text_at(&result, "level"))) finding.level = *level;
        const auto* message = at(&result, "message");
        for (const char* key : {"text", "markdown", "id"})
            if (finding.message.empty()) finding.message = text_at(message, key);
        const auto& locations = list_at(&result, "locations");
        if (locations.empty()) return finding;
        const auto* physical = at(&locations.front(), "physicalLocation");
        finding.file = text_at(at(physical, "artifactLocation"), "uri");
        const auto* region = at(physical, "region");
        finding.line = number_at(region, "startLine");
        finding.column = number_at(region, "startColumn");
        return finding;
    }

    const Value& run_;
    std::vector<std::vector<Rule>> components_;  // the driver, then its extensions
    std::map<std::string, std::pair<size_t, size_t>, std::less<>> by_id_;
};

}  // namespace

std::string path_of_uri(std::string_view uri, std::string_view root) {
    constexpr std::string_view kFile = "file://";
    if (uri.starts_with(kFile)) uri.remove_prefix(kFile.size());
    std::string path;
    for (size_t i = 0; i < uri.size(); ++i) {
        unsigned byte = 0;
        const auto* digits = uri.data() + i + 1;
        const bool coded = uri[i] == '%' && i + 2 < uri.size() &&
                           std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2 && byte != 0;
        path += coded ? static_cast<char>(byte) : uri[i];
        if (coded) i += 2;
    }
    if (!root.empty() && path.starts_with(std::string(root) + "/")) path.erase(0, root.size() + 1);
    while (path.starts_with("./")) path.erase(0, 2);
    return path;
}

Result<FindingLevel> parse_level(std::string_view text) {
    for (const auto level :
         {FindingLevel::None, FindingLevel::Note, FindingLevel::Warning, FindingLevel::Error})
        if (text == name_of(level)) return level;
    return fail(ErrorKind::Invalid, "no such level: " + shared::escape_foreign(text),
                "one of: none note warning error");
}

std::string_view name_of(FindingLevel level) {
    switch (level) {
        case FindingLevel::None: return "none";
        case FindingLevel::Note: return "note";
        case FindingLevel::Warning: return "warning";
        case FindingLevel::Error: return "error";
    }
    return "";
}

std::vector<Finding> at_least(std::vector<Finding> findings, FindingLevel least) {
    std::erase_if(findings, [&](const Finding& finding) { return finding.level < least; });
    return findings;
}

Result<std::vector<Finding>> read_sarif(const std::string& file, std::string_view text) {
    shared::YamlLimits limits;
    limits.bytes = kMostReportBytes;
    limits.depth = 64;
    limits.nodes = 4'000'000;
    constexpr std::string_view kMark = "\xEF\xBB\xBF";  // as tools of .NET write it
    if (text.starts_with(kMark)) text.remove_prefix(kMark.size());
    const auto document = TRY(shared::parse_json_document(file, std::string(text), limits));
    const auto* runs = document.root().find("runs");
    if (runs == nullptr || !runs->is(Value::Kind::List))
        return fail_at(file, std::max(1, document.root().line), "no SARIF report: it has no list `runs`");
    std::vector<Finding> findings;
    for (const auto& run : runs->list()) RunReader(run).read(findings);
    return findings;
}

}  // namespace tidegate::hooks::reports
