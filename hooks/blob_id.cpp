#include "hooks/blob_id.hpp"

#include "shared/base/handle.hpp"
#include "shared/base/text.hpp"

#include <openssl/evp.h>

#include <string>

namespace tidegate::hooks {

using namespace shared;

Oid blob_id(std::string_view content, bool sha256) {
    const auto header = "blob " + std::to_string(content.size());
    const Handle<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    EVP_DigestInit_ex(context.get(), sha256 ? EVP_sha256() : EVP_sha1(), nullptr);
    EVP_DigestUpdate(context.get(), header.c_str(), header.size() + 1);  // with its NUL
    EVP_DigestUpdate(context.get(), content.data(), content.size());
    EVP_DigestFinal_ex(context.get(), digest, &length);
    return Oid::parse(hex({reinterpret_cast<const char*>(digest), length})).value_or(Oid());
}

}  // namespace tidegate::hooks
