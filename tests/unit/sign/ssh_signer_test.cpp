#include "shared/sign/ssh_signer.hpp"

#include "tests/unit/sign/rig.hpp"

#include <sys/stat.h>

#include <csignal>
#include <cstdlib>

using namespace tidegate::test;

namespace {

std::string sign_and_check(const SshSigner& signer) {
    const auto armor = signer.sign("tidegate-attestation", "hello");
    if (!armor) return refusal(armor) + " / " + armor.error().hint;
    const auto signature = parse_sshsig(*armor);
    REQUIRE(signature.has_value());
    CHECK(signature->key == signer.public_key());
    return refusal(verify_sshsig(*signature, "tidegate-attestation", "hello"));
}

// A copy of a key pair, with or without its halves.
struct Copy {
    TempDir folder = std::move(*TempDir::make("tidegate-signer"));
    std::string path = folder.path() + "/id";

    void put(const std::string& name, const std::string& text) const {
        REQUIRE(write_file_atomic(folder.path() + "/" + name, text, 0600).has_value());
    }
};

// An agent of our own for as long as it lives.
class Agent {
  public:
    Agent() {
        Command command;
        command.argv = {"/usr/bin/ssh-agent", "-s", "-a", folder_.path() + "/agent"};
        command.env = basic_environment();
        command.stays_behind = true;
        const auto exit = run(command);
        REQUIRE(exit.has_value());
        pid_ = std::atoi(exit->out.c_str() + exit->out.find("SSH_AGENT_PID=") + 14);
        setenv("SSH_AUTH_SOCK", (folder_.path() + "/agent").c_str(), 1);
    }
    ~Agent() {
        unsetenv("SSH_AUTH_SOCK");
        if (pid_ > 1) kill(pid_, SIGTERM);
    }
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;
    void add(const std::string& key) const {
        auto env = basic_environment();
        env.set("SSH_AUTH_SOCK", folder_.path() + "/agent");
        must_run({"/usr/bin/ssh-add", "-q", key}, {}, {}, &env);
    }

  private:
    TempDir folder_ = std::move(*TempDir::make("tidegate-agent"));
    int pid_ = 0;
};

}  // namespace

TEST_CASE("signer: a key file signs, named by its private half, with the public one missing or beside it") {
    for (const auto& type : key_types()) {
        CAPTURE(type.name);
        const auto& key = key_file(type.name, type.options);
        const auto signer = SshSigner::make(key.path);
        REQUIRE_MESSAGE(signer.has_value(), refusal(signer));
        CHECK(signer->public_key() == key.key);
        CHECK(sign_and_check(*signer) == "");
    }
    const Copy copy;
    copy.put("id", must_read(key_file("ana").path));
    const auto lone = SshSigner::make(copy.path);
    REQUIRE_MESSAGE(lone.has_value(), refusal(lone));
    CHECK(sign_and_check(*lone) == "");
}

TEST_CASE("signer: a .pub file signs with the private key beside it, and ~ is expanded") {
    const auto& key = key_file("ana");
    const auto signer = SshSigner::make(key.path + ".pub");
    REQUIRE(signer.has_value());
    CHECK(sign_and_check(*signer) == "");
    const std::string home = std::getenv("HOME") == nullptr ? "" : std::getenv("HOME");
    setenv("HOME", key.path.substr(0, key.path.rfind('/')).c_str(), 1);
    const auto expanded = SshSigner::make("~/ana");
    CHECK(expanded.has_value());
    setenv("HOME", home.c_str(), 1);
}

TEST_CASE("signer: a key in the agent signs, named by .pub file, by key:: or literally") {
    const auto& key = key_file("ana");
    const Copy copy;
    copy.put("id.pub", must_read(key.path + ".pub"));
    const std::vector<std::string> names{copy.path + ".pub", "key::" + key.key.text(),
                                         key.key.text() + " comment"};
    for (const auto& name : names) {
        CAPTURE(name);
        const auto signer = SshSigner::make(name);
        REQUIRE_MESSAGE(signer.has_value(), refusal(signer));
        CHECK(signer->public_key() == key.key);
        CHECK(sign_and_check(*signer).find("ssh-add") != std::string::npos);  // no agent yet
        const Agent agent;
        CHECK(sign_and_check(*signer).find("ssh-add") != std::string::npos);  // it lacks the key
        agent.add(key.path);
        CHECK(sign_and_check(*signer) == "");
    }
}

TEST_CASE("signer: a passphrase is never asked for, and the refusal says what to do") {
    const auto& locked = key_file("locked", {"-t", "ed25519", "-N", "secret"});
    const auto signer = SshSigner::make(locked.path);
    REQUIRE_MESSAGE(signer.has_value(), refusal(signer));
    const auto said = sign_and_check(*signer);
    CHECK(said.find("cannot sign with key SHA256:") != std::string::npos);
    CHECK(said.find("ssh-add") != std::string::npos);
}

TEST_CASE("signer: what is no key is said at once") {
    const Copy copy;
    copy.put("junk", "hello\n");
    copy.put("cut", must_read(key_file("ana").path).substr(0, 120));
    for (const auto& name :
         {std::string(), copy.folder.path() + "/none", copy.folder.path() + "/junk",
          copy.folder.path() + "/cut", std::string("key::ssh-ed25519 AAAA"), std::string("key::")}) {
        CAPTURE(name);
        CHECK_FALSE(SshSigner::make(name).has_value());
    }
    CHECK_FALSE(SshSigner::make(key_file("ana").path, "no-such-program").has_value());
}

TEST_CASE("signer: a signing program that makes something else is found out") {
    const Copy copy;
    copy.put("evil",
             "#!/bin/sh\nexec /usr/bin/ssh-keygen -q -Y sign -n git -f " + key_file("ben").path + "\n");
    chmod((copy.folder.path() + "/evil").c_str(), 0700);
    const auto signer = SshSigner::make(key_file("ana").path, copy.folder.path() + "/evil");
    REQUIRE(signer.has_value());
    CHECK(sign_and_check(*signer).find("another key") != std::string::npos);
}
