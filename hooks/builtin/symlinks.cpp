#include "hooks/builtin/builtin.hpp"
#include "shared/base/text.hpp"

#include <unordered_map>
#include <unordered_set>

namespace tidegate::hooks::builtin {

namespace {

enum class Ends { Here, Outside, Nowhere, InACircle };

// Follows links by the tree's own entries, as the kernel would in a checkout of it.
class Tree {
  public:
    explicit Tree(const Paths& paths) {
        for (const auto path : paths.all) add(path);
        for (const auto& submodule : paths.submodules) {
            add(submodule.path);
            submodules_.insert(submodule.path);
        }
        for (const auto& link : paths.links) links_.emplace(link.path, link.target);
    }

    [[nodiscard]] const std::string_view* target(std::string_view path) const {
        const auto found = links_.find(path);
        return found == links_.end() ? nullptr : &found->second;
    }

    [[nodiscard]] Ends follow(std::string_view path) const {
        constexpr int kMostLinks = 40;     // the kernel's own limits
        constexpr size_t kLongest = 4095;  // bytes of a target
        std::vector<std::string> rest{std::string(path)};
        std::string at;  // resolved so far
        int links = 0;
        while (!rest.empty()) {
            std::string name = take_name(rest);
            if (name.empty() || name == ".") continue;
            if (name == "..") {
                if (at.empty()) return Ends::Outside;
                const auto slash = at.rfind('/');
                at.resize(slash == std::string::npos ? 0 : slash);
                continue;
            }
            std::string next = at.empty() ? std::move(name) : at + "/" + name;
            if (const auto* to = target(next)) {
                if (++links > kMostLinks) return Ends::InACircle;
                if (to->starts_with('/')) return Ends::Outside;
                if (to->empty() || to->size() > kLongest) return Ends::Nowhere;
                rest.emplace_back(*to);
                continue;
            }
            // What a submodule holds is not in this tree.
            if (submodules_.contains(next)) return Ends::Here;
            if (!names_.contains(next)) return Ends::Nowhere;
            at = std::move(next);
        }
        return Ends::Here;
    }

  private:
    void add(std::string_view path) {
        for (auto end = path.find('/');; end = path.find('/', end + 1)) {
            names_.insert(path.substr(0, end));
            if (end == std::string_view::npos) return;
        }
    }

    // The next name of the path that is on top of `rest`.
    static std::string take_name(std::vector<std::string>& rest) {
        const auto slash = rest.back().find('/');
        std::string name = rest.back().substr(0, slash);
        if (slash == std::string::npos)
            rest.pop_back();
        else
            rest.back().erase(0, slash + 1);
        return name;
    }

    std::unordered_set<std::string_view> names_;  // files and folders
    std::unordered_set<std::string_view> submodules_;
    std::unordered_map<std::string_view, std::string_view> links_;
};

}  // namespace

// As check-symlinks. A target outside of the tree is not judged: it may well be there on the machine.
void symlinks(const Paths& paths, Problems& problems) {
    if (paths.links.empty()) return;
    const Tree tree(paths);
    for (const auto path : paths.changed) {
        const auto* target = tree.target(path);
        if (target == nullptr) continue;
        const auto ends = tree.follow(path);
        const auto shown = shared::escape_foreign(*target);
        if (ends == Ends::Nowhere)
            problems.push_back({std::string(path), 0, 0, "broken link: the tree has no " + shown});
        if (ends == Ends::InACircle)
            problems.push_back({std::string(path), 0, 0, "link that leads back to itself: " + shown});
    }
}

// As destroyed-symlinks: a checkout without links turns each into a small file that holds its target. Blanks
// and newlines at the end may have been added by other fixers.
void destroyed_symlinks(const File& file, Problems& problems) {
    if (file.link || !file.link_before) return;
    const auto trimmed = [](std::string_view text) {
        const auto last = text.find_last_not_of(" \t\r\n\f\v");
        return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
    };
    const bool close = file.size <= file.link_before->size() + 2;
    if (!close || trimmed(file.content) != trimmed(*file.link_before)) return;
    problems.push_back({std::string(file.path), 0, 0,
                        "was a link to " + shared::escape_foreign(*file.link_before) +
                            " and became a file that holds the target (git restore --staged, then git config "
                            "core.symlinks)"});
}

}  // namespace tidegate::hooks::builtin
