// A configuration file and what it extends, as one document: `extends` is read, merged and gone. A place in the
// document can be asked which file it came from.
#pragma once

#include "shared/base/names.hpp"
#include "shared/doc/yaml.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tidegate::hooks {

// A file of a commit of another repository. The commit's id fixes its content.
struct PinnedFile {
    shared::Url url;
    shared::Oid commit;
    std::string path;  // RelPath
};

// Where files beside the first come from. What is missing cannot be asked for: such a key is then read for its
// form only, and not followed.
struct ConfigSources {
    // A file of the tree that is judged. NotFound where it has none.
    std::function<Result<std::string>(const std::string& path)> file{};
    std::function<Result<std::string>(const PinnedFile& file)> pinned{};
    // Every path of the tree.
    std::function<Result<std::vector<std::string>>()> paths{};
    // The text of .tidegate.local.yaml, where it counts.
    std::optional<std::string> local{};
};

class Composition {
  public:
    // `file` is a path below the tree's top. Errors: Invalid at a place of the file that has the mistake,
    // NotFound and whatever `sources` fails with, at the place that asked.
    [[nodiscard]] static Result<Composition> of(std::string file, std::string text,
                                                const ConfigSources& sources);

    // The whole, `extends` merged in. Its lines count through all files.
    [[nodiscard]] const shared::Document& document() const { return document_; }
    void collect_errors(std::vector<Error>* all) { document_.collect_errors(all); }
    // A place in the document as one in its file; others are left as they are.
    void locate(std::optional<shared::Where>& where) const;
    [[nodiscard]] bool extended() const { return parts_.size() > 1 || unfollowed_; }
    // Something is extended that could not be asked for.
    [[nodiscard]] bool unfollowed() const { return unfollowed_; }

    struct Part {
        std::string file;
        int lines_before = 0;
    };

  private:
    Composition(shared::Document document, std::vector<Part> parts, bool unfollowed)
        : document_(std::move(document)), parts_(std::move(parts)), unfollowed_(unfollowed) {}

    shared::Document document_;
    std::vector<Part> parts_;
    bool unfollowed_ = false;
};

// merge.cpp: `over` on top of `base`, both whole files. Maps by key; stages by name; gates by name and then by
// key, `{name: …, remove: true}` takes one away; `setup` and `link` are added to; everything else is replaced.
[[nodiscard]] shared::Value merged(const shared::Value& base, const shared::Value& over);

// `path` as it is written in a file of the folder `folder` ("" for the top): below it, "../" allowed, from the
// top with a leading "/". Invalid where it leads out.
[[nodiscard]] Result<std::string> resolve_path(const std::string& folder, std::string_view path);

}  // namespace tidegate::hooks
