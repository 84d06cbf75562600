#include "builtin_cases.hpp"

using namespace tidegate::hooks::builtin;

namespace {

// Put together at run time: no file of this repository holds what looks like a secret.
std::string token(const std::string& prefix, size_t length,
                  std::string_view alphabet = "x7Kq2LmZ9vRt4Wb8NcY1sD6fHgJ3pQ5aTuE0") {
    std::string text = prefix;
    for (size_t i = 0; i < length; ++i) text += alphabet[(i * 7 + i / alphabet.size()) % alphabet.size()];
    return text;
}
constexpr std::string_view kHex = "9f86d081884c7d65";
constexpr std::string_view kBase32 = "QJ3MZT7XKLW5R2YN";

Problems found_in(const std::string& content) {
    return problems_of(secrets, "f", content);
}

}  // namespace

TEST_CASE("builtin: tokens of the usual services are found, and never printed") {
    const std::string url_safe = token("eyJhbGciOiJSUzI1", 24);
    const std::vector<std::string> tokens{
        token("AKIA", 16, kBase32),
        token("ghp_", 36),
        token("gho_", 36),
        token("github_pat_", 82),
        token("glpat-", 20),
        token("glptt-", 40, kHex),
        token("xoxb-", 48),
        token("sk_live_", 24),
        token("rk_live_", 99),
        token("AIza", 35),
        token("GOCSPX-", 28),
        token("npm_", 36),
        token("pypi-AgEIcHlwaS5vcmc", 120),
        token("dop_v1_", 64, kHex),
        token("hvs.", 90),
        token("shpat_", 32, kHex),
        token("sk-ant-api03-", 93),
        token("sk-ant-oat01-", 93),
        token("sk-proj-", 156),
        token("sk-svcacct-", 120),
        token("sk-", 20) + "T3Blb" + "kFJ" + token("", 20),
        token("gsk_", 52),
        token("glcbt-64_", 20),
        token("glrt-t1_", 20),
        token("dckr_pat_", 27),
        token("dapi", 32, kHex),
        token("figd_", 40),
        token("SG.", 22) + "." + token("", 43),
        url_safe + ".eyJ" + token("", 40) + "." + token("", 43),
    };
    for (const auto& secret : tokens) {
        for (const std::string& around :
             {std::string("%"), std::string("key = \"%\"\n"), std::string("KEY=%\n"),
              std::string("https://u:%@host/x"), std::string("use %."), std::string("[%]")}) {
            auto text = around;
            text.replace(text.find('%'), 1, secret);
            CAPTURE(text);
            const auto problems = found_in("first\n" + text);
            REQUIRE(problems.size() == 1);
            CHECK(problems[0].line == 2);
            CHECK(problems[0].column == static_cast<int>(around.find('%')) + 1);
            // What follows the prefix appears nowhere.
            CHECK(problems[0].what.find(secret.substr(secret.size() - 12)) == std::string::npos);
            CHECK(problems[0].what.find(secret.substr(12, 8)) == std::string::npos);
        }
    }
}

TEST_CASE("builtin: secrets that only their name or address tells") {
    const auto value = token("", 40);
    for (const std::string name :
         {"aws_secret_access_key = ", "AWS_SECRET_ACCESS_KEY=", "\"SecretAccessKey\": \"",
          "secret_access_key: '", "aws-secret-access-key => "}) {
        CAPTURE(name);
        REQUIRE(found_in(name + value).size() == 1);
        CHECK(found_in(name + value)[0].what.find(value) == std::string::npos);
    }
    const auto storage = token("", 86) + "==";
    CHECK(found_in("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=" + storage + ";").size() == 1);
    CHECK(found_in("account_key: '" + storage + "'").size() == 1);
    CHECK(found_in("Endpoint=sb://x/;SharedAccessKey=" + token("", 43) + "=").size() == 1);
    CHECK(found_in("\"type\": \"service_account\",\n\"private_key_id\": \"" + token("", 40, kHex) + "\",")
              .size() == 1);
    CHECK(found_in("client_secret = \"x4k" + std::string("8Q~") + token("", 34) + "\"").size() == 1);
    CHECK(found_in("bot: 123456789" + std::string(":AA") + token("", 32)).size() == 1);
    CHECK(found_in("AccountKey=" + token("", 86)).empty());  // not padded
    CHECK(found_in("AccountKey=<your account key here>").empty());
    CHECK(found_in("private_key_id: " + token("", 32, kHex)).empty());  // another length
    CHECK(found_in("12:30:45 123456789:AA").empty());
    CHECK(found_in("aws_secret_access_key = " + value + "x").empty());
    CHECK(found_in("aws_secret_access_key = ${SECRET}").empty());
    CHECK(found_in("url: https://hooks.slack.com" + ("/services/T" + token("", 9)) + "/B" + token("", 10) +
                   "/" + token("", 24))
              .size() == 1);
    CHECK(found_in("url: https://hooks.slack.com/services/TXXXXXXXX/BXXXXXXXX/XXXXXXXXXXXXXXXXXXXXXXXX")
              .empty());
}

TEST_CASE("builtin: what only resembles a secret is let through") {
    for (const std::string& text : {
             token("ghp_", 35),                         // too short
             token("AKIA", 17, kBase32),                // too long
             token("XAKIA", 16, kBase32),               // within a word
             token("AKIA", 16, "qj3mzt7xklw5r2yn"),     // lower case
             std::string("AKIA") + "IOSFODNN7EXAMPLE",  // the manual's
             "ghp_" + std::string(36, 'x'),             // a placeholder
             "ghp_" + std::string("abcdefghijklmnopqrstuvwxyz0123456789"),
             std::string("sk_live_") + "your_key_goes_here_please",
             std::string("npm_config_registry_is_a_long_name_here"),
             std::string("npm_") + "lifecycleEventHandlerForTheWholeTre",
             std::string("glpat-") + "short",
             std::string("hf_transformers_model_for_sequences_x"),
             std::string("AIza") + "SyShort",
             token("", 40, kHex),    // a commit id
             "sk-" + token("", 48),  // no maker's mark
             std::string("3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
             "key " + token("", 40, kHex) + " " + token("", 64, kHex),
             std::string("dapi") + "ContinuesAsAnOrdinaryIdentifier1",
             "r8_" + token("", 36),
             token("sha512-", 86),  // an integrity line
             std::string("eyJ.eyJ.x"),
             std::string("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.") +
                 "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
             token("ghp_", 36) + "  # pragma: allowlist secret",
             "x = '" + token("sk_live_", 24) + "'  // gitleaks:allow",
         }) {
        CAPTURE(text);
        CHECK(found_in(text).empty());
    }
}

TEST_CASE("builtin: secrets are looked for in any bytes, in bounded time and number") {
    const auto secret = token("ghp_", 36);
    CHECK(found_in(std::string("\0\xff\xfe", 3) + secret).size() == 1);
    CHECK(found_in(std::string(1 << 20, 'a')).empty());
    CHECK(found_in(std::string(1 << 20, '.')).empty());
    std::string many;
    for (int i = 0; i < 100'000; ++i) many += secret + " ";
    CHECK(found_in(many).size() == 50);
    std::string dots;
    for (int i = 0; i < 100'000; ++i) dots += "eyJ.";
    CHECK(found_in(dots).empty());
    std::string prefixes;
    for (int i = 0; i < 50'000; ++i) prefixes += "glpat-.";
    CHECK(found_in(prefixes).size() <= 50);
    CHECK(found_in(many + secret)[3].column == 3 * 41 + 1);
}
