// `tidegate-hook`: what git calls. Links only what a hook needs: it starts on every commit.
#include "hooks/hook.hpp"

int main(int argc, char** argv) {
    return tidegate::hooks::hook_main(argc, argv);
}
