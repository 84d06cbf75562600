#include "reconciler/unpacked_tree.hpp"

#include "shared/base/text.hpp"

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kDeepest = 200;
constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";

tl::unexpected<Error> bad(const std::string& why, const std::string& path) {
    return fail(ErrorKind::Invalid, "the archive " + why + ": " + escape_foreign(path.substr(0, 200)));
}

}  // namespace

void UnpackedTree::begin_layer() {
    ++layer_;
}

std::string UnpackedTree::stripped(const std::string& path) const {
    std::string_view rest = path;
    for (int i = 0; i < strip_; ++i) {
        const auto slash = rest.find('/');
        if (slash == std::string_view::npos) return {};
        rest.remove_prefix(slash + 1);
    }
    return std::string(rest);
}

const UnpackedNode* UnpackedTree::find(const std::string& path) const {
    const UnpackedNode* here = &top_;
    for (const auto part : split(path, '/')) {
        const auto found = here->children.find(std::string(part));
        if (found == here->children.end()) return nullptr;
        here = found->second.get();
    }
    return here;
}

// The folder of `path`; missing ones are made. A link on the way is never followed (attack 39).
Result<UnpackedTree::Place> UnpackedTree::place_of(const std::string& path) {
    const auto parts = split(path, '/');
    if (parts.size() > kDeepest) return bad("holds folders deeper than 200 levels", path);
    Place place{&top_, std::string(parts.back())};
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
        auto& child = place.folder->children[std::string(parts[i])];
        const bool earlier = child && child->layer < layer_ && child->kind == UnpackedNode::Kind::File;
        if (!child || earlier) {
            child = std::make_unique<UnpackedNode>();
            child->layer = layer_;
        }
        if (child->kind == UnpackedNode::Kind::Link) return bad("holds a name that lies below a link", path);
        if (child->kind == UnpackedNode::Kind::File) return bad("holds a name that lies below a file", path);
        place.folder = child.get();
    }
    return place;
}

// "a/.wh.b" takes away "a/b", "a/.wh..wh..opq" all that earlier layers have in "a".
bool UnpackedTree::white_out(const std::string& path) {
    const auto slash = path.rfind('/');
    const auto name = slash == std::string::npos ? path : path.substr(slash + 1);
    if (layer_ == 0 || !name.starts_with(kWhiteout)) return false;
    const auto* found = slash == std::string::npos ? &top_ : find(path.substr(0, slash));
    auto* folder = const_cast<UnpackedNode*>(found);  // of ours
    if (folder == nullptr) return true;
    const auto earlier = [&](const auto& child) { return child.second->layer < layer_; };
    if (name == kOpaque) {
        std::erase_if(folder->children, earlier);
        return true;
    }
    const auto gone = folder->children.find(name.substr(kWhiteout.size()));
    if (gone != folder->children.end() && earlier(*gone)) folder->children.erase(gone);
    return true;
}

Result<UnpackedNode*> UnpackedTree::put(const std::string& path, UnpackedNode::Kind kind) {
    const auto place = TRY(place_of(path));
    auto& node = place.folder->children[place.name];
    const bool folder_again =
        node && node->kind == UnpackedNode::Kind::Folder && kind == UnpackedNode::Kind::Folder;
    if (node && !folder_again) {
        if (node->layer == layer_) return bad("holds a name twice", path);
        node.reset();
    }
    if (!node) node = std::make_unique<UnpackedNode>();
    node->kind = kind;
    node->layer = layer_;
    return node.get();
}

Result<Take> UnpackedTree::add(const ArchiveEntry& entry) {
    open_ = nullptr;
    const auto path = stripped(entry.path);
    if (path.empty() || white_out(path)) return Take::Nothing;
    TRY(during("reading the archive", RelPath::parse(path)));
    switch (entry.type) {
        case ArchiveEntry::Type::Folder: TRY(put(path, UnpackedNode::Kind::Folder)); return Take::Nothing;
        case ArchiveEntry::Type::SymbolicLink:
            TRY(put(path, UnpackedNode::Kind::Link))->target = entry.target;
            return Take::Nothing;
        case ArchiveEntry::Type::HardLink: {
            // Another name of the same content: a release has no hard links of its own.
            const auto target = stripped(entry.target);
            const auto* twin = target.empty() ? nullptr : find(target);
            if (twin == nullptr || twin->kind != UnpackedNode::Kind::File)
                return bad("holds a hard link to what is no file in it", path);
            const auto blob = twin->blob;
            const bool executable = twin->executable;
            auto* node = TRY(put(path, UnpackedNode::Kind::File));
            node->blob = blob;
            node->executable = executable;
            return Take::Nothing;
        }
        case ArchiveEntry::Type::File: break;
    }
    open_ = TRY(put(path, UnpackedNode::Kind::File));
    open_->executable = entry.executable;
    return Take::Content;
}

void UnpackedTree::set_blob(const Oid& blob) {
    if (open_ != nullptr) open_->blob = blob;
}

}  // namespace tidegate::reconciler
