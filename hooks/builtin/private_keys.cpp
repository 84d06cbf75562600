#include "hooks/builtin/builtin.hpp"
#include "shared/base/text.hpp"

#include <array>

namespace tidegate::hooks::builtin {

// As detect-private-key: the first lines of the usual formats. The words are put together here, so that this file does
// not find itself.
void private_keys(const File& file, Problems& problems) {
    static const std::string kBegin = std::string("BEGIN") + " ";
    static const std::string kKey = std::string("PRIVATE") + " KEY";
    static const std::array<std::string, 11> kMarks{kBegin + kKey,
                                                    kBegin + "RSA " + kKey,
                                                    kBegin + "DSA " + kKey,
                                                    kBegin + "EC " + kKey,
                                                    kBegin + "OPENSSH " + kKey,
                                                    kBegin + "ENCRYPTED " + kKey,
                                                    kBegin + "SSH2 ENCRYPTED " + kKey,
                                                    kBegin + "PGP " + kKey + " BLOCK",
                                                    std::string("PuTTY-User-Key-") + "File-2",
                                                    std::string("PuTTY-User-Key-") + "File-3",
                                                    kBegin + "OpenVPN Static key V1"};
    if (file.content.find(kKey) == std::string_view::npos &&
        file.content.find(std::string("PuTTY-User-Key-") + "File") == std::string_view::npos &&
        file.content.find(kMarks.back()) == std::string_view::npos)
        return;
    int number = 0;
    for (const auto line : shared::lines_of(file.content)) {
        ++number;
        for (const auto& mark : kMarks) {
            if (line.find(mark) == std::string_view::npos) continue;
            problems.push_back({std::string(file.path), number, 0, "a private key"});
            return;
        }
    }
}

}  // namespace tidegate::hooks::builtin
