// tidegatectl: asks the daemon of this host over its control socket.
#include "reconciler/arguments.hpp"
#include "reconciler/ctl_render.hpp"
#include "reconciler/doctor.hpp"
#include "reconciler/host_config.hpp"
#include "shared/base/fd.hpp"
#include "shared/base/process.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"
#include "shared/face/completion.hpp"
#include "shared/face/face.hpp"

#include <CLI/CLI.hpp>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace tidegate;
using namespace tidegate::shared;
using namespace tidegate::reconciler;

namespace {

constexpr std::string_view kDefaultSocket = "/run/tidegate/control.sock";
constexpr size_t kMostAnswer = 64 << 20;

struct Call {
    std::string command;
    std::string app;
    std::string socket{kDefaultSocket};
    std::string reason;
    std::string length;
    std::string commit;
    std::string config{kDefaultConfig};
    std::int64_t deployment = 0;
    std::int64_t limit = 50;
    bool json = false;
    bool no_wait = false;
    bool irreversible = false;
    bool dry_run = false;
    bool yes = false;
    bool with_old = false;
};

Result<Fd> connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return fail(ErrorKind::Usage, "the socket's path is too long: " + path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) return fail_errno("socket");
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    if (errno == EACCES || errno == EPERM)
        return fail(ErrorKind::Permission, "you may not speak to the daemon at " + path,
                    "run it as root, as the daemon's user, or join the socket's group");
    return fail(ErrorKind::NotFound, "no tidegated answers at " + path,
                "start it (systemctl start tidegated), or name its socket: --socket FILE or TIDEGATE_SOCKET");
}

Result<Value> ask(const Call& call) {
    Value request;
    request.set("command", call.command);
    request.set("app", call.app);
    if (!call.reason.empty()) request.set("reason", call.reason);
    if (!call.length.empty()) request.set("for", call.length);
    if (!call.commit.empty()) request.set("commit", call.commit);
    if (call.command == "adopt") {
        request.set("dry_run", call.dry_run);
        request.set("yes", call.yes);
        request.set("with_old", call.with_old);
    }
    if (call.deployment != 0) request.set("deployment", call.deployment);
    request.set("limit", call.limit);
    request.set("no_wait", call.no_wait);
    request.set("irreversible", call.irreversible);
    const Fd fd = TRY(connect_to(call.socket));
    const auto line = to_json(request) + "\n";
    if (::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size()))
        return fail_errno(call.socket);
    std::string answer;
    char buffer[16384];
    while (answer.find('\n') == std::string::npos && answer.size() < kMostAnswer) {
        const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno != ECONNRESET) return fail_errno(call.socket);
        if (got <= 0)
            return fail(
                ErrorKind::Transient, "the daemon hung up without an answer",
                "it may just be ending, or you may not be allowed to speak to it; its log says which");
        answer.append(buffer, static_cast<size_t>(got));
    }
    return parse_json(answer, {kMostAnswer, 16});
}

int exit_of(const Value& answer) {
    const Value* code = answer.find("exit");
    return code != nullptr ? static_cast<int>(code->integer()) : 0;
}

std::string text(const Value& value, std::string_view key) {
    const Value* found = value.find(key);
    return found != nullptr ? found->text() : std::string();
}

std::string rendered(const Call& call, const Value& answer) {
    const Face face = Face::of(1);
    const auto now = SystemClock().now();
    if (call.command == "status") return render_status(answer, face, now);
    if (call.command == "sync") return call.no_wait ? "asked\n" : render_status(answer, face, now);
    if (call.command == "plan") return render_plan(answer, face);
    if (call.command == "history") return render_history(answer, face, now);
    if (call.command == "show") return render_show(answer, face, now);
    if (call.command == "verify") return render_verify(answer, face);
    if (call.command == "adopt") return render_adoption(answer, face);
    if (call.command == "why") return text(answer, "why");
    return escape_foreign(text(answer, "done")) + "\n";
}

// Asked of the host itself: the daemon may not run.
int examine(const Call& call) {
    const auto ask_status = [&](const std::string& socket) {
        Call status;
        status.command = "status";
        // The configuration's own socket, unless another was named.
        status.socket = call.socket == kDefaultSocket ? socket : call.socket;
        return ask(status);
    };
    auto findings = examine_host(call.config, ask_status, SystemClock().now());
    if (!call.app.empty()) {
        const auto what = "app " + call.app;
        const auto is_it = [&](const Finding& finding) { return finding.what == what; };
        const bool known = std::any_of(findings.begin(), findings.end(), is_it);
        const bool answered = std::none_of(findings.begin(), findings.end(), [](const Finding& finding) {
            return finding.what == "daemon" ||
                   (finding.what == "configuration" && finding.health == Health::Bad);
        });
        if (!known && answered)
            findings.push_back(
                {Health::Bad, what, "this host has no such app", "tidegatectl status shows those it has"});
        std::erase_if(findings, [&](const Finding& finding) {
            return finding.health != Health::Bad && !is_it(finding);
        });
    }
    const auto out = call.json ? to_json(to_value(findings)) + "\n" : render_doctor(findings, Face::of(1));
    std::fwrite(out.data(), 1, out.size(), stdout);
    return all_good(findings) ? 0 : 1;
}

int perform(const Call& call) {
    if (call.command == "doctor") return examine(call);
    const auto answer = ask(call);
    if (!answer) {
        report(answer.error(), "tidegatectl");
        return answer.error().kind == ErrorKind::Usage ? 2 : 3;
    }
    if (const auto error = text(*answer, "error"); !error.empty()) {
        report(Error{ErrorKind::Failed, error, text(*answer, "hint"), {}, {}}, "tidegatectl");
        return exit_of(*answer);
    }
    const bool shape = call.command == "status";
    const auto out =
        call.json ? to_json(shape ? public_status(*answer) : *answer) + "\n" : rendered(call, *answer);
    std::fwrite(out.data(), 1, out.size(), stdout);
    if (call.command == "status" || call.command == "why" || call.command == "plan") return 0;
    return exit_of(*answer);
}

void add_commands(CLI::App& program, Call& call) {
    const auto add = [&](const char* name, const char* help, bool needs_app) {
        auto* sub = program.add_subcommand(name, help);
        auto* app = sub->add_option("app", call.app, "the app");
        if (needs_app) app->required();
        sub->add_flag("--json", call.json, "facts for scripts");
        sub->add_option("--socket", call.socket, "the daemon's control socket")->type_name("FILE");
        sub->callback([&call, name] { call.command = name; });
        return sub;
    };
    add("status", "every app: where it is, where it should be, and why", false);
    add("plan", "what would be done now, app by app; nothing is touched", false);
    add("sync", "look now, and wait until that is done", false)
        ->add_flag("--no-wait", call.no_wait, "do not wait");
    auto* pause = add("pause", "leave an app, or without a name the whole host, alone until resume", false);
    pause->add_option("--reason", call.reason, "shown in status");
    pause->add_option("--for", call.length, "it ends by itself after this time")->type_name("2h");
    add("resume", "look after an app again; without a name: end the pause of the host", false);
    add("retry", "try a held, waiting or broken app again", true)
        ->add_flag("--irreversible", call.irreversible, "also where its migration cannot be taken back");
    add("history", "deployments, newest first", false)
        ->add_option("--limit", call.limit, "how many, at most 10000")
        ->check(CLI::Range(1, 10'000).description(""));
    add("show", "one deployment with its phases and what its commands said", true)
        ->add_option("deployment", call.deployment, "its number; the last one without")
        ->check(CLI::Validator(CLI::PositiveNumber).description(""));
    add("verify", "ask again whether the running release is proven", true);
    add("doctor", "whether this host can do its work, and what mends what is wrong; 1 where something is",
        false)
        ->add_option("--config", call.config, "the host's configuration")
        ->type_name("FILE")
        ->capture_default_str();
    auto* adopt = add("adopt", "take over what Capistrano, Deployer or a person deployed, as it runs", true);
    adopt->add_option("--commit", call.commit, "the commit that it came from, where nothing there tells")
        ->type_name("ID");
    adopt->add_flag("--dry-run", call.dry_run, "only say what is found and what would follow");
    adopt->add_flag("--yes", call.yes, "also where something was warned of");
    adopt->add_flag("--with-old", call.with_old,
                    "the older releases, too, may be removed by `keep` from now on");
    add("why", "in a paragraph: why the app is not at what is declared, and what would change that", true);
}

// What a shell asks for the words after our name, the last one being completed.
std::string complete(CLI::App& program, Call& call, const std::vector<std::string>& words) {
    Completions found;
    const auto all = [](const CLI::App*) { return true; };
    CLI::App* at = &program;
    std::string value_of;  // the option whose value comes next
    size_t positionals = 0;
    for (size_t i = 0; i + 1 < words.size(); ++i) {
        const auto& word = words[i];
        if (word == "=") continue;
        if (!value_of.empty()) {
            if (value_of == "--socket") call.socket = word;
            value_of.clear();
        } else if (word.starts_with('-')) {
            const auto* option = at->get_option_no_throw(word);
            if (option != nullptr && option->get_items_expected_max() > 0) value_of = word;
        } else {
            CLI::App* below = nullptr;
            for (auto* sub : at->get_subcommands(all))
                if (sub->get_name() == word) below = sub;
            if (below != nullptr)
                at = below;
            else
                ++positionals;
        }
    }
    const std::string begun = words.empty() ? "" : words.back();
    if (!value_of.empty()) {
        found.files = value_of == "--socket";
    } else if (begun.starts_with('-')) {
        for (const auto* option : at->get_options())
            for (const auto& name : option->get_lnames())
                found.words.push_back({"--" + name, option->get_description()});
    } else if (at == &program) {
        for (const auto* sub : at->get_subcommands(all))
            found.words.push_back({sub->get_name(), sub->get_description()});
    } else if (at->get_name() == "completion") {
        found.words = {{"bash", ""}, {"zsh", ""}, {"fish", ""}};
    } else if (positionals == 0) {
        call.command = "status";
        const auto answer = ask(call);
        const Value* apps = answer ? answer->find("apps") : nullptr;
        if (apps != nullptr)
            for (const auto& app : apps->list())
                found.words.push_back({text(app, "app"), text(app, "state")});
    }
    return completion_lines(found, begun);
}

}  // namespace

int main(int argc, char** argv) {
    Call call;
    if (const char* socket = std::getenv("TIDEGATE_SOCKET"); socket != nullptr && *socket != '\0')
        call.socket = socket;
    CLI::App program("Asks the reconciler of this host.", "tidegatectl");
    program.set_version_flag("--version", "tidegatectl " TIDEGATE_VERSION);
    program.require_subcommand(1);
    program.add_option("--socket", call.socket, "the daemon's control socket")->type_name("FILE");
    program.add_flag("--json", call.json, "facts for scripts");
    add_commands(program, call);
    std::string shell;
    auto* completion = program.add_subcommand("completion", "print the completion script of a shell");
    completion->add_option("shell", shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    if (argc > 3 && std::string_view(argv[1]) == "completion" && std::string_view(argv[2]) == "words") {
        const auto lines = complete(program, call, std::vector<std::string>(argv + 4, argv + argc));
        std::fwrite(lines.data(), 1, lines.size(), stdout);
        return 0;
    }
    if (const auto code = read_arguments(program, argc, argv)) return *code;
    open_standard_streams();
    ignore_sigpipe();
    if (completion->parsed()) {
        std::fputs(completion_script(shell, "tidegatectl")->c_str(), stdout);
        return 0;
    }
    return perform(call);
}
