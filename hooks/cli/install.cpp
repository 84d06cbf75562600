#include "hooks/cli/install.hpp"

#include "hooks/config/git_hook.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace tidegate::hooks::cli {

using namespace shared;

namespace {

constexpr size_t kLargestProgram = 512 << 20;
const std::string kStaged = ".tidegate-hook.new";  // the fresh copy, before it gets its names

std::string path_of(const HookFolder& folder, const std::string& stage) {
    return folder.path + "/" + stage;
}

std::string chained_path(const HookFolder& folder, const std::string& stage) {
    return path_of(folder, stage) + std::string(kChainedSuffix);
}

bool there(const std::string& path) {
    struct stat status {};
    return lstat(path.c_str(), &status) == 0;
}

bool same_file_content(const std::string& a, const std::string& b) {
    const auto left = read_file(a, kLargestProgram);
    const auto right = read_file(b, kLargestProgram);
    return left && right && *left == *right;
}

Result<void> refuse_replaced_twice(const HookFolder& folder, const std::string& stage) {
    const auto hook = path_of(folder, stage);
    const auto chained = chained_path(folder, stage);
    if (!there(chained) || same_file_content(hook, chained)) return {};
    return fail(ErrorKind::Exists, escape_foreign(hook) + " was replaced after tidegate had been installed",
                "the hook of before is still kept in " + escape_foreign(chained) +
                    ". Keep one of the two as " + stage + ", remove the other, and install again");
}

// Keeps what is there under the chained name without a moment in which there is no hook.
Result<void> keep_foreign(const HookFolder& folder, const std::string& stage) {
    const auto hook = path_of(folder, stage);
    const auto chained = chained_path(folder, stage);
    if (there(chained)) return {};  // the same content: refuse_replaced_twice has looked
    if (link(hook.c_str(), chained.c_str()) == 0) return {};
    if (rename(hook.c_str(), chained.c_str()) != 0)
        return fail_errno("cannot keep " + escape_foreign(hook) + " as " + escape_foreign(chained));
    return {};
}

Result<void> give_name(const HookFolder& folder, const std::string& stage) {
    const auto staged = folder.path + "/" + kStaged;
    const auto linked = staged + "." + stage;
    const auto hook = path_of(folder, stage);
    unlink(linked.c_str());
    if (link(staged.c_str(), linked.c_str()) != 0) {
        // A file system without hard links: a copy for each stage.
        const auto bytes = TRY(read_file(staged, kLargestProgram));
        TRY(write_file_atomic(linked, bytes, 0755));
    }
    if (rename(linked.c_str(), hook.c_str()) != 0) {
        const int code = errno;
        unlink(linked.c_str());
        return fail(errno_error("cannot write " + escape_foreign(hook), code));
    }
    return {};
}

bool up_to_date(const Hook& hook, const InstalledNote& wanted) {
    return hook.state == HookState::Ours && hook.note->origin == wanted.origin &&
           hook.note->size == wanted.size && hook.note->mtime == wanted.mtime;
}

// `path` at or below `folder`; both absolute and as git prints them.
bool beneath(const std::string& path, const std::string& folder) {
    return path == folder || path.starts_with(folder + "/");
}

}  // namespace

const std::vector<std::string>& installable_stages() {
    static const std::vector<std::string> kStages = [] {
        std::vector<std::string> stages;
        for (const auto& hook : git_hooks()) stages.emplace_back(hook.name);
        return stages;
    }();
    return kStages;
}

Result<HookFolder> find_hook_folder(const Git& git, const std::string& directory) {
    GitCall ask{.args = {"rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir", "--git-path",
                         "hooks", "--show-toplevel"},
                .directory = directory};
    auto exit = TRY(git.run(ask));
    if (!exit.ok()) {  // a bare repository has no working tree to ask for
        ask.args.back() = "--is-bare-repository";
        auto bare = TRY(git.run(ask));
        if (bare.ok() && trim(bare.out).ends_with("\ntrue")) exit = std::move(bare);
    }
    if (!exit.ok())
        return fail(ErrorKind::NotFound,
                    "not in the working tree of a git repository: " + git_complaint(exit),
                    "change into the repository, or name it with -C DIR");
    const auto lines = lines_of(exit.out);
    if (lines.size() != 4) return fail(ErrorKind::Broken, "git rev-parse gave an answer of another form");
    HookFolder folder;
    folder.git_dir = std::string(lines[0]);
    folder.common_dir = std::string(lines[1]);
    folder.path = std::string(lines[2]);
    if (lines[3] != "true") folder.top = std::string(lines[3]);
    while (folder.path.size() > 1 && folder.path.ends_with('/')) folder.path.pop_back();

    const auto configured =
        TRY(git.run({.args = {"config", "--show-scope", "--get", "core.hooksPath"}, .directory = directory}));
    if (configured.ok()) {
        const auto text = trim(configured.out);
        const auto tab = text.find('\t');
        if (tab != std::string_view::npos) {
            folder.scope = std::string(text.substr(0, tab));
            folder.configured = std::string(text.substr(tab + 1));
        }
    }
    folder.in_work_tree = !folder.top.empty() && beneath(folder.path, folder.top) &&
                          !beneath(folder.path, folder.common_dir) && !beneath(folder.path, folder.git_dir);
    return folder;
}

Hook inspect_hook(const HookFolder& folder, const std::string& stage) {
    Hook hook{.stage = stage};
    const auto path = path_of(folder, stage);
    hook.chained = there(chained_path(folder, stage));
    if (!there(path)) return hook;
    hook.note = read_installed_note(path);
    if (hook.note) {
        hook.state = HookState::Ours;
        const auto now = note_for(hook.note->origin);
        hook.stale = !now || now->size != hook.note->size || now->mtime != hook.note->mtime;
    } else {
        hook.state = access(path.c_str(), X_OK) == 0 ? HookState::Foreign : HookState::Inert;
    }
    return hook;
}

Result<std::vector<Hook>> install_hooks(const HookFolder& folder, const std::string& program,
                                        const std::vector<std::string>& stages) {
    const auto note = TRY(note_for(program));
    TRY(make_dirs(folder.path, 0755));
    bool all_there = true;
    for (const auto& stage : stages) {
        const auto hook = inspect_hook(folder, stage);
        all_there = all_there && up_to_date(hook, note);
        if (hook.state == HookState::Foreign || hook.state == HookState::Inert)
            TRY(refuse_replaced_twice(folder, stage));
    }
    if (!all_there) {
        auto bytes = TRY(read_file(program, kLargestProgram));
        // A copy of a copy would carry two notes; the last one counts.
        TRY(write_file_atomic(folder.path + "/" + kStaged, bytes + to_trailer(note), 0755));
        for (const auto& stage : stages) {
            const auto state = inspect_hook(folder, stage).state;
            auto done = state == HookState::Foreign || state == HookState::Inert ? keep_foreign(folder, stage)
                                                                                 : Result<void>{};
            if (done) done = give_name(folder, stage);
            if (!done) {
                unlink((folder.path + "/" + kStaged).c_str());
                return fail(std::move(done.error()));
            }
        }
        unlink((folder.path + "/" + kStaged).c_str());
    }
    std::vector<Hook> hooks;
    for (const auto& stage : stages) hooks.push_back(inspect_hook(folder, stage));
    return hooks;
}

Result<std::vector<Removed>> uninstall_hooks(const HookFolder& folder) {
    std::vector<Removed> all;
    for (const auto& stage : installable_stages()) {
        const auto hook = inspect_hook(folder, stage);
        const auto path = path_of(folder, stage);
        const auto chained = chained_path(folder, stage);
        Removed removed{.stage = stage};
        if (hook.state == HookState::Ours || (hook.state == HookState::Absent && hook.chained)) {
            removed.restored = hook.chained;
            const int failed = hook.chained ? rename(chained.c_str(), path.c_str()) : unlink(path.c_str());
            if (failed != 0) return fail_errno("cannot take tidegate out of " + escape_foreign(path));
        } else if (hook.chained) {
            removed.foreign = true;
        } else {
            continue;
        }
        all.push_back(removed);
    }
    return all;
}

Result<std::string> find_hook_program() {
    char self[4096];
    const auto length = readlink("/proc/self/exe", self, sizeof self);
    if (length > 0) {
        const std::string path(self, static_cast<size_t>(length));
        auto beside = path.substr(0, path.rfind('/')) + "/tidegate-hook";
        if (access(beside.c_str(), X_OK) == 0) return beside;
    }
    auto found = find_program("tidegate-hook");
    if (!found)
        return fail(ErrorKind::NotFound, "tidegate-hook is neither beside tidegate nor in PATH",
                    "install Tidegate whole: `cmake --install build/release`, or its package");
    return found;
}

}  // namespace tidegate::hooks::cli
