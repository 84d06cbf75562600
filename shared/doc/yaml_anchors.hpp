// YAML with anchors, aliases and merge keys, as files of other tools have them. Ours do without.
#pragma once

#include "shared/doc/yaml.hpp"

#include <cstddef>
#include <map>

namespace tidegate::shared {

// As parse_yaml, but `&name`, `*name` and `<<: *name` are written out. What aliases stand for counts as values of
// the file, so that `limits.nodes` bounds it; one within what it stands for is Invalid.
[[nodiscard]] Result<Document> parse_yaml_with_aliases(std::string file, std::string text,
                                                       const YamlLimits& limits = {});

// Values by anchor, while a text is read.
class Anchors {
  public:
    void keep(size_t anchor, const Value& value);
    [[nodiscard]] const Value* find(size_t anchor) const;  // nullptr: not finished, or none

  private:
    std::map<size_t, Value> values_;
};

[[nodiscard]] size_t count_values(const Value& value);
// `<<`: keys of a map, or of a list of maps, that `map` does not have. False: neither.
[[nodiscard]] bool merge_into(Value& map, const Value& from);

}  // namespace tidegate::shared
