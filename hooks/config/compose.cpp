#include "hooks/config/compose.hpp"

#include "hooks/config/extends.hpp"
#include "hooks/config/pre_commit.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/yaml_anchors.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kDeepest = 8;
constexpr size_t kMostFiles = 64;

// A file of the tree, or of a pinned commit.
struct Source {
    std::string path;
    std::optional<PinnedFile> pin;

    [[nodiscard]] std::string name() const {
        return pin ? pin->url.redacted() + "@" + pin->commit.short_str() + ":" + path : path;
    }
    [[nodiscard]] std::string key() const { return pin ? pin->commit.str() + ":" + path : path; }
    [[nodiscard]] std::string folder() const {
        const auto slash = path.rfind('/');
        return slash == std::string::npos ? std::string() : path.substr(0, slash);
    }
};

// The same value, `lines` further down.
Value shifted(const Value& value, int lines) {
    if (value.is(Value::Kind::List)) {
        Value::List list;
        for (const auto& item : value.list()) list.push_back(shifted(item, lines));
        Value moved(std::move(list));
        moved.line = value.line + lines;
        moved.column = value.column;
        return moved;
    }
    if (value.is(Value::Kind::Map)) {
        Value::Map map;
        for (const auto& entry : value.map())
            map.push_back({entry.key, shifted(entry.value, lines), entry.line + lines, entry.column});
        Value moved(std::move(map));
        moved.line = value.line + lines;
        moved.column = value.column;
        return moved;
    }
    Value moved = value;
    moved.line += lines;
    return moved;
}

Value without_key(const Value& value, std::string_view key) {
    if (value.find(key) == nullptr) return value;
    Value::Map map = value.map();
    std::erase_if(map, [&](const Value::Entry& entry) { return entry.key == key; });
    Value rest(std::move(map));
    rest.line = value.line;
    rest.column = value.column;
    return rest;
}

class Composer {
  public:
    explicit Composer(const ConfigSources& sources) : sources_(sources) {}

    Result<Value> file(const Source& source, std::string text) {
        if (parts.size() >= kMostFiles)
            return fail(ErrorKind::Invalid,
                        "`extends` leads to more than " + std::to_string(kMostFiles) + " files");
        if (!text.ends_with('\n')) text += '\n';
        const auto lines = static_cast<int>(std::count(all_text.begin(), all_text.end(), '\n'));
        const auto document = TRY(parse_yaml(source.name(), text));
        parts.push_back({source.name(), lines});
        all_text += text;
        if (!document.root().is(Value::Kind::Map)) return shifted(document.root(), lines);
        const auto extends = TRY(read_extends(document));
        auto own = lines == 0 ? document.root() : shifted(document.root(), lines);
        if (extends.empty()) return own;
        open_.push_back(source.key());
        if (parts.size() > 1 && document.root().find("folders") != nullptr)
            return fail(Error{ErrorKind::Invalid,
                              "`folders` belongs into the " + std::string(".tidegate.yaml at the top"),
                              {},
                              document.where(*document.root().find("folders")),
                              {}});
        std::optional<Value> base;
        for (const auto& extend : extends) {
            auto value = what_is(source, extend);
            if (!value) {
                if (!value.error().where) value.error().where = document.where(*extend.at);
                return value;
            }
            base = base ? merged(*base, *value) : std::move(*value);
        }
        open_.pop_back();
        return merged(*base, without_key(own, "extends"));
    }

    std::vector<Composition::Part> parts;
    std::string all_text;
    bool unfollowed = false;

  private:
    static Value nothing() { return Value(Value::Map{}); }

    Result<Value> what_is(const Source& source, const Extend& extend) {
        const bool can = extend.kind == Extend::Kind::Pinned || source.pin ? sources_.pinned != nullptr
                                                                           : sources_.file != nullptr;
        if (extend.kind == Extend::Kind::PreCommit && (source.pin || !source.folder().empty()))
            return fail(ErrorKind::Invalid, "`pre-commit` can be extended by the file at the top only");
        if (!can) {
            unfollowed = true;
            return nothing();
        }
        if (extend.kind == Extend::Kind::PreCommit) return pre_commit(extend);
        Source next;
        if (extend.url) {
            next.path = TRY(resolve_path("", extend.path));
            next.pin = PinnedFile{*extend.url, extend.commit, next.path};
        } else {
            next.path = TRY(resolve_path(source.folder(), extend.path));
            next.pin = source.pin;
            if (next.pin) next.pin->path = next.path;
        }
        if (open_.size() >= kDeepest)
            return fail(ErrorKind::Invalid,
                        "`extends` is nested deeper than " + std::to_string(kDeepest) + " files");
        if (std::find(open_.begin(), open_.end(), next.key()) != open_.end())
            return fail(ErrorKind::Invalid,
                        "`extends` goes in a circle: " + join(open_, " → ") + " → " + next.key());
        auto text = next.pin ? sources_.pinned(*next.pin) : sources_.file(next.path);
        if (!text && text.error().kind == ErrorKind::NotFound && next.pin)
            text.error().kind = ErrorKind::Invalid;  // no configuration at all would be something else
        if (!text && text.error().kind == ErrorKind::NotFound)
            return fail(ErrorKind::Invalid, "`extends`: the tree has no " + escape_foreign(next.path),
                        "what is committed counts: git add " + shell_quote(next.path));
        return file(next, TRY(std::move(text)));
    }

    Result<Value> pre_commit(const Extend& extend) {
        Source next;
        next.path = TRY(resolve_path("", extend.path));
        auto text = sources_.file(next.path);
        if (!text && text.error().kind == ErrorKind::NotFound)
            return fail(ErrorKind::Invalid, "`extends`: the tree has no " + escape_foreign(next.path));
        if (!text) return fail(std::move(text.error()));
        if (!text->ends_with('\n')) *text += '\n';
        const auto document = TRY(parse_yaml_with_aliases(next.path, *text, pre_commit_limits()));
        const auto lines = static_cast<int>(std::count(all_text.begin(), all_text.end(), '\n'));
        parts.push_back({next.path, lines});
        all_text += *text;
        auto gates = gates_of_pre_commit(document, {extend.without, {}, {}});
        if (!gates) gates.error().kind = ErrorKind::Invalid;
        return shifted(TRY(std::move(gates)), lines);
    }

    const ConfigSources& sources_;
    std::vector<std::string> open_;
};

}  // namespace

Result<Composition> Composition::of(std::string file, std::string text, const ConfigSources& sources) {
    Composer composer(sources);
    auto root = TRY(composer.file({file, std::nullopt}, std::move(text)));
    return Composition(Document(std::move(file), std::move(composer.all_text), std::move(root)),
                       std::move(composer.parts), composer.unfollowed);
}

void Composition::locate(std::optional<Where>& where) const {
    if (!where || where->file != document_.file()) return;
    for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
        if (where->line <= part->lines_before) continue;
        where->file = part->file;
        where->line -= part->lines_before;
        return;
    }
}

Result<std::string> resolve_path(const std::string& folder, std::string_view path) {
    const bool from_top = path.starts_with('/');
    std::vector<std::string> parts;
    const auto walk = [&](std::string_view text) {
        for (const auto part : split(text, '/')) {
            if (part.empty() || part == ".") continue;
            if (part != "..") {
                parts.emplace_back(part);
                continue;
            }
            if (parts.empty()) return false;
            parts.pop_back();
        }
        return true;
    };
    if (!from_top) (void)walk(folder);
    if (!walk(path)) return fail(ErrorKind::Invalid, "leads out of the repository: " + escape_foreign(path));
    const auto result = TRY(RelPath::parse(join(parts, "/")));
    return result.str();
}

}  // namespace tidegate::hooks
