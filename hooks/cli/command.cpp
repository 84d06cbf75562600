#include "hooks/cli/command.hpp"

namespace tidegate::hooks::cli {

std::optional<std::string> Arguments::text(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end() || found->second.empty()) return std::nullopt;
    return found->second.back();
}

std::string Arguments::text(const std::string& name, std::string fallback) const {
    return text(name).value_or(std::move(fallback));
}

std::vector<std::string> Arguments::texts(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::vector<std::string>{} : found->second;
}

void Arguments::add(const std::string& name, std::vector<std::string> values) {
    auto& kept = values_[name];
    kept.insert(kept.end(), values.begin(), values.end());
}

}  // namespace tidegate::hooks::cli
