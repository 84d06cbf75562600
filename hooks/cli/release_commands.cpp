// The release manager's commands. What they do is in manifests/; this says only how they are typed.
#include "hooks/cli/commands.hpp"
#include "manifests/commands.hpp"

namespace tidegate::hooks::cli {

namespace {

const Option kApp{"APP", "", "the app, as its manifest is named", Takes::Required};
const Option kEnvironment{"--env", "ENVIRONMENT", "the environment, as its folder is named", Takes::Required};
const Option kPush{"--push", "", "push the branch afterwards", Takes::Nothing};
const Option kSource{"--source", "DIR", "a clone of the app to ask instead of its URL", Takes::One};

constexpr const char* kGroup = "Releases, in a checkout of the manifests branch";

Command lint_command() {
    return {"lint",
            kGroup,
            "validate the manifests of a checkout, all of them",
            "Shows every problem and ends with 2 where there is one. Reads files, not commits.",
            {{"DIR", "", "the folder; without: the checkout that you are in", Takes::One}, kJson},
            {},
            [](const Arguments& arguments) {
                return manifests::lint({arguments.text("DIR", "."), arguments.has("json")});
            }};
}

Command release_command() {
    return {
        "release",
        kGroup,
        "release a commit or a version of an app",
        "Writes it into the manifest and commits that, signed. A version is a tag of the app's repository.\n"
        "A commit may be abbreviated where it is the tip of a branch or tag, or with --source.",
        {kApp,
         kEnvironment,
         {"--commit", "COMMIT", "the commit to release", Takes::One},
         {"--version", "TAG", "the tag to release", Takes::One},
         kSource,
         kPush},
        {},
        [](const Arguments& arguments) {
            return manifests::release({.app = arguments.text("APP", ""),
                                       .environment = arguments.text("env", ""),
                                       .commit = arguments.text("commit"),
                                       .version = arguments.text("version"),
                                       .source = arguments.text("source"),
                                       .push = arguments.has("push")});
        }};
}

Command promote_command() {
    return {"promote",
            kGroup,
            "release in one environment what another one has",
            "",
            {kApp,
             {"FROM", "", "the environment that has it", Takes::Required},
             {"TO", "", "the environment that gets it", Takes::Required},
             kPush},
            {},
            [](const Arguments& arguments) {
                return manifests::promote({.app = arguments.text("APP", ""),
                                           .from = arguments.text("FROM", ""),
                                           .to = arguments.text("TO", ""),
                                           .push = arguments.has("push")});
            }};
}

Command rollback_command() {
    return {
        "rollback",
        kGroup,
        "make an app's manifest what it was before",
        "Without --to: before its last change on this branch. The branch goes forward: it is a new commit.",
        {kApp,
         kEnvironment,
         {"--to", "REVISION", "the revision whose manifest is to be again", Takes::One},
         kPush},
        {},
        [](const Arguments& arguments) {
            return manifests::rollback({.app = arguments.text("APP", ""),
                                        .environment = arguments.text("env", ""),
                                        .to = arguments.text("to"),
                                        .push = arguments.has("push")});
        }};
}

Command approve_command() {
    return {
        "approve",
        kGroup,
        "sign a manifest as it is committed",
        "A host counts distinct people who are allowed to approve, the author of the change not among them.",
        {kApp, kEnvironment, kPush},
        {},
        [](const Arguments& arguments) {
            return manifests::approve({.app = arguments.text("APP", ""),
                                       .environment = arguments.text("env", ""),
                                       .push = arguments.has("push")});
        }};
}

Command diff_command() {
    return {"diff",
            kGroup,
            "what a change of the manifests would do, app by app",
            "With --source also the commits between the two releases.",
            {{"RANGE", "", "two revisions: A..B; A alone is A..HEAD", Takes::Required},
             {"--env", "ENVIRONMENT", "this environment only", Takes::One},
             kSource,
             kJson},
            {},
            [](const Arguments& arguments) {
                return manifests::diff({.range = arguments.text("RANGE", ""),
                                        .environment = arguments.text("env"),
                                        .source = arguments.text("source"),
                                        .json = arguments.has("json")});
            }};
}

}  // namespace

std::vector<Command> release_commands() {
    return {lint_command(),     release_command(), promote_command(),
            rollback_command(), approve_command(), diff_command()};
}

}  // namespace tidegate::hooks::cli
