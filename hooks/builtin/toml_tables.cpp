#include "hooks/builtin/toml_tables.hpp"

namespace tidegate::hooks::builtin {

size_t TomlTables::make() {
    nodes_.emplace_back();
    return nodes_.size() - 1;
}

size_t TomlTables::enter(size_t table, const std::string& part) {
    const auto found = nodes_[table].children.find(part);
    if (found == nodes_[table].children.end()) {
        const auto made = make();
        nodes_[table].children.emplace(part, made);
        return made;
    }
    if (found->second == kValue) return kValue;
    return nodes_[found->second].is_list ? nodes_[found->second].last : found->second;
}

std::string_view TomlTables::open(const Key& key) {
    size_t table = 0;
    for (size_t i = 0; i + 1 < key.size(); ++i) {
        table = enter(table, key[i]);
        if (table == kValue) return "a value already has that name";
    }
    const auto found = nodes_[table].children.find(key.back());
    if (found != nodes_[table].children.end()) {
        if (found->second == kValue) return "a value already has that name";
        const auto& node = nodes_[found->second];
        if (node.is_list) return "an array of tables already has that name";
        if (node.declared || node.scope != 0) return "this table is defined already";
    }
    current_ = enter(table, key.back());
    nodes_[current_].declared = true;
    section_ = ++scopes_;
    return {};
}

std::string_view TomlTables::append(const Key& key) {
    size_t table = 0;
    for (size_t i = 0; i + 1 < key.size(); ++i) {
        table = enter(table, key[i]);
        if (table == kValue) return "a value already has that name";
    }
    const auto found = nodes_[table].children.find(key.back());
    size_t list = 0;
    if (found == nodes_[table].children.end()) {
        list = make();
        nodes_[table].children.emplace(key.back(), list);
        nodes_[list].is_list = true;
    } else {
        list = found->second;
        if (list == kValue) return "a value already has that name";
        if (!nodes_[list].is_list) return "a table already has that name";
    }
    current_ = make();
    nodes_[current_].declared = true;
    nodes_[list].last = current_;
    section_ = ++scopes_;
    return {};
}

TomlTables::Table TomlTables::inline_table() {
    const auto table = make();
    own_[table] = ++scopes_;
    return table;
}

std::string_view TomlTables::define(Table table, const Key& key) {
    const auto own = own_.find(table);
    const auto scope = own == own_.end() ? section_ : own->second;
    for (size_t i = 0; i + 1 < key.size(); ++i) {
        const auto found = nodes_[table].children.find(key[i]);
        if (found != nodes_[table].children.end() && found->second != kValue) {
            const auto& node = nodes_[found->second];
            if (node.is_list) return "an array of tables already has that name";
            if (node.declared || (node.scope != 0 && node.scope != scope))
                return "this table is defined elsewhere; a dotted key cannot add to it";
        }
        table = enter(table, key[i]);
        if (table == kValue) return "a value already has that name";
        nodes_[table].scope = scope;
    }
    if (!nodes_[table].children.emplace(key.back(), kValue).second) return "this key is defined already";
    return {};
}

}  // namespace tidegate::hooks::builtin
