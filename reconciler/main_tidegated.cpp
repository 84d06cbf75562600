// tidegated: the reconciler daemon.
#include "reconciler/arguments.hpp"
#include "reconciler/daemon.hpp"
#include "shared/base/process.hpp"
#include "shared/face/face.hpp"

#include <CLI/CLI.hpp>
#include <malloc.h>
#include <signal.h>
#include <sys/stat.h>

#include <cstdio>

using namespace tidegate;
using namespace tidegate::reconciler;

namespace {

// Before any thread is made: signals are read from a descriptor by the main thread only.
void block_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
    sigprocmask(SIG_BLOCK, &set, nullptr);
}

Result<int> run(const std::string& config_file, DaemonOptions options) {
    const HostConfig config = TRY(load_host_config(config_file));
    const auto daemon = TRY(Daemon::make(config, std::move(options)));
    return daemon->run();
}

}  // namespace

int main(int argc, char** argv) {
    mallopt(M_ARENA_MAX, 2);  // a thread for each app would otherwise keep memory of its own
    CLI::App program("Converges this host to the releases that the manifests branch declares.", "tidegated");
    program.set_version_flag("--version", "tidegated " TIDEGATE_VERSION);
    std::string config{kDefaultConfig};
    DaemonOptions options;
    program.add_option("--config", config, "the host's configuration")
        ->type_name("FILE")
        ->capture_default_str();
    program.add_flag(
        "--once", options.once,
        "converge once and end: 0 converged, 1 not, 2 configuration, 3 environment, 4 refused by policy");
    program.add_option("--app", options.app, "only this app")->type_name("APP");
    if (const auto code = read_arguments(program, argc, argv)) return *code;
    // Threads come and go with the apps; an arena for each would be kept for ever.
    mallopt(M_ARENA_MAX, 2);
    shared::open_standard_streams();
    shared::ignore_sigpipe();
    block_signals();
    umask(0022);
    const auto code = run(config, std::move(options));
    return code ? *code : shared::report(code.error(), "tidegated");
}
