#define DOCTEST_CONFIG_IMPLEMENT
#include "shared/base/process.hpp"

#include <doctest/doctest.h>

int main(int argc, char** argv) {
    // As every program of ours: a child that ends before it has read its input is no death of the test.
    tidegate::shared::ignore_sigpipe();
    return doctest::Context(argc, argv).run();
}
