#include "manifests/mistakes.hpp"

#include "manifests/read_document.hpp"

#include <algorithm>

namespace tidegate::manifests {

using namespace shared;

namespace {

template <typename Read>
std::vector<Error> all_of(const std::string& file, const std::string& text, Read read) {
    auto document = parse_yaml(file, text, {.bytes = kLongestManifest});
    if (!document) return {document.error()};
    std::vector<Error> all;
    document->collect_errors(&all);
    const auto done = read(*document);
    if (!done && all.empty()) all.push_back(done.error());
    const auto place = [](const Error& error) {
        return error.where ? std::pair(error.where->line, error.where->column) : std::pair(0, 0);
    };
    std::stable_sort(all.begin(), all.end(),
                     [&](const Error& a, const Error& b) { return place(a) < place(b); });
    return all;
}

}  // namespace

std::vector<Error> mistakes_of_manifest(const std::string& file, const std::string& text) {
    return all_of(file, text, [](const Document& document) { return read_manifest(document); });
}

std::vector<Error> mistakes_of_branch_rules(const std::string& file, const std::string& text) {
    return all_of(file, text, [](const Document& document) { return read_branch_rules(document); });
}

}  // namespace tidegate::manifests
