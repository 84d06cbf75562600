// Which tables and keys a TOML document has defined so far, and whether one more may be: the rules of
// TOML 1.0 on defining anything once. Each function gives what is wrong, or an empty text.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::hooks::builtin {

class TomlTables {
  public:
    using Key = std::vector<std::string>;  // at least one part
    using Table = size_t;

    TomlTables() : nodes_(1) {}

    // [key] and [[key]]: later keys go there.
    [[nodiscard]] std::string_view open(const Key& key);
    [[nodiscard]] std::string_view append(const Key& key);
    [[nodiscard]] Table current() const { return current_; }

    // An inline table, which nothing can be added to from outside. `scope` is its own: see define().
    [[nodiscard]] Table inline_table();

    // key = …, in `table`. Dotted keys make tables that are open as long as the section (or inline table) is.
    [[nodiscard]] std::string_view define(Table table, const Key& key);

  private:
    struct Node {
        std::map<std::string, size_t, std::less<>> children;
        bool declared = false;  // by [key]
        size_t scope = 0;       // the section that made or entered it by a dotted key; 0: none
        bool is_list = false;   // [[key]]: `last` is its newest table
        size_t last = 0;
    };
    static constexpr size_t kValue = static_cast<size_t>(-1);

    // The table that `part` names below `table`, made where there is none; kValue where it is no table.
    [[nodiscard]] size_t enter(size_t table, const std::string& part);
    [[nodiscard]] size_t make();

    std::vector<Node> nodes_;  // the first is the document
    size_t current_ = 0;
    size_t scopes_ = 1;             // handed out so far
    std::map<size_t, size_t> own_;  // inline table → its scope
    size_t section_ = 1;            // the scope of the current section
};

}  // namespace tidegate::hooks::builtin
