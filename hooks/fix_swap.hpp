// Files of the working tree replaced, all or none. Each by one rename(2), and only if the file still holds the bytes
// that were merged: who has saved it meanwhile keeps what they saved.
#pragma once

#include "hooks/fix_merge.hpp"
#include "shared/base/fd.hpp"

namespace tidegate::hooks {

class Swap {
  public:
    explicit Swap(const Repository& repo) : repo_(repo) {}
    Swap(const Swap&) = delete;
    Swap& operator=(const Swap&) = delete;
    ~Swap();  // puts everything back that was not kept

    // Mode and owner of the file stay. Transient where it has other bytes by now. `next` must live as long as this.
    [[nodiscard]] Result<void> replace(const Replacement& next);
    void keep();

  private:
    struct Done {
        const Replacement* next = nullptr;
        shared::Fd folder;
        std::string name;
        std::string new_bytes;
        int old_dir = -1;
        std::string old_file;  // the file as it was; empty where the file system cannot exchange names
        mode_t mode = 0;
    };
    [[nodiscard]] Result<void> exchange(Done& done, const Replacement& next);

    const Repository& repo_;
    std::vector<Done> done_;
};

}  // namespace tidegate::hooks
