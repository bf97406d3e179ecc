// CLI11, included by parse_options.cpp only, without what <iostream> costs.
//
// <iostream> puts a static initialiser into whoever includes it, which sets up std::cout and all
// locale facets before main(): 50,000 instructions and 27 page faults in every run of roost, more
// than all the rest of `roost --version`. CLI11 includes it for the default arguments of functions
// that are not called here. So its include guard is taken, and only the declarations are given.
#pragma once

#include <istream>
#include <ostream>

#ifdef __GLIBCXX__
#define _GLIBCXX_IOSTREAM 1

namespace std {
extern istream cin;
extern ostream cout;
extern ostream cerr;
extern ostream clog;
}  // namespace std
#endif

#include <CLI/CLI.hpp>
