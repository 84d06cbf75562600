#include "shared/sign/gates_digest.hpp"

#include "shared/base/text.hpp"
#include "shared/hash/sha256.hpp"

#include <algorithm>

namespace tidegate::shared {

namespace {

std::vector<const Value::Entry*> sorted_entries(const Value& map) {
    std::vector<const Value::Entry*> entries;
    for (const auto& entry : map.map()) entries.push_back(&entry);
    std::sort(entries.begin(), entries.end(), [](auto* a, auto* b) { return a->key < b->key; });
    return entries;
}

// How a scalar was written; a value that was made by hand has no text, so its content.
std::string written(const Value& value) {
    if (!value.text().empty()) return value.text();
    switch (value.kind()) {
        case Value::Kind::Bool: return value.boolean() ? "true" : "false";
        case Value::Kind::Integer: return std::to_string(value.integer());
        case Value::Kind::Real: return std::to_string(value.real());
        default: return "";
    }
}

void add(Sha256& hash, const Value& value) {
    switch (value.kind()) {
        case Value::Kind::Null: hash.field("null"); return;
        case Value::Kind::Bool:
            hash.field("bool");
            hash.field(value.boolean() ? "true" : "false");
            return;
        case Value::Kind::Integer:
        case Value::Kind::Real: hash.field("number"); break;
        case Value::Kind::Text: hash.field("text"); break;
        case Value::Kind::List:
            hash.field("list");
            hash.field(std::to_string(value.list().size()));
            for (const auto& item : value.list()) add(hash, item);
            return;
        case Value::Kind::Map:
            hash.field("map");
            hash.field(std::to_string(value.map().size()));
            for (const auto* entry : sorted_entries(value)) {
                hash.field(entry->key);
                add(hash, entry->value);
            }
            return;
    }
    hash.field(written(value));
}

}  // namespace

Result<std::string> gates_digest(const Value& root, std::string_view stage) {
    const Value* stages = root.find("stages");
    const Value* gates = stages == nullptr ? nullptr : stages->find(stage);
    // What it stands on is fixed too: files of the tree by the tree, of another repository by their commit.
    const bool more = root.find("extends") != nullptr || root.find("folders") != nullptr;
    if (gates == nullptr && !more)
        return fail(ErrorKind::NotFound, "no stage `" + escape_foreign(stage) + "` is defined",
                    "stages are the keys below `stages:` in " + std::string(kGatesFile));
    Sha256 hash;
    hash.field("tidegate-gates v1");
    hash.field(stage);
    for (const auto* entry : sorted_entries(root)) {
        if (entry->key == "stages") continue;
        hash.field(entry->key);
        add(hash, entry->value);
    }
    if (gates == nullptr) return hash.finish_hex();
    hash.field("stages");
    add(hash, *gates);
    return hash.finish_hex();
}

}  // namespace tidegate::shared
