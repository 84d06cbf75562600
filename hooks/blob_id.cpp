#include "hooks/blob_id.hpp"

// The streaming SHA functions without the EVP layer: a hook must not pay for loading providers.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "shared/base/text.hpp"

#include <openssl/sha.h>

#include <string>

namespace tidegate::hooks {

using namespace shared;

namespace {

template <typename Context, int (*kInit)(Context*), int (*kUpdate)(Context*, const void*, size_t),
          int (*kFinal)(unsigned char*, Context*), size_t kLength>
std::string digest_of(std::string_view header, std::string_view content) {
    Context context;
    unsigned char digest[kLength];
    kInit(&context);
    kUpdate(&context, header.data(), header.size());
    kUpdate(&context, content.data(), content.size());
    kFinal(digest, &context);
    return hex({reinterpret_cast<const char*>(digest), kLength});
}

}  // namespace

Oid blob_id(std::string_view content, bool sha256) {
    const auto size = "blob " + std::to_string(content.size());
    const std::string_view header(size.c_str(), size.size() + 1);  // with its NUL
    const auto text =
        sha256 ? digest_of<SHA256_CTX, SHA256_Init, SHA256_Update, SHA256_Final, SHA256_DIGEST_LENGTH>(
                     header, content)
               : digest_of<SHA_CTX, SHA1_Init, SHA1_Update, SHA1_Final, SHA_DIGEST_LENGTH>(header, content);
    return Oid::parse(text).value_or(Oid());
}

}  // namespace tidegate::hooks
