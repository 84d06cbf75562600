// in-toto statements, written and read. Nothing here checks a signature.
#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"
#include "shared/sign/attestation.hpp"

#include <algorithm>
#include <cmath>

namespace tidegate::shared {

namespace {

constexpr std::string_view kStatementType = "https://in-toto.io/Statement/v1";
constexpr std::string_view kPredicateType = "https://in-toto.io/attestation/test-result/v0.1";
constexpr size_t kMostGates = 1000;
constexpr size_t kMostMeasures = 1000;  // of one gate
constexpr size_t kLongestName = 256;

using Map = Value::Map;
using List = Value::List;

Value map_of(std::vector<std::pair<std::string, Value>> entries) {
    Value map;
    for (auto& [key, value] : entries) map.set(std::move(key), std::move(value));
    return map;
}

bool is_failure(std::string_view outcome) {
    return outcome == "failed";
}
bool counts_as_passed(std::string_view outcome) {
    return outcome == "passed" || outcome == "flaky" || outcome == "cached" || outcome == "no-files";
}

List names_where(const TestResult& result, bool (*wanted)(std::string_view)) {
    List names;
    for (const auto& gate : result.gates)
        if (wanted(gate.outcome)) names.emplace_back(gate.name);
    return names;
}

tl::unexpected<Error> bad(std::string_view why) {
    return fail(ErrorKind::Invalid, "attestation statement " + std::string(why));
}

Result<const Value*> member(const Value& map, std::string_view key, Value::Kind kind) {
    const Value* value = map.find(key);
    if (value == nullptr || !value->is(kind))
        return bad("lacks `" + std::string(key) + "`, or has it as something else");
    return value;
}

Result<std::string> text(const Value& map, std::string_view key, size_t limit = kLongestName) {
    const Value* value = TRY(member(map, key, Value::Kind::Text));
    if (value->text().size() > limit) return bad("has a `" + std::string(key) + "` that is too long");
    return value->text();
}

bool is_sha256(std::string_view text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// A digest without an algorithm, with several or with an unknown one is an error, never "no check".
Result<void> read_subject(const Value& subject, TestResult& result) {
    const Value* digest = TRY(member(subject, "digest", Value::Kind::Map));
    if (digest->map().size() != 1) return bad("has a subject without exactly one digest");
    const auto& entry = digest->map().front();
    if (entry.key == "sha256") {
        if (!result.archive.empty()) return bad("names two subjects of one kind");
        if (!entry.value.is(Value::Kind::Text) || !is_sha256(entry.value.text()))
            return bad("has a subject whose digest is no SHA-256");
        result.archive = entry.value.text();
        return {};
    }
    const bool tree = entry.key == "gitTree";
    if (!tree && entry.key != "gitCommit")
        return bad("has a digest of unknown kind `" + escape_foreign(entry.key) + "`");
    if (tree ? !result.tree.is_null() : result.commit.has_value())
        return bad("names two subjects of one kind");
    auto oid = entry.value.is(Value::Kind::Text) ? Oid::parse(entry.value.text()) : bad("has no digest");
    if (!oid || oid->is_null() || oid->str() != entry.value.text())
        return bad("has a digest that is no object id");
    if (tree)
        result.tree = std::move(*oid);
    else
        result.commit = std::move(*oid);
    return {};
}

Result<void> read_configuration(const Value& predicate, TestResult& result) {
    const Value* list = TRY(member(predicate, "configuration", Value::Kind::List));
    if (list->list().size() != 1) return bad("does not name exactly one configuration");
    const Value* digest = TRY(member(list->list().front(), "digest", Value::Kind::Map));
    if (digest->map().size() != 1) return bad("has a configuration without exactly one digest");
    result.gates_digest = TRY(text(*digest, "sha256"));
    if (!is_sha256(result.gates_digest)) return bad("has a configuration digest that is no SHA-256");
    return {};
}

Result<std::vector<Measure>> read_measures(const Value& gate) {
    std::vector<Measure> measures;
    if (gate.find("measures") == nullptr) return measures;
    const Value* list = TRY(member(gate, "measures", Value::Kind::List));
    if (list->list().size() > kMostMeasures) return bad("has too many measures");
    for (const auto& item : list->list()) {
        Measure measure;
        measure.name = TRY(text(item, "name"));
        measure.unit = TRY(text(item, "unit"));
        const Value* value = item.find("value");
        const bool number =
            value != nullptr && (value->is(Value::Kind::Integer) || value->is(Value::Kind::Real));
        if (!number || !std::isfinite(value->real())) return bad("has a measure without a number");
        measure.value = value->real();
        measures.push_back(std::move(measure));
    }
    return measures;
}

Value to_value(const GateResult& gate) {
    auto item = map_of({{"name", gate.name},
                        {"outcome", gate.outcome},
                        {"ms", static_cast<std::int64_t>(gate.took.count())}});
    if (gate.measures.empty()) return item;
    List measures;
    for (const auto& measure : gate.measures)
        measures.push_back(
            map_of({{"name", measure.name}, {"value", measure.value}, {"unit", measure.unit}}));
    return item.set("measures", std::move(measures));
}

Result<void> read_gates(const Value& details, TestResult& result) {
    const Value* gates = TRY(member(details, "gates", Value::Kind::List));
    if (gates->list().size() > kMostGates) return bad("has too many gates");
    for (const auto& item : gates->list()) {
        GateResult gate;
        gate.name = TRY(text(item, "name"));
        gate.outcome = TRY(text(item, "outcome"));
        if (!counts_as_passed(gate.outcome) && !is_failure(gate.outcome) && gate.outcome != "skipped")
            return bad("has a gate with unknown outcome `" + escape_foreign(gate.outcome) + "`");
        const auto took = TRY(member(item, "ms", Value::Kind::Integer))->integer();
        if (took < 0) return bad("has a gate that took less than no time");
        gate.took = Duration(took);
        gate.measures = TRY(read_measures(item));
        result.gates.push_back(std::move(gate));
    }
    return {};
}

// A reader that knows only in-toto sees `result`; one that knows us sees the gates. They must say the same.
Result<void> check_outcome(const Value& predicate, TestResult& result) {
    const auto outcome = TRY(text(predicate, "result"));
    if (outcome != "PASSED" && outcome != "FAILED") return bad("has an unknown result");
    result.passed = outcome == "PASSED";
    const bool all_passed = std::all_of(result.gates.begin(), result.gates.end(), [](const GateResult& gate) {
        return counts_as_passed(gate.outcome);
    });
    const Value* failed = predicate.find("failedTests");
    const bool none_failed = failed == nullptr || (failed->is(Value::Kind::List) && failed->list().empty());
    if (result.passed && !(all_passed && none_failed)) return bad("says PASSED, but its gates say otherwise");
    return {};
}

}  // namespace

std::string to_statement(const TestResult& result) {
    List subjects;
    if (!result.archive.empty())
        subjects.push_back(map_of({{"digest", map_of({{"sha256", result.archive}})}}));
    if (!result.tree.is_null())
        subjects.push_back(map_of({{"digest", map_of({{"gitTree", result.tree.str()}})}}));
    if (result.commit)
        subjects.push_back(map_of({{"digest", map_of({{"gitCommit", result.commit->str()}})}}));
    List gates;
    for (const auto& gate : result.gates) gates.push_back(to_value(gate));
    List configuration;
    configuration.push_back(
        map_of({{"name", ".tidegate.yaml"}, {"digest", map_of({{"sha256", result.gates_digest}})}}));
    const auto details = map_of({{"stage", result.stage},
                                 {"gates", std::move(gates)},
                                 {"finished", format_utc(result.finished)},
                                 {"version", result.tool_version}});
    const auto predicate = map_of({{"result", result.passed ? "PASSED" : "FAILED"},
                                   {"configuration", std::move(configuration)},
                                   {"passedTests", names_where(result, counts_as_passed)},
                                   {"failedTests", names_where(result, is_failure)},
                                   {"tidegate", details}});
    return to_json(map_of({{"_type", std::string(kStatementType)},
                           {"subject", std::move(subjects)},
                           {"predicateType", std::string(kPredicateType)},
                           {"predicate", predicate}}));
}

Result<TestResult> parse_statement(std::string_view payload) {
    const Value root = TRY(during("reading an attestation statement", parse_json(payload)));
    if (!root.is(Value::Kind::Map) || TRY(text(root, "_type")) != kStatementType)
        return bad("is not an in-toto Statement v1");
    if (TRY(text(root, "predicateType")) != kPredicateType) return bad("is not about a test result");
    TestResult result;
    for (const auto& subject : TRY(member(root, "subject", Value::Kind::List))->list())
        TRY(read_subject(subject, result));
    if (result.tree.is_null() && result.archive.empty())
        return bad("names neither a git tree nor an archive");
    const Value& predicate = *TRY(member(root, "predicate", Value::Kind::Map));
    TRY(read_configuration(predicate, result));
    const Value& details = *TRY(member(predicate, "tidegate", Value::Kind::Map));
    result.stage = TRY(text(details, "stage"));
    if (result.stage.empty()) return bad("names no stage");
    result.tool_version = TRY(text(details, "version"));
    const auto finished = TRY(text(details, "finished"));
    result.finished = TRY(during("reading an attestation statement", parse_utc(finished)));
    TRY(read_gates(details, result));
    TRY(check_outcome(predicate, result));
    return result;
}

}  // namespace tidegate::shared
