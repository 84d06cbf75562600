// What the parts of loading share.
#pragma once

#include "hooks/config/compose.hpp"
#include "hooks/config/read.hpp"

#include <memory>

namespace tidegate::hooks {

class Loader {
  public:
    Loader(const ConfigSources& sources, std::vector<Error>* all) : sources_(sources), all_(all) {}

    // A file and what it extends. `folder` is empty for the file at the top.
    Result<void> file(const std::string& folder, std::string name, std::string text);
    // The files of the folders that the file at the top names.
    Result<void> folders();
    // load_local.cpp
    Result<void> local();
    // What only the whole can say: names, needs.
    Result<void> check_graphs();

    [[nodiscard]] bool partial() const { return partial_; }
    Config config;

  private:
    // Where a gate was read.
    struct Origin {
        const Composition* composition = nullptr;
        const shared::Value* gate = nullptr;
    };

    Result<void> take_stage(const std::string& folder, const Composition& composition, Stage stage,
                            const shared::Value& value, const Defaults& defaults);
    Result<void> settled(const Composition& composition, std::vector<Error>& found, Result<void> done);
    Result<void> change_gate(const Composition& composition, shared::MapReader& stage, Stage& into,
                             const shared::Value& value, const Defaults& defaults);
    [[nodiscard]] Error at(const Origin& origin, const GraphProblem& problem) const;

    const ConfigSources& sources_;
    std::vector<Error>* all_;
    std::vector<std::unique_ptr<Composition>> compositions_;
    std::map<std::string, std::vector<Origin>> origins_;  // of a stage's gates, in their order
    std::vector<Glob> folder_globs_;
    std::optional<shared::Where> folders_at_;
    int parallel_ = 1;
    bool partial_ = false;
};

}  // namespace tidegate::hooks
