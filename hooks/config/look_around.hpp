// What RE2 has no word for, said by several expressions.
#pragma once

#include <string>
#include <vector>

namespace tidegate::hooks {

// Found where `wanted` is, and none of `unwanted`.
struct PlainExpression {
    std::string wanted;
    std::vector<std::string> unwanted = {};
};

// Takes the looking around out that has one place only, so that nothing changes in what is found:
// "^TEXT(?!X)Y" is "^TEXTY" but not "^TEXTX", and "Y(?<!X)TEXT$" is "YTEXT$" but not "XTEXT$", any number of times,
// where TEXT stands for itself and the expression has no alternatives at its top. Anything else stays as it is.
[[nodiscard]] PlainExpression without_looking_around(std::string pattern);

}  // namespace tidegate::hooks
