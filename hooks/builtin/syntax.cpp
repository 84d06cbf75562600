#include "hooks/builtin/builtin.hpp"
#include "shared/doc/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <sstream>

namespace tidegate::hooks::builtin {

namespace {

bool has_ending(std::string_view path, std::string_view ending) {
    return path.size() > ending.size() && path.ends_with(ending);
}

// Takes every event and keeps none: only the grammar is asked about, and aliases cost nothing.
class Ignore final : public YAML::EventHandler {
  public:
    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {}
    void OnMapEnd() override {}
};

}  // namespace

// Files of people's tools use aliases, tags and several documents, so this asks for YAML's grammar only; our own
// stricter reading is for our own files.
void yaml(const File& file, Problems& problems) {
    if (file.link || !(has_ending(file.path, ".yaml") || has_ending(file.path, ".yml"))) return;
    try {
        std::istringstream input{std::string(file.content)};
        YAML::Parser parser(input);
        Ignore ignore;
        while (parser.HandleNextDocument(ignore)) {
        }
    } catch (const YAML::Exception& error) {
        problems.push_back({std::string(file.path), error.mark.line + 1, error.mark.column + 1, error.msg});
    }
}

void json(const File& file, Problems& problems) {
    if (file.link || !has_ending(file.path, ".json")) return;
    shared::YamlLimits limits;
    limits.bytes = kContentLimit;
    limits.depth = 512;
    limits.nodes = 4'000'000;
    const auto document =
        shared::parse_json_document(std::string(file.path), std::string(file.content), limits);
    if (document) return;
    const auto& where = document.error().where;
    problems.push_back({std::string(file.path), where ? where->line : 0, where ? where->column : 0,
                        document.error().message});
}

}  // namespace tidegate::hooks::builtin
