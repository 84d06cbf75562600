// Whether somebody trusted has vouched already for a stage on a tree. Used twice: a push does not run again what is
// proven, and a run that is to be attested may look at the change alone only where the tree it changes is proven.
#pragma once

#include "hooks/config/config.hpp"
#include "hooks/object_reader.hpp"
#include "hooks/target.hpp"
#include "hooks/trust.hpp"

#include <functional>

namespace tidegate::hooks {

struct Proof {
    shared::TestResult result;
    std::string by;  // "you", or a principal as the allowed signers have it
};

// What a proof must be about. `stage` and `target` must outlive it.
struct Question {
    const Stage* stage = nullptr;
    const Target* target = nullptr;  // where it is asked: gates with `only` and `except` are judged by it
    std::string gates_digest;        // of the stage as it takes effect now
};
[[nodiscard]] Result<Question> question_of(const Config& config, const Stage& stage, const Target& target);

// Why an attestation does not answer the question: another tree, stage or definition of the gates; a gate that
// failed, was skipped or is missing; one that had nothing to do on another branch, and would have here; no trusted
// signature. Pure.
[[nodiscard]] Result<Proof> proof_in(std::string_view envelope, const shared::Oid& tree,
                                     const Question& question, const Trust& trust, shared::WallTime now);

class Proofs {
  public:
    // Two git children at a time; `repo` must outlive it. `key_file`: signing_key().
    [[nodiscard]] static Result<Proofs> open(const Repository& repo, const std::string& key_file = {});

    // Out of what refs/tidegate/attestations of this repository holds. Only files that carry a trusted key's name are
    // opened at all.
    [[nodiscard]] Result<std::optional<Proof>> of(const shared::Oid& tree, const Question& question);
    // By a trusted key, for the stage as it was then: its gates may have been others. The first that is `wanted`.
    [[nodiscard]] Result<std::optional<Proof>> any(
        const shared::Oid& tree, std::string_view stage,
        const std::function<bool(const shared::TestResult&)>& wanted);
    [[nodiscard]] ObjectReader& objects() { return objects_; }
    [[nodiscard]] const Trust& trust() const { return trust_; }

  private:
    Proofs(Trust trust, ObjectReader objects);
    using Look = std::function<std::optional<Proof>(std::string_view envelope)>;
    [[nodiscard]] Result<std::optional<Proof>> first(const shared::Oid& tree, std::string_view stage,
                                                     const Look& look);
    Trust trust_;
    std::vector<std::string> keys_;  // of the trusted, as file names have them
    ObjectReader objects_;
};

}  // namespace tidegate::hooks
