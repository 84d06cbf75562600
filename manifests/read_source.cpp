// `release` and `require`: what runs, and the proof it needs.
#include "manifests/sections.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::manifests {

using namespace shared;
using namespace std::chrono_literals;

namespace {

GitSource read_git(MapReader& reader) {
    GitSource source;
    if (auto url = reader.parsed<Url>("url", Url::parse, Required::Yes)) source.url = std::move(*url);
    if (auto commit = reader.parsed<Oid>("commit", Oid::parse, Required::Yes)) source.commit = *commit;
    if (!reader.failed() && source.commit.is_null())
        reader.reject(*reader.any("commit"), "`commit` is git's null id", "name the commit to release");
    source.tag = reader.optional_text("tag");
    if (source.tag && !reader.failed()) {
        if (auto name = RefName::parse("refs/tags/" + *source.tag); !name)
            reader.reject(*reader.any("tag"), std::move(name.error()));
    }
    return source;
}

constexpr int kMostMirrors = 10;
constexpr int kDeepestStrip = 20;

bool gives_archives(const Url& url) {
    return url.scheme() == "https" || url.scheme() == "http" || url.scheme() == "file";
}

std::vector<Url> read_mirrors(MapReader& reader) {
    std::vector<Url> mirrors;
    const auto texts = reader.texts("mirrors");
    const Value* list = reader.any("mirrors");
    if (list == nullptr || reader.failed()) return mirrors;
    if (texts.size() > kMostMirrors) reader.reject(*list, "more than 10 `mirrors`");
    for (const auto& text : texts) {
        auto url = Url::parse(text);
        if (!url) {
            reader.reject(*list, std::move(url.error()));
        } else if (!gives_archives(*url)) {
            reader.reject(*list, "a mirror is https://, http:// or file:///, not " + url->scheme());
        } else {
            mirrors.push_back(std::move(*url));
        }
    }
    return mirrors;
}

ArchiveSource read_archive(MapReader& reader) {
    ArchiveSource source;
    if (auto url = reader.parsed<Url>("url", Url::parse, Required::Yes)) source.url = std::move(*url);
    if (!reader.failed() && !gives_archives(source.url))
        reader.reject(*reader.any("url"),
                      "an archive's `url` is https://, http:// or file:///, not " + source.url.scheme());
    source.mirrors = read_mirrors(reader);
    source.strip = static_cast<int>(reader.integer("strip", 0, 0, kDeepestStrip));
    source.sha256 = reader.text("sha256", Required::Yes);
    if (!reader.failed() && !is_hex(source.sha256, 64))
        reader.reject(*reader.any("sha256"), "`sha256` is 64 hexadecimal digits in lower case",
                      "sha256sum FILE prints it");
    return source;
}

OciSource read_oci(MapReader& reader) {
    OciSource source;
    source.ref = reader.text("ref", Required::Yes);
    const auto wrong = [](char c) {
        return std::string_view("abcdefghijklmnopqrstuvwxyz0123456789._-/:").find(c) ==
               std::string_view::npos;
    };
    // A colon is a port's where it is in the registry, and would be a tag's in the name.
    const auto slash = source.ref.find('/');
    const auto name = slash == std::string::npos ? std::string() : source.ref.substr(slash + 1);
    if (!reader.failed() &&
        (source.ref.front() == '-' || slash == 0 || !RelPath::parse(name) ||
         name.find(':') != std::string::npos || std::any_of(source.ref.begin(), source.ref.end(), wrong)))
        reader.reject(*reader.any("ref"), "`ref` is registry/name in lower case, without tag and digest",
                      "what is meant by a tag is said by `digest`: registry.example.com/team/web");
    source.digest = reader.text("digest", Required::Yes);
    const auto& digest = source.digest;
    if (!reader.failed() && !(digest.starts_with("sha256:") && is_hex(digest.substr(7), 64)))
        reader.reject(*reader.any("digest"), "`digest` is sha256: and 64 hexadecimal digits in lower case");
    return source;
}

}  // namespace

Source read_release(MapReader& top) {
    Source source;
    const Value* value = top.map("release", Required::Yes);
    nested(top, value, "a release", [&](MapReader& reader) {
        const auto kind = exactly_one(reader, *value, "a release", {"git", "archive", "oci"});
        const auto as = [&](std::string_view key, auto read) {
            nested(reader, reader.map(key), "a release from " + std::string(key),
                   [&](MapReader& inner) { source = read(inner); });
        };
        if (!kind) return;
        if (*kind == 0) as("git", read_git);
        if (*kind == 1) as("archive", read_archive);
        if (*kind == 2) as("oci", read_oci);
    });
    return source;
}

std::optional<Require> read_require(MapReader& top) {
    const Value* value = top.map("require");
    if (value == nullptr) return std::nullopt;
    Require require;
    nested(top, value, "require", [&](MapReader& reader) {
        require.stages = reader.texts("stages");
        const Value* stages = reader.any("stages", Required::Yes);
        if (stages != nullptr && !reader.failed()) {
            if (require.stages.empty())
                reader.reject(*stages, "`stages` names no stage", "leave `require` out if none is needed");
            for (const auto& stage : require.stages)
                if (!is_plain_name(stage)) reader.reject(*stages, quoted(stage) + " is not a stage's name");
        }
        require.threshold = static_cast<int>(reader.integer("threshold", 1, 1, 20));
    });
    return require;
}

}  // namespace tidegate::manifests
