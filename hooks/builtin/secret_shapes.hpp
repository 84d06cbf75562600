// Tokens that their makers give a prefix. Internal to secrets.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace tidegate::hooks::builtin {

using Allowed = bool (*)(char);
inline bool is_upper_or_digit(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7');
}  // base32
inline bool is_alnum(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
inline bool is_word(char c) {
    return is_alnum(c) || c == '_';
}
inline bool is_url_safe(char c) {
    return is_word(c) || c == '-';
}
inline bool is_dotted(char c) {
    return is_url_safe(c) || c == '.';
}
inline bool is_base64(char c) {
    return is_alnum(c) || c == '+' || c == '/';
}
inline bool is_low_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

// A token is a prefix and so many characters of a kind; what its makers say of it, no guessing by looks.
struct Shape {
    std::string_view prefix;
    std::string_view what;
    Allowed allowed;
    size_t least;
    size_t most;
};
constexpr size_t kAny = 4096;
constexpr std::array kShapes{
    Shape{"AKIA", "AWS access key", is_upper_or_digit, 16, 16},
    Shape{"ASIA", "AWS access key", is_upper_or_digit, 16, 16},
    Shape{"ghp_", "GitHub token", is_alnum, 36, 255},
    Shape{"gho_", "GitHub token", is_alnum, 36, 255},
    Shape{"ghu_", "GitHub token", is_alnum, 36, 255},
    Shape{"ghs_", "GitHub token", is_alnum, 36, 255},
    Shape{"ghr_", "GitHub token", is_alnum, 36, 255},
    Shape{"github_pat_", "GitHub token", is_word, 82, 255},
    Shape{"glpat-", "GitLab token", is_dotted, 20, 320},
    Shape{"gldt-", "GitLab deploy token", is_dotted, 20, 320},
    Shape{"glrt-", "GitLab runner token", is_dotted, 20, 320},
    Shape{"glcbt-", "GitLab job token", is_dotted, 20, 320},
    Shape{"glptt-", "GitLab trigger token", is_low_hex, 40, 40},
    Shape{"glsoat-", "GitLab token", is_dotted, 20, 320},
    Shape{"glft-", "GitLab feed token", is_dotted, 20, 320},
    Shape{"glagent-", "GitLab agent token", is_dotted, 50, 320},
    Shape{"glimt-", "GitLab mail token", is_dotted, 20, 320},
    Shape{"gloas-", "GitLab OAuth secret", is_dotted, 64, 320},
    Shape{"glffct-", "GitLab feature flags token", is_dotted, 20, 320},
    Shape{"GR1348941", "GitLab runner token", is_url_safe, 20, 50},
    Shape{"xoxb-", "Slack token", is_url_safe, 40, 255},
    Shape{"xoxp-", "Slack token", is_url_safe, 40, 255},
    Shape{"xoxa-", "Slack token", is_url_safe, 40, 255},
    Shape{"xoxr-", "Slack token", is_url_safe, 40, 255},
    Shape{"xoxs-", "Slack token", is_url_safe, 40, 255},
    Shape{"xoxe.xox", "Slack token", is_dotted, 40, 255},
    Shape{"xoxe-1-", "Slack token", is_url_safe, 40, 255},
    Shape{"xapp-1-", "Slack token", is_url_safe, 40, 255},
    Shape{"sk_live_", "Stripe key", is_alnum, 16, 247},
    Shape{"rk_live_", "Stripe key", is_alnum, 16, 247},
    Shape{"sk_test_", "Stripe key", is_alnum, 24, 247},
    Shape{"rk_test_", "Stripe key", is_alnum, 24, 247},
    Shape{"whsec_", "webhook secret", is_base64, 32, 64},
    Shape{"AIza", "Google API key", is_url_safe, 35, 35},
    Shape{"GOCSPX-", "Google OAuth secret", is_url_safe, 28, 28},
    Shape{"ya29.", "Google access token", is_dotted, 60, 512},
    Shape{"npm_", "npm token", is_alnum, 36, 36},
    Shape{"pypi-AgE", "PyPI token", is_url_safe, 60, kAny},
    Shape{"dckr_pat_", "Docker token", is_url_safe, 27, 27},
    Shape{"dckr_oat_", "Docker token", is_url_safe, 27, 40},
    Shape{"dor_v1_", "DigitalOcean token", is_low_hex, 64, 64},
    Shape{"dop_v1_", "DigitalOcean token", is_low_hex, 64, 64},
    Shape{"doo_v1_", "DigitalOcean token", is_low_hex, 64, 64},
    Shape{"hvs.", "Vault token", is_url_safe, 24, kAny},
    Shape{"hvb.", "Vault token", is_url_safe, 100, kAny},
    Shape{"shpat_", "Shopify token", is_low_hex, 32, 32},
    Shape{"shpss_", "Shopify secret", is_low_hex, 32, 32},
    Shape{"shpca_", "Shopify token", is_low_hex, 32, 32},
    Shape{"shppa_", "Shopify token", is_low_hex, 32, 32},
    Shape{"hf_", "Hugging Face token", is_alnum, 34, 34},
    Shape{"sk-ant-", "Anthropic key", is_url_safe, 80, 255},
    Shape{"sk-proj-", "OpenAI key", is_url_safe, 40, 255},
    Shape{"sk-svcacct-", "OpenAI key", is_url_safe, 40, 255},
    Shape{"sk-admin-", "OpenAI key", is_url_safe, 40, 255},
    Shape{"sk-or-v1-", "OpenRouter key", is_low_hex, 64, 64},
    Shape{"gsk_", "Groq key", is_alnum, 52, 52},
    Shape{"xai-", "xAI key", is_alnum, 80, 80},
    Shape{"pplx-", "Perplexity key", is_alnum, 48, 48},
    Shape{"r8_", "Replicate token", is_alnum, 37, 37},
    Shape{"rubygems_", "RubyGems key", is_low_hex, 48, 48},
    Shape{"glsa_", "Grafana token", is_word, 41, 41},
    Shape{"glc_", "Grafana token", is_base64, 60, 400},
    Shape{"lin_api_", "Linear key", is_alnum, 40, 40},
    Shape{"tskey-auth-", "Tailscale key", is_url_safe, 20, 128},
    Shape{"ABSK", "AWS Bedrock key", is_base64, 109, 269},
    Shape{"dapi", "Databricks token", is_low_hex, 32, 32},
    Shape{"dp.pt.", "Doppler token", is_alnum, 40, 44},
    Shape{"pul-", "Pulumi token", is_low_hex, 40, 40},
    Shape{"pscale_tkn_", "PlanetScale token", is_dotted, 32, 64},
    Shape{"sbp_", "Supabase token", is_low_hex, 40, 40},
    Shape{"figd_", "Figma token", is_url_safe, 38, 43},
    Shape{"ntn_", "Notion token", is_alnum, 46, 46},
    Shape{"PMAK-", "Postman key", is_url_safe, 59, 59},
    Shape{"NRAK-", "New Relic key", is_alnum, 27, 27},
    Shape{"sntryu_", "Sentry token", is_low_hex, 64, 64},
    Shape{"sntrys_eyJ", "Sentry token", is_base64, 80, 400},
    Shape{"ATATT3", "Atlassian token", is_url_safe, 180, 200},
    Shape{"sq0csp-", "Square secret", is_url_safe, 43, 43},
    Shape{"CCIPAT_", "CircleCI token", is_word, 40, 80},
    Shape{"bkua_", "Buildkite token", is_low_hex, 40, 40},
    Shape{"HRKU-AA", "Heroku key", is_url_safe, 58, 58},
    Shape{"ops_eyJ", "1Password token", is_base64, 250, kAny},
    Shape{"AGE-SECRET-KEY-1", "age key", is_alnum, 58, 58},
};

}  // namespace tidegate::hooks::builtin
