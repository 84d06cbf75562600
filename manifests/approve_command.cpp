#include "manifests/approval.hpp"
#include "manifests/checkout.hpp"
#include "manifests/commands.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/sign/attestation.hpp"
#include "shared/sign/ssh_signer.hpp"

#include <cstdio>

namespace tidegate::manifests {

using namespace shared;

namespace {

// A host counts only those who did not make the change.
void warn_own_change(const Checkout& checkout, const std::string& path) {
    const auto author = checkout.ask({"log", "-n1", "--format=%ae", "--", path});
    const auto me = checkout.ask({"config", "--get", "user.email"});
    if (author && me && !me->empty() && *author == *me)
        std::fputs(("tidegate: warning: " + escape_foreign(*me) +
                    " made the last change of this manifest; hosts do not count the author's own approval\n")
                       .c_str(),
                   stderr);
}

}  // namespace

Result<int> approve(const ApproveOptions& options) {
    const auto checkout = TRY(Checkout::open(options.directory));
    const auto path = TRY(checkout.path_of(options.app, options.environment));
    const auto text = TRY(checkout.committed_text(path));
    const auto manifest = TRY(parse_manifest(path, text));
    const auto key = TRY(checkout.signing_key());
    const auto signer = TRY(SshSigner::make(key));
    const auto digest = manifest_digest(text);
    const auto file = approval_path(options.environment, options.app, digest, signer.public_key());
    const auto what = options.app + " " + escape_foreign(manifest.label()) + " in " + options.environment;
    if (TRY(checkout.text_at("HEAD", file))) {
        std::fputs((what + " is approved by this key already\n").c_str(), stdout);
        return 0;
    }
    warn_own_change(checkout, path);
    const auto signature =
        TRY(signer.sign(kApprovalNamespace, approval_message(options.environment, options.app, digest)));
    const auto commit =
        TRY(during("committing the approval",
                   checkout.commit_file(file, signature,
                                        options.app + ": approve " + manifest.label() + " in " +
                                            options.environment + "\n\nThe manifest's digest is " + digest +
                                            ".\nThe key is " + signer.public_key().fingerprint() + ".\n")));
    std::fputs(("approved " + what + "\n  revision " + commit.substr(0, 7) + " on " +
                escape_foreign(checkout.branch()) + ", signed by " + signer.public_key().fingerprint() + "\n")
                   .c_str(),
               stdout);
    if (options.push) TRY(checkout.push());
    std::fputs(options.push ? "  pushed\n" : "  not pushed; hosts see it after: git push\n", stdout);
    return 0;
}

}  // namespace tidegate::manifests
