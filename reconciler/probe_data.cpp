// Probes of files and databases.
#include "reconciler/probes.hpp"
#include "shared/base/fd.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kFileLooked = 8 << 20;

}  // namespace

std::vector<std::string> database_command(const manifests::DatabaseCheck& check, Duration within) {
    const auto seconds = std::to_string(std::max<Duration::rep>(within.count() / 1000, 1));
    switch (check.client) {
        case manifests::DatabaseClient::Psql:
            // -X: not the user's psqlrc; -w: never ask for a password; PGCONNECT_TIMEOUT comes by the environment.
            return {"psql", "-X",           "-q", "-A",       "-t", "-w", "-v", "ON_ERROR_STOP=1",
                    "-d",   check.database, "-c", check.query};
        case manifests::DatabaseClient::Mysql:
            return {"mysql",
                    "--batch",
                    "--skip-column-names",
                    "--connect-timeout=" + seconds,
                    "--database=" + check.database,
                    "--execute=" + check.query};
        case manifests::DatabaseClient::Sqlite3: break;
    }
    // mode=rw: a file that is not there is not made.
    return {"sqlite3", "-batch", "-bail", "file:" + check.database + "?mode=rw", check.query};
}

ProbeAnswer ask(const FileProbe& probe, const HealthSite& site, int) {
    auto path = probe.path;
    if (!path.starts_with('/')) {
        if (site.commands == nullptr) return {false, "has no release to lie in"};
        path = site.commands->directory + "/" + path;
    }
    const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd)
        return {false,
                errno == ENOENT ? "is not there" : std::string("cannot be read: ") + strerrordesc_np(errno)};
    struct stat facts {};
    if (fstat(fd.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) return {false, "is no file"};
    const WallTime changed{Duration(facts.st_mtim.tv_sec * 1000 + facts.st_mtim.tv_nsec / 1'000'000)};
    const auto age = std::max(Duration(0), SystemClock().now() - changed);
    if (probe.younger.count() != 0 && age > probe.younger)
        return {false,
                "was last changed " + human_duration(age) + " ago, wanted " + human_duration(probe.younger)};
    if (probe.content.empty()) return {true, "is there"};
    const auto text = read_fd(fd.get(), kFileLooked, path);
    if (!text) return {false, "cannot be read: " + text.error().message};
    const auto wanted = filled(probe.content, site);
    if (text->find(wanted) == std::string::npos)
        return {false, "does not hold `" + escape_foreign(wanted) + "`"};
    return {true, "holds it"};
}

ProbeAnswer ask(const DatabaseProbe& probe, const HealthSite& site, int cancel_fd) {
    if (site.commands == nullptr) return {false, "has no release to run in"};
    auto where = *site.commands;
    where.env.emplace("PGCONNECT_TIMEOUT",
                      std::to_string(std::max<Duration::rep>(probe.within.count() / 1000, 1)));
    std::vector<std::string> secrets;
    for (const auto& [name, value] : where.secrets) secrets.push_back(value);
    auto quiet = DeploymentLog::none(secrets);
    RunOptions options;
    options.what = "query";
    options.probes = true;
    options.timeout = probe.within;
    options.cancel_fd = cancel_fd;
    const auto exit = run_script({"", database_command(probe.check, probe.within)}, where, options, quiet);
    if (!exit) {
        const auto& message = exit.error().message;
        return {false, message.starts_with("query ") ? message.substr(6) : message};
    }
    const auto wanted = filled(probe.check.answer, site);
    if (!wanted.empty() && exit->out.find(wanted) == std::string::npos)
        return {false, "answered without `" + escape_foreign(wanted) + "`"};
    return {true, "answered", exit->took};
}

}  // namespace tidegate::reconciler
