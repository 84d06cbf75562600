#include "hooks/config/extends.hpp"

#include "shared/base/text.hpp"
#include "shared/doc/reader.hpp"

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kMostExtends = 32;

Result<Extend> from_text(const Document& document, const Value& value) {
    Extend extend;
    extend.at = &value;
    extend.path = value.text();
    if (!value.is(Value::Kind::Text) || extend.path.empty())
        return fail(Error{ErrorKind::Invalid,
                          "`extends` names files",
                          "a path, `pre-commit`, or {git: URL, commit: FULL_ID, file: PATH}",
                          document.where(value),
                          {}});
    if (extend.path == "pre-commit") {
        extend.kind = Extend::Kind::PreCommit;
        extend.path = kPreCommitFile;
    }
    return extend;
}

Result<Oid> full_id(std::string_view text) {
    auto id = Oid::parse(text);
    if (id && !id->is_null()) return id;
    return fail(ErrorKind::Invalid, "`commit` is a full commit id, not `" + escape_foreign(text) + "`",
                "a branch or tag can be moved; `git ls-remote URL` shows the id of one");
}

Result<Extend> from_map(const Document& document, const Value& value) {
    MapReader map(document, value, "an `extends`");
    Extend extend;
    extend.at = &value;
    extend.without = map.texts("without");
    if (map.has("pre-commit")) {
        extend.kind = Extend::Kind::PreCommit;
        extend.path = map.text("pre-commit", Required::Yes);
        for (const auto* key : {"file", "git", "commit"})
            if (map.has(key))
                map.reject(*map.any(key), "`" + std::string(key) + "` does not go with `pre-commit`");
    } else {
        if (map.has("without")) map.reject(*map.any("without"), "`without` goes with `pre-commit`");
        extend.path = map.text("file", Required::Yes);
        extend.url = map.parsed("git", Url::parse);
        if (extend.url || map.has("commit")) {
            extend.kind = Extend::Kind::Pinned;
            if (!extend.url) (void)map.any("git", Required::Yes);
            extend.commit = map.parsed("commit", full_id, Required::Yes).value_or(Oid());
        }
    }
    TRY(map.finish());
    return extend;
}

}  // namespace

Result<std::vector<Extend>> read_extends(const Document& document) {
    std::vector<Extend> extends;
    const Value* value = document.root().find("extends");
    if (value == nullptr || value->is(Value::Kind::Null)) return extends;
    const auto add = [&](const Value& item) -> Result<void> {
        extends.push_back(
            TRY(item.is(Value::Kind::Map) ? from_map(document, item) : from_text(document, item)));
        return {};
    };
    if (!value->is(Value::Kind::List)) {
        TRY(add(*value));
        return extends;
    }
    for (const auto& item : value->list()) TRY(add(item));
    if (extends.size() > kMostExtends)
        return fail(Error{ErrorKind::Invalid,
                          "`extends` names more than " + std::to_string(kMostExtends) + " files",
                          {},
                          document.where(*value),
                          {}});
    return extends;
}

}  // namespace tidegate::hooks
