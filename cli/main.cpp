#include "cli/run.h"

int main(int argc, char** argv) {
  const auto count = argc > 1 ? static_cast<std::size_t>(argc - 1) : 0;
  return static_cast<int>(roost::cli::run({argv + 1, count}));
}
