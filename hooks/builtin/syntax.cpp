#include "hooks/builtin/builtin.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <set>
#include <sstream>

namespace tidegate::hooks::builtin {

namespace {

bool has_ending(std::string_view path, std::string_view ending) {
    return path.size() > ending.size() && path.ends_with(ending);
}

// Takes every event and keeps only the keys of open maps: aliases cost nothing, and nothing is built.
class Events final : public YAML::EventHandler {
  public:
    Events(const File& file, Problems& problems) : file_(file), problems_(problems) {}

    void OnDocumentStart(const YAML::Mark& mark) override {
        // yaml-cpp reads nothing where no document can begin (`,` after one, say), and would for ever.
        if (documents_ > 0 && mark.pos == began_)
            throw YAML::ParserException(mark, "neither a document nor its end");
        began_ = mark.pos;
        if (++documents_ == 2 && !file_.options->several_documents && !file_.options->grammar_only)
            add(mark, "a second document begins (`multiple_documents: true` allows them)");
    }
    void OnDocumentEnd() override { open_.clear(); }
    void OnNull(const YAML::Mark&, YAML::anchor_t) override { node(); }
    void OnAlias(const YAML::Mark&, YAML::anchor_t) override { node(); }
    void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  const std::string& text) override {
        if (!open_.empty() && open_.back().at_key && !open_.back().keys.insert(text).second && text != "<<")
            add(mark, "a key twice in one map: " + shared::escape_foreign(text));
        node();
    }
    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        node();
        open_.push_back({});
    }
    void OnSequenceEnd() override { open_.pop_back(); }
    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {
        node();
        open_.push_back({.map = true, .at_key = true});
    }
    void OnMapEnd() override { open_.pop_back(); }

  private:
    struct Level {
        bool map = false;
        bool at_key = false;
        std::set<std::string> keys = {};
    };

    // In a map keys and values take turns.
    void node() {
        if (!open_.empty() && open_.back().map) open_.back().at_key = !open_.back().at_key;
    }
    void add(const YAML::Mark& mark, std::string what) {
        if (!file_.options->grammar_only)
            problems_.push_back({std::string(file_.path), mark.line + 1, mark.column + 1, std::move(what)});
    }

    const File& file_;
    Problems& problems_;
    std::vector<Level> open_;
    int documents_ = 0;
    int began_ = 0;
};

}  // namespace

// As check-yaml, but that it takes tags of any name: files of people's tools use them, and aliases. Our own stricter
// reading is for our own files.
void yaml(const File& file, Problems& problems) {
    if (file.link || !(has_ending(file.path, ".yaml") || has_ending(file.path, ".yml"))) return;
    try {
        std::istringstream input{std::string(file.content)};
        YAML::Parser parser(input);
        Events events(file, problems);
        while (parser.HandleNextDocument(events)) {
        }
    } catch (const YAML::Exception& error) {
        problems.push_back({std::string(file.path), error.mark.line + 1, error.mark.column + 1, error.msg});
    }
}

void json(const File& file, Problems& problems) {
    bool is_json = false;
    for (const char* ending :
         {".json", ".geojson", ".topojson", ".jsonld", ".webmanifest", ".ipynb", ".gltf", ".avsc"})
        is_json = is_json || has_ending(file.path, ending);
    if (file.link || !is_json) return;
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
