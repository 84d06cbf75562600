#include "hooks/fix_scratch.hpp"

#include "shared/base/text.hpp"

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr std::string_view kPrefix = "fix";

// As git reads a quoted path: a text in double quotes with C's escapes.
std::string c_quoted(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            quoted += '\\';
            quoted += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            for (const int shift : {6, 3, 0}) {
                if (shift == 6) quoted += '\\';
                quoted += static_cast<char>('0' + (byte >> shift & 7));
            }
        } else {
            quoted += c;
        }
    }
    return quoted + "\"";
}

// Folders of runs that were killed: nobody holds their lock any more.
void remove_abandoned(const std::string& folder) {
    const auto dir = open_dir(folder);
    if (!dir) return;
    for (const auto& name : list_dir(dir->get()).value_or(std::vector<std::string>())) {
        if (!name.starts_with(std::string(kPrefix) + ".")) continue;
        if (!exists(folder + "/" + name + "/lock")) continue;  // made this very moment
        const auto lock = Lock::take(folder + "/" + name + "/lock");
        if (lock) (void)remove_tree(dir->get(), name);
    }
}

}  // namespace

Result<Scratch> Scratch::make(const Repository& repo) {
    TRY(make_dirs(repo.own_dir(), 0755));
    remove_abandoned(repo.own_dir());
    auto folder = TRY(TempDir::make(std::string(kPrefix), repo.own_dir()));
    auto lock = TRY(Lock::take(folder.path() + "/lock"));
    TRY(make_dirs(folder.path() + "/objects", 0700));
    return Scratch(repo, std::move(folder), std::move(lock));
}

GitCall Scratch::in_own_store(GitCall call) const {
    call.env["GIT_OBJECT_DIRECTORY"] = file("objects");
    call.env["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = c_quoted(repo_->common_dir + "/objects");
    return call;
}

Result<std::vector<Oid>> store_files(const Repository& repo, GitCall call,
                                     const std::vector<std::string>& files) {
    std::vector<Oid> oids;
    if (files.empty()) return oids;
    call.args = {"hash-object", "-w", "--no-filters", "--stdin-paths"};
    for (const auto& file : files) call.input += c_quoted(file) + "\n";
    const auto text = TRY(repo.git.output(call));
    for (const auto line : lines_of(text)) oids.push_back(TRY(Oid::parse(line)));
    if (oids.size() != files.size()) return fail(ErrorKind::Broken, "git hash-object left a file out");
    return oids;
}

}  // namespace tidegate::hooks
