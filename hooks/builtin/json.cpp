#include "hooks/builtin/builtin.hpp"
#include "shared/doc/yaml.hpp"

namespace tidegate::hooks::builtin {

// As check-json: standard JSON, every key once.
void json(const File& file, Problems& problems) {
    bool is_json = false;
    for (const char* ending :
         {".json", ".geojson", ".topojson", ".jsonld", ".webmanifest", ".ipynb", ".gltf", ".avsc"})
        is_json =
            is_json || (file.path.size() > std::string_view(ending).size() && file.path.ends_with(ending));
    if (file.link || !is_json) return;
    // The mark is byte-order-mark's affair.
    constexpr std::string_view kMark = "\xEF\xBB\xBF";
    const auto text = file.content.substr(file.content.starts_with(kMark) ? kMark.size() : 0);
    shared::YamlLimits limits;
    limits.bytes = kContentLimit;
    limits.depth = 512;
    limits.nodes = 4'000'000;
    const auto document = shared::parse_json_document(std::string(file.path), std::string(text), limits);
    if (document) return;
    const auto& where = document.error().where;
    problems.push_back({std::string(file.path), where ? where->line : 0, where ? where->column : 0,
                        document.error().message});
}

}  // namespace tidegate::hooks::builtin
