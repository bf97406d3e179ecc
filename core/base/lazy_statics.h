// Initialisers of libraries whose static objects are not made before main(), but when they are
// needed (cmake/RoostLazyStatics.cmake): what every run of a short-lived program would pay for,
// only those pay that use it.
#pragma once

namespace roost {

using Initialiser = void (*)();

// Those of one library, in link order, with the bounds that the linker gives its section. To be
// called once, before the library is used.
inline void run_initialisers(const Initialiser* from, const Initialiser* to) {
  for (; from != to; ++from)
    (*from)();
}

}  // namespace roost

// Declares the bounds of a section; weak: where there is none, its objects are made before main().
#define ROOST_INITIALISERS(section)                                          \
  extern "C" {                                                               \
  extern const roost::Initialiser __start_##section[] __attribute__((weak)); \
  extern const roost::Initialiser __stop_##section[] __attribute__((weak));  \
  }
