// The release manager's commands; what they do is in manifests/.
#include "hooks/cli/commands.hpp"
#include "manifests/commands.hpp"

namespace tidegate::hooks::cli {

namespace {

const std::string kGroup = "Releases";

Result<int> release(const Arguments& arguments) {
    manifests::ReleaseOptions options;
    options.app = arguments.text("APP", "");
    options.environment = arguments.text("env", "");
    options.commit = arguments.text("commit");
    options.version = arguments.text("version");
    options.source = arguments.text("source");
    options.push = arguments.has("push");
    if (options.commit.has_value() == options.version.has_value())
        return fail(ErrorKind::Usage, "a release is named by either --commit or --version");
    return manifests::release(options);
}

Result<int> promote(const Arguments& arguments) {
    manifests::PromoteOptions options;
    options.app = arguments.text("APP", "");
    options.from = arguments.text("FROM", "");
    options.to = arguments.text("TO", "");
    options.push = arguments.has("push");
    return manifests::promote(options);
}

Result<int> approve(const Arguments& arguments) {
    manifests::ApproveOptions options;
    options.app = arguments.text("APP", "");
    options.environment = arguments.text("env", "");
    options.push = arguments.has("push");
    return manifests::approve(options);
}

Result<int> rollback(const Arguments& arguments) {
    manifests::RollbackOptions options;
    options.app = arguments.text("APP", "");
    options.environment = arguments.text("env", "");
    options.to = arguments.text("to");
    options.push = arguments.has("push");
    return manifests::rollback(options);
}

}  // namespace

std::vector<Command> release_commands() {
    const Option app{"APP", "", "the app's name", Takes::Required};
    const Option env{"--env", "E", "the environment", Takes::Required};
    const Option push{"--push", "", "push the commit that was made", Takes::Nothing};
    const Option source{"--source", "DIR", "a clone of the app to ask, instead of its address", Takes::One};
    const std::string where = "Works on the checkout of a manifests branch.";
    return {{"release",
             kGroup,
             "write the manifest change for a release, as a signed commit",
             where,
             {app,
              env,
              {"--commit", "C", "the app's commit to release, or …", Takes::One},
              {"--version", "V", "… a tag of its repository", Takes::One},
              source,
              push},
             {},
             release},
            {"promote",
             kGroup,
             "bring one environment's release to another",
             where,
             {app,
              {"FROM", "", "environment", Takes::Required},
              {"TO", "", "environment", Takes::Required},
              push},
             {},
             promote},
            {"approve",
             kGroup,
             "sign your approval of a manifest as it is committed",
             where,
             {app, env, push},
             {},
             approve},
            {"rollback",
             kGroup,
             "go back to what was declared before",
             where,
             {app, env, {"--to", "REVISION", "to the manifest of this revision", Takes::One}, push},
             {},
             rollback}};
}

}  // namespace tidegate::hooks::cli
