// Strict YAML 1.2 (core schema) for configuration: no aliases or anchors, no tags, no duplicate keys, no NUL,
// no BOM in the middle, UTF-8 only, bounded in size and depth. Any violation is Invalid with file:line:column
// and the line.
#pragma once

#include "shared/doc/value.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tidegate::shared {

struct YamlLimits {
    size_t bytes = 256 << 10;
    int depth = 32;
    size_t nodes = 20'000;
};

// A text and what it says; kept together so that errors can show the line.
class Document {
  public:
    Document(std::string file, std::string text, Value root);
    [[nodiscard]] const std::string& file() const { return file_; }
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] const Value& root() const { return root_; }
    // The place of a value (or key) with its line for the caret; `width` columns are underlined.
    [[nodiscard]] Where where(const Value& value, int width = 1) const;
    [[nodiscard]] Where where(int line, int column, int width = 1) const;

    // Readers put every error of theirs into `all`, and go on after the first. Not owned; nullptr: they do not.
    void collect_errors(std::vector<Error>* all) { errors_ = all; }
    [[nodiscard]] std::vector<Error>* errors() const { return errors_; }

  private:
    std::vector<Error>* errors_ = nullptr;
    std::string file_;
    std::string text_;
    Value root_;
};

// `file` is only shown. Exactly one YAML document; an empty text is an empty map.
[[nodiscard]] Result<Document> parse_yaml(std::string file, std::string text, const YamlLimits& limits = {});
// The same for JSON with JSON's grammar and positions.
[[nodiscard]] Result<Document> parse_json_document(std::string file, std::string text,
                                                   const YamlLimits& limits = {});

}  // namespace tidegate::shared
