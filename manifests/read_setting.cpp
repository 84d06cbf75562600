// `shared`, `env`, `secrets`: what a release runs with.
#include "manifests/sections.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::manifests {

using namespace shared;
using namespace std::chrono_literals;

namespace {

std::vector<RelPath> read_paths(MapReader& reader, std::string_view key) {
    std::vector<RelPath> paths;
    const auto texts = reader.texts(key);
    for (const auto& text : texts) {
        auto path = RelPath::parse(text);
        if (!path) {
            reader.reject(*reader.any(key), std::move(path.error()));
            break;
        }
        paths.push_back(std::move(*path));
    }
    return paths;
}

}  // namespace

std::vector<std::string> read_depends_on(MapReader& top, const std::string& app) {
    auto names = top.texts("depends_on");
    const Value* value = top.any("depends_on");
    for (const auto& name : names) {
        if (auto good = check_name("app", name); !good) top.reject(*value, std::move(good.error()));
        if (name == app) top.reject(*value, "`depends_on` names the app itself");
        if (std::count(names.begin(), names.end(), name) > 1)
            top.reject(*value, "`depends_on` names " + quoted(name) + " twice");
    }
    return names;
}

void read_shared(MapReader& top, Manifest& manifest) {
    const Value* value = top.map("shared");
    nested(top, value, "shared", [&](MapReader& reader) {
        manifest.shared_dirs = read_paths(reader, "dirs");
        manifest.shared_files = read_paths(reader, "files");
        std::vector<std::string> all;
        for (const auto& path : manifest.shared_dirs) all.push_back(path.str());
        for (const auto& path : manifest.shared_files) all.push_back(path.str());
        for (const auto& outer : all)
            for (const auto& inner : all) {
                const bool same = &outer != &inner && outer == inner;
                if (same || inner.starts_with(outer + "/"))
                    reader.reject(*value, "shared paths overlap: " + quoted(outer) + " and " + quoted(inner));
            }
    });
}

std::map<std::string, std::string> read_env(MapReader& top) {
    auto env = top.text_map("env");
    const Value* value = top.map("env");
    if (value == nullptr) return env;
    for (const auto& entry : value->map())
        if (const auto fault = fault_of_variable(entry.key); !fault.empty())
            top.reject(entry.value, quoted(entry.key) + " " + fault);
    return env;
}

std::map<std::string, Secret> read_secrets(MapReader& top, const Manifest& manifest) {
    std::map<std::string, Secret> secrets;
    const Value* value = top.map("secrets");
    if (value == nullptr) return secrets;
    for (const auto& entry : value->map()) {
        if (const auto fault = fault_of_variable(entry.key); !fault.empty())
            top.reject(entry.value, quoted(entry.key) + " " + fault);
        if (manifest.env.count(entry.key) != 0)
            top.reject(entry.value, quoted(entry.key) + " is in `env` too", "keep one of them");
        if (entry.value.is(Value::Kind::Text))
            top.reject(entry.value, "a secret is not written here: it says where the host has it",
                       "write {credential: NAME} or {file: /path}");
        nested(top, &entry.value, "a secret", [&](MapReader& reader) {
            auto& secret = secrets[entry.key];
            const auto kind = exactly_one(reader, entry.value, "a secret", {"credential", "file"});
            if (kind == size_t{1})
                secret.file = judged(reader, "file", Required::Yes, fault_of_absolute_path);
            if (kind != size_t{0}) return;
            secret.credential = reader.text("credential", Required::Yes);
            if (!reader.failed() && !is_plain_name(secret.credential))
                reader.reject(*reader.any("credential"), "`credential` is a plain name");
        });
    }
    return secrets;
}

}  // namespace tidegate::manifests
