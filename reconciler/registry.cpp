#include "reconciler/registry.hpp"

#include "reconciler/download.hpp"
#include "reconciler/transfer.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"
#include "shared/hash/sha256.hpp"

#include <algorithm>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kLongestManifest = 4 << 20;
constexpr size_t kLongestToken = 64 << 10;
constexpr size_t kMostLayers = 500;
constexpr std::string_view kManifestTypes[] = {"application/vnd.oci.image.manifest.v1+json",
                                               "application/vnd.docker.distribution.manifest.v2+json"};
constexpr std::string_view kIndexTypes[] = {"application/vnd.oci.image.index.v1+json",
                                            "application/vnd.docker.distribution.manifest.list.v2+json"};

std::string text_of(const Value& map, std::string_view key) {
    const Value* value = map.is(Value::Kind::Map) ? map.find(key) : nullptr;
    return value != nullptr && value->is(Value::Kind::Text) ? value->text() : std::string();
}

bool is_one_of(const std::string& type, const auto& types) {
    return std::find(std::begin(types), std::end(types), type) != std::end(types);
}

bool is_tar(const std::string& type) {
    for (const char* end : {".tar", ".tar+gzip", ".tar.gzip", ".tar+zstd"})
        if (type.ends_with(end)) return true;
    return false;
}

tl::unexpected<Error> bad(const std::string& why) {
    return fail(ErrorKind::Invalid, "the artifact's manifest " + why);
}

Result<std::string> digest_of(const Value& descriptor) {
    const auto digest = text_of(descriptor, "digest");
    const auto hex_part = digest.starts_with("sha256:") ? digest.substr(7) : std::string();
    if (hex_part.size() == 64 && hex_part.find_first_not_of("0123456789abcdef") == std::string::npos)
        return hex_part;
    return bad("names a layer without a SHA-256");
}

Result<Layer> read_layer(const Value& descriptor) {
    Layer layer{TRY(digest_of(descriptor)), 0, text_of(descriptor, "mediaType")};
    const Value* size = descriptor.find("size");
    if (size == nullptr || !size->is(Value::Kind::Integer) || size->integer() < 0)
        return bad("names a layer without a size");
    layer.size = static_cast<std::uint64_t>(size->integer());
    if (!is_tar(layer.type))
        return fail(ErrorKind::Unsupported,
                    "a layer of the artifact is no tar: " + escape_foreign(layer.type.substr(0, 100)),
                    "release what is packed as tar, plain or with gzip or zstd");
    return layer;
}

Result<std::vector<Layer>> read_layers(const std::string& text) {
    const auto root = TRY(during("reading the artifact's manifest", parse_json(text)));
    if (!root.is(Value::Kind::Map)) return bad("is no map");
    const auto type = text_of(root, "mediaType");
    if (is_one_of(type, kIndexTypes) || root.find("manifests") != nullptr)
        return fail(ErrorKind::Unsupported, "the digest is that of an index of several platforms",
                    "name the digest of this host's platform in it");
    if (!type.empty() && !is_one_of(type, kManifestTypes))
        return bad("is of another kind: " + escape_foreign(type.substr(0, 100)));
    const Value* list = root.find("layers");
    if (list == nullptr || !list->is(Value::Kind::List) || list->list().empty())
        return bad("names no layers");
    if (list->list().size() > kMostLayers) return bad("names more than 500 layers");
    std::vector<Layer> layers;
    for (const auto& item : list->list()) {
        if (!item.is(Value::Kind::Map)) return bad("names a layer that is no map");
        layers.push_back(TRY(read_layer(item)));
    }
    return layers;
}

std::string percent_encoded(const std::string& text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           std::string_view("-._~").find(c) != std::string_view::npos;
        out += plain ? std::string(1, c) : "%" + hex(std::string(1, c));
    }
    return out;
}

}  // namespace

std::map<std::string, std::string> bearer_challenge(const std::string& header) {
    std::map<std::string, std::string> fields;
    constexpr std::string_view kScheme = "bearer ";
    std::string_view rest = header;
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    if (rest.size() < kScheme.size() || !std::equal(kScheme.begin(), kScheme.end(), rest.begin(),
                                                    [&](char a, char b) { return a == lower(b); }))
        return fields;
    rest.remove_prefix(kScheme.size());
    while (!rest.empty()) {
        const auto equals = rest.find("=\"");
        if (equals == std::string_view::npos) break;
        const auto end = rest.find('"', equals + 2);
        if (end == std::string_view::npos) break;
        fields.emplace(trim(rest.substr(0, equals)), rest.substr(equals + 2, end - equals - 2));
        rest.remove_prefix(end + 1);
        const auto comma = rest.find_first_not_of(", ");
        rest.remove_prefix(std::min(comma, rest.size()));
    }
    return fields;
}

bool belongs_to(const std::string& realm_host, const std::string& registry_host) {
    if (realm_host == registry_host) return true;
    // auth.docker.io for registry-1.docker.io: beneath the registry's parent, which is itself no top-level domain.
    const auto dot = registry_host.find('.');
    if (dot == std::string::npos) return false;
    const auto parent = registry_host.substr(dot + 1);
    const bool numeric = registry_host.find_first_not_of("0123456789.:[]") == std::string::npos;
    if (numeric || parent.find('.') == std::string::npos) return false;
    return realm_host == parent || realm_host.ends_with("." + parent);
}

Result<Url> Registry::address_of(const std::string& ref, const std::vector<std::string>& protocols) {
    const auto slash = ref.find('/');
    if (slash == std::string::npos || slash == 0 || slash + 1 == ref.size())
        return fail(ErrorKind::Invalid, "not a registry and a name: `" + escape_foreign(ref) + "`");
    const auto server = ref.substr(0, slash);
    const bool http = is_this_machine(server.substr(0, server.find(':'))) &&
                      std::find(protocols.begin(), protocols.end(), "http") != protocols.end();
    return Url::parse((http ? "http://" : "https://") + ref);
}

Result<Registry> Registry::open(const std::string& ref, const SourceAccess& access) {
    const auto url = TRY(address_of(ref, access.protocols));
    TRY(check_protocol(url, access));
    const auto slash = ref.find('/');
    auto base = TRY(Url::parse(url.scheme() + "://" + ref.substr(0, slash) + "/"));
    return Registry(std::move(base), ref.substr(slash + 1), access);
}

Result<Url> Registry::blob_url(const std::string& sha256) const {
    return Url::parse(base_.str() + "v2/" + name_ + "/blobs/sha256:" + sha256);
}

// A registry may name any realm: our credentials go to none but its own, and none goes in clear.
Result<void> Registry::let_in(const std::string& challenge, int cancel_fd) {
    const auto fields = bearer_challenge(challenge);
    if (fields.empty()) {
        if (access_.token.empty() || !authorization_.empty()) return status_error(401, base_);
        authorization_ = reconciler::authorization(access_);
        return {};
    }
    const auto realm_text = fields.find("realm");
    if (realm_text == fields.end()) return status_error(401, base_);
    const auto realm = TRY(during("reading where the registry gives tokens", Url::parse(realm_text->second)));
    const bool local = is_this_machine(realm.host()) && base_.scheme() == "http";
    if (realm.scheme() != "https" && !(local && realm.scheme() == "http"))
        return fail(ErrorKind::Denied, "the registry asks for a token from an address that is not https: " +
                                           escape_foreign(realm.redacted()));
    std::string query;
    for (const char* name : {"service", "scope"})
        if (const auto field = fields.find(name); field != fields.end())
            query += (query.empty() ? "?" : "&") + std::string(name) + "=" + percent_encoded(field->second);
    if (fields.find("scope") == fields.end())
        query += (query.empty() ? "?" : "&") + std::string("scope=") +
                 percent_encoded("repository:" + name_ + ":pull");
    auto access = access_;
    if (!belongs_to(realm.host(), base_.host())) access.token.clear();
    access.bearer = false;
    const auto url = TRY(Url::parse(realm.str() + query));
    const auto asked = TRY(ask(url, access, {}, kLongestToken, cancel_fd));
    if (asked.status != 200) return status_error(asked.status, realm);
    const auto answer = TRY(during("reading the registry's token", parse_json(asked.body)));
    auto token = text_of(answer, "token");
    if (token.empty()) token = text_of(answer, "access_token");
    if (token.empty())
        return fail(ErrorKind::Failed, "the registry gave no token: " + escape_foreign(realm.redacted()));
    authorization_ = "Bearer " + token;
    return {};
}

Result<std::string> Registry::manifest(const std::string& sha256, int cancel_fd) {
    const auto url = TRY(Url::parse(base_.str() + "v2/" + name_ + "/manifests/sha256:" + sha256));
    std::string types;
    for (const auto type : kManifestTypes) types += (types.empty() ? "" : ", ") + std::string(type);
    for (const auto type : kIndexTypes) types += ", " + std::string(type);
    for (int tries = 0; tries < 2; ++tries) {
        // Without a word at first: the registry says how it wants to be asked.
        const auto asked = TRY(ask(url, access_, {{"Accept", types}, {"Authorization", authorization_}},
                                   kLongestManifest, cancel_fd));
        if (asked.status == 200) return asked.body;
        if (asked.status != 401 || tries > 0) return status_error(asked.status, url);
        TRY(let_in(asked.challenge, cancel_fd));
    }
    return status_error(401, url);
}

Result<std::vector<Layer>> Registry::layers(const std::string& sha256, int cancel_fd) {
    const auto text = TRY(manifest(sha256, cancel_fd));
    if (sha256_hex(text) != sha256)
        return fail(ErrorKind::Denied,
                    "the registry gave another manifest than the one with the digest sha256:" + sha256,
                    "it is broken, or it lies; nothing was taken from it");
    return read_layers(text);
}

}  // namespace tidegate::reconciler
