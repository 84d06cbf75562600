// The JSON Schemas that editors use and the parsers that decide know the same keys. What a parser knows is asked
// of itself: an unknown key is put into each map of the examples, and the error names the known ones.
#include "hooks/config/config.hpp"
#include "manifests/branch.hpp"
#include "manifests/lint.hpp"
#include "manifests/manifest.hpp"
#include "reconciler/host_config.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"
#include "shared/doc/yaml.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <set>
#include <string>

using namespace tidegate;
using namespace tidegate::shared;

namespace {

const std::string kFolder = std::string(TIDEGATE_SOURCE_DIR) + "/manifests/";
constexpr const char* kUnknown = "zz_unknown_zz";

using Parse = std::function<Result<void>(std::string)>;

template <typename T>
Parse parser(Result<T> (*parse)(std::string, std::string)) {
    return [parse](std::string text) -> Result<void> {
        auto result = parse("example.yaml", std::move(text));
        if (!result) return fail(std::move(result.error()));
        return {};
    };
}

std::string file_text(const std::string& name) {
    auto text = read_file(kFolder + name, 1 << 20);
    REQUIRE_MESSAGE(text.has_value(), text.error().line());
    return *text;
}

class Comparison {
  public:
    Comparison(const std::string& schema, Parse parse) : parse_(std::move(parse)) {
        auto json = parse_json(file_text("schema/" + schema + ".schema.json"));
        REQUIRE_MESSAGE(json.has_value(), json.error().line());
        schema_ = *json;
        list_closed(schema_, "");
    }

    void add(const std::string& example) {
        auto document = parse_yaml(example, file_text("examples/" + example));
        REQUIRE_MESSAGE(document.has_value(), document.error().line());
        root_ = document->root();
        const auto good = parse_(to_json(root_));
        REQUIRE_MESSAGE(good.has_value(), good.error().line());
        visit(root_, schema_, "", [](Value changed) { return changed; });
    }

    // Every map that the schema describes was met in some example.
    void finish() const {
        for (const auto& path : closed_) {
            CAPTURE(path);
            CHECK(met_.count(path) == 1);
        }
    }

  private:
    using Wrap = std::function<Value(Value)>;

    static bool is_closed(const Value& schema) {
        const Value* more = schema.find("additionalProperties");
        return more != nullptr && more->is(Value::Kind::Bool) && !more->boolean();
    }

    void list_closed(const Value& schema, const std::string& path) {
        if (schema.is(Value::Kind::List))
            for (const auto& item : schema.list()) list_closed(item, path);
        if (is_closed(schema)) closed_.insert(path);
        if (const Value* properties = schema.find("properties"))
            for (const auto& entry : properties->map()) list_closed(entry.value, path + "/" + entry.key);
        if (const Value* items = schema.find("items")) list_closed(*items, path + "/-");
        if (const Value* any = schema.find("anyOf")) list_closed(*any, path);
        if (const Value* more = schema.find("additionalProperties"))
            if (more->is(Value::Kind::Map)) list_closed(*more, path + "/*");
    }

    // `wrap` gives the whole document with a changed value in this place.
    void visit(const Value& value, const Value& schema, const std::string& path, const Wrap& wrap) {
        if (const Value* any = schema.find("anyOf"))
            for (const auto& each : any->list()) visit(value, each, path, wrap);
        if (value.is(Value::Kind::List)) {
            const Value* items = schema.find("items");
            for (size_t i = 0; items != nullptr && i < value.list().size(); ++i)
                visit(value.list()[i], *items, path + "/-", [&, i](Value changed) {
                    Value::List list = value.list();
                    list[i] = std::move(changed);
                    return wrap(Value(std::move(list)));
                });
        }
        if (!value.is(Value::Kind::Map)) return;
        if (is_closed(schema)) compare(value, schema, path, wrap);
        const Value* properties = schema.find("properties");
        const Value* more = schema.find("additionalProperties");
        for (const auto& entry : value.map()) {
            const Value* below = properties == nullptr ? nullptr : properties->find(entry.key);
            const bool free = below == nullptr && more != nullptr && more->is(Value::Kind::Map);
            if (free) below = more;
            if (below == nullptr) continue;
            visit(entry.value, *below, path + "/" + (free ? "*" : entry.key), [&](Value changed) {
                Value map = value;
                map.set(entry.key, std::move(changed));
                return wrap(std::move(map));
            });
        }
    }

    void compare(const Value& value, const Value& schema, const std::string& path, const Wrap& wrap) {
        CAPTURE(path);
        met_.insert(path);
        Value spoilt = value;
        spoilt.set(kUnknown, 1);
        const auto result = parse_(to_json(wrap(spoilt)));
        REQUIRE_FALSE(result.has_value());
        CAPTURE(result.error().line());
        CHECK(result.error().message == "unknown key `" + std::string(kUnknown) + "`");
        const auto& hint = result.error().hint;
        const auto names = hint.find(": ", hint.find(" take"));
        REQUIRE(names != std::string::npos);
        std::set<std::string> known;
        for (const auto name : split(std::string_view(hint).substr(names + 2), ' ')) known.emplace(name);
        std::set<std::string> described;
        for (const auto& entry : schema.find("properties")->map()) described.insert(entry.key);
        CHECK(join({known.begin(), known.end()}, " ") == join({described.begin(), described.end()}, " "));
    }

    Parse parse_;
    Value schema_;
    Value root_;
    std::set<std::string> closed_;
    std::set<std::string> met_;
};

}  // namespace

TEST_CASE("schema: that of manifests and their parser know the same keys") {
    Comparison comparison("manifest", parser(&manifests::parse_manifest));
    for (const char* name :
         {"production/web.yaml", "production/api.yaml", "production/docs.yaml", "staging/web.yaml"})
        comparison.add(name);
    comparison.finish();
}

TEST_CASE("schema: that of tidegate.yaml and its parser know the same keys") {
    Comparison comparison("tidegate", parser(&manifests::parse_branch_rules));
    comparison.add("tidegate.yaml");
    comparison.finish();
}

TEST_CASE("schema: that of .tidegate.yaml and its parser know the same keys") {
    Comparison comparison("gates", parser(&hooks::parse_config));
    comparison.add("gates.tidegate.yaml");
    comparison.finish();
}

TEST_CASE("schema: that of tidegated.yaml and its parser know the same keys") {
    Comparison comparison("tidegated", parser(&reconciler::parse_host_config));
    comparison.add("tidegated.yaml");
    comparison.finish();
}

TEST_CASE("schema: the examples are a manifests branch without a problem") {
    const auto report = manifests::lint_folder(kFolder + "examples", *parse_utc("2026-11-20T00:00:00Z"));
    REQUIRE(report.has_value());
    for (const auto& problem : report->problems) MESSAGE(problem.line());
    CHECK(report->problems.empty());
    CHECK(report->manifests == 4);
    CHECK(report->environments == 2);
}
