// The text is edited at the places that the parser reported; what comes out is parsed again and compared, so
// that a layout this editor does not understand is an error and never a wrong manifest.
#include "manifests/edit.hpp"

#include "shared/base/text.hpp"
#include "shared/doc/yaml.hpp"

#include <algorithm>
#include <optional>

namespace tidegate::manifests {

using namespace shared;

namespace {

struct Wanted {
    std::string_view kind;                                                   // git archive oci
    std::vector<std::pair<std::string, std::optional<std::string>>> values;  // nullopt: the key goes
};

Wanted wanted_of(const Source& source) {
    if (const auto* git = std::get_if<GitSource>(&source))
        return {"git", {{"url", git->url.str()}, {"commit", git->commit.str()}, {"tag", git->tag}}};
    if (const auto* archive = std::get_if<ArchiveSource>(&source))
        return {"archive", {{"url", archive->url.str()}, {"sha256", archive->sha256}}};
    const auto& oci = std::get<OciSource>(source);
    return {"oci", {{"ref", oci.ref}, {"digest", oci.digest}}};
}

size_t offset_of(std::string_view text, int line, int column) {
    size_t at = 0;
    for (int i = 1; i < line; ++i) {
        const auto next = text.find('\n', at);
        if (next == std::string_view::npos) return text.size();
        at = next + 1;
    }
    return std::min(at + static_cast<size_t>(column) - 1, text.size());
}

// A value as it must be written to be read as this text, in flow and block context, by any reader of YAML.
std::string written(std::string_view value) {
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/:@+~%=";
    const auto read = parse_yaml("", "{a: " + std::string(value) + "}");
    const bool plain = value.find_first_not_of(kPlain) == std::string_view::npos && read &&
                       read->root().find("a") != nullptr && read->root().find("a")->is(Value::Kind::Text) &&
                       read->root().find("a")->text() == value;
    if (plain) return std::string(value);
    std::string quoted = "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + "\"";
}

// How many bytes the scalar at `at` takes in the text; nullopt for layouts we do not edit.
std::optional<size_t> length_of(std::string_view text, size_t at, const Value& value) {
    if (at >= text.size()) return std::nullopt;
    const char first = text[at];
    if (first != '"' && first != '\'') {
        if (text.substr(at, value.text().size()) != value.text()) return std::nullopt;
        return value.text().size();
    }
    // Neither ids nor tags nor addresses hold quotes, so the next one closes it.
    const auto end = text.find(first, at + 1);
    if (end == std::string_view::npos || text.substr(at + 1, end - at - 1) != value.text())
        return std::nullopt;
    return end - at + 1;
}

tl::unexpected<Error> cannot(const Document& document, const Value& value, std::string_view key) {
    return fail(Error{ErrorKind::Unsupported,
                      "cannot edit `" + std::string(key) + "` in this layout",
                      "write it on one line, as `" + std::string(key) + ": value`",
                      document.where(value),
                      {}});
}

Result<std::string> replace_value(const std::string& file, const std::string& text, std::string_view kind,
                                  const std::string& key, const std::string& wanted) {
    const auto document = TRY(parse_yaml(file, text, {.bytes = kLongestManifest}));
    const Value* map = document.root().find("release")->find(kind);
    const Value* value = map->find(key);
    if (value != nullptr && value->text() == wanted) return text;
    if (value != nullptr) {
        const auto at = offset_of(text, value->line, value->column);
        const auto length = length_of(text, at, *value);
        if (!length) return cannot(document, *value, key);
        return text.substr(0, at) + written(wanted) + text.substr(at + *length);
    }
    // A new key goes after the last one: in a flow map on the same line, otherwise on a line of its own.
    const auto& last = map->map().back();
    const auto at = offset_of(text, last.value.line, last.value.column);
    const auto length = length_of(text, at, last.value);
    if (!length) return cannot(document, last.value, last.key);
    const bool flow = text[offset_of(text, map->line, map->column)] == '{';
    if (flow)
        return text.substr(0, at + *length) + ", " + key + ": " + written(wanted) + text.substr(at + *length);
    auto end = text.find('\n', at);
    const auto line = std::string(static_cast<size_t>(last.column) - 1, ' ') + key + ": " + written(wanted);
    if (end == std::string::npos) return text + "\n" + line + "\n";
    const bool carriage = end > 0 && text[end - 1] == '\r';
    return text.substr(0, end + 1) + line + (carriage ? "\r\n" : "\n") + text.substr(end + 1);
}

Result<std::string> remove_key(const std::string& file, const std::string& text, std::string_view kind,
                               const std::string& key) {
    const auto document = TRY(parse_yaml(file, text, {.bytes = kLongestManifest}));
    const Value* map = document.root().find("release")->find(kind);
    const auto& entries = map->map();
    const auto entry =
        std::find_if(entries.begin(), entries.end(), [&](const auto& each) { return each.key == key; });
    if (entry == entries.end()) return text;
    const auto begin = offset_of(text, entry->line, entry->column);
    const auto at = offset_of(text, entry->value.line, entry->value.column);
    const auto length = length_of(text, at, entry->value);
    if (!length) return cannot(document, entry->value, key);
    const auto end = at + *length;
    if (text[offset_of(text, map->line, map->column)] == '{') {
        const auto comma = text.find_first_not_of(" \t\r\n", end);
        if (comma != std::string::npos && text[comma] == ',') {
            const auto next = std::min(text.find_first_not_of(" \t\r\n", comma + 1), text.size());
            return text.substr(0, begin) + text.substr(next);
        }
        const auto before = text.rfind(',', begin);
        if (before == std::string::npos) return cannot(document, entry->value, key);
        return text.substr(0, before) + text.substr(end);
    }
    if (entry == entries.begin()) return cannot(document, entry->value, key);
    const auto line_begin = text.rfind('\n', begin) + 1;
    const auto line_end = text.find('\n', end);
    return text.substr(0, line_begin) + (line_end == std::string::npos ? "" : text.substr(line_end + 1));
}

// The documents are equal but for `release`.
bool only_release_differs(const Value& before, const Value& after) {
    if (before.map().size() != after.map().size()) return false;
    for (size_t i = 0; i < before.map().size(); ++i) {
        const auto& left = before.map()[i];
        const auto& right = after.map()[i];
        if (left.key != right.key) return false;
        if (left.key != "release" && !(left.value == right.value)) return false;
    }
    return true;
}

bool same_source(const Source& a, const Source& b) {
    if (a.index() != b.index() || wanted_of(a).values != wanted_of(b).values) return false;
    const auto* left = std::get_if<ArchiveSource>(&a);
    const auto* right = std::get_if<ArchiveSource>(&b);
    // Lists are not edited: another release's mirrors and layout are a person's to write.
    const auto same = [](const Url& one, const Url& other) { return one.str() == other.str(); };
    return left == nullptr ||
           (left->strip == right->strip && std::equal(left->mirrors.begin(), left->mirrors.end(),
                                                      right->mirrors.begin(), right->mirrors.end(), same));
}

}  // namespace

Result<std::string> with_release(const std::string& file, const std::string& text, const Source& source) {
    const auto before = TRY(parse_manifest(file, text));
    if (before.release.index() != source.index())
        return fail(Error{ErrorKind::Unsupported,
                          "the manifest's release is of another kind (git, archive or oci)",
                          "change it by hand once",
                          Where{file, 0, 0, {}, 1},
                          {}});
    const auto wanted = wanted_of(source);
    // A byte order mark is not part of what the parser counts columns in.
    const std::string mark = text.starts_with("\xEF\xBB\xBF") ? text.substr(0, 3) : std::string();
    auto edited = text.substr(mark.size());
    for (const auto& [key, value] : wanted.values) {
        if (value)
            edited = TRY(replace_value(file, edited, wanted.kind, key, *value));
        else
            edited = TRY(remove_key(file, edited, wanted.kind, key));
    }
    const auto old_document = TRY(parse_yaml(file, text, {.bytes = kLongestManifest}));
    const auto new_document = parse_yaml(file, edited, {.bytes = kLongestManifest});
    const auto after = parse_manifest(file, edited);
    if (!new_document || !after || !same_source(after->release, source) ||
        !only_release_differs(old_document.root(), new_document->root()))
        return fail(Error{ErrorKind::Unsupported,
                          "cannot edit the release of this manifest without changing more of it",
                          "write `release` in the layout of the examples, or change it by hand",
                          Where{file, 0, 0, {}, 1},
                          {}});
    return mark + edited;
}

}  // namespace tidegate::manifests
