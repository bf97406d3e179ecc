# The one place for language level, warnings, sanitizers and build-wide switches.
option(BUILD_TESTING "Build the tests" ON)
option(ROOST_KILL_POINTS "Named points at which ROOST_DIE_AT makes a process die (test builds only)" OFF)
option(ROOST_FUZZ "Build the libFuzzer targets (clang)" OFF)
set(ROOST_SANITIZE "" CACHE STRING "Value of -fsanitize=, for example address,undefined")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
include(GNUInstallDirs)

find_program(ROOST_CCACHE ccache)
if(ROOST_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${ROOST_CCACHE}")
endif()

# Everything of ours is compiled and linked with this target.
add_library(roost_flags INTERFACE)
target_include_directories(roost_flags INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(roost_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wnon-virtual-dtor
                       -Woverloaded-virtual -Werror=return-type -fno-omit-frame-pointer)
if(CMAKE_BUILD_TYPE STREQUAL Release)  # what nobody calls is not in the programs: fewer pages to read and to map
  target_compile_options(roost_flags INTERFACE -ffunction-sections -fdata-sections)
  target_link_options(roost_flags INTERFACE -Wl,--gc-sections)
endif()
target_compile_definitions(roost_flags INTERFACE ROOST_VERSION="${PROJECT_VERSION}" _GNU_SOURCE
                           $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>
                           $<$<BOOL:${ROOST_KILL_POINTS}>:ROOST_KILL_POINTS>)
if(ROOST_SANITIZE)
  target_compile_options(roost_flags INTERFACE -fsanitize=${ROOST_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(roost_flags INTERFACE -fsanitize=${ROOST_SANITIZE})
endif()
if(ROOST_FUZZ)
  target_compile_options(roost_flags INTERFACE -fsanitize=fuzzer-no-link)  # coverage of the libraries guides the fuzzer
endif()
# mold links faster, for those who build again and again. What is shipped is laid out by the usual linker: it
# puts together what runs at the start of a program, which is a fifth less time for a short command.
find_program(ROOST_MOLD mold)
if(ROOST_MOLD AND NOT CMAKE_BUILD_TYPE STREQUAL Release)
  target_link_options(roost_flags INTERFACE -fuse-ld=mold)
else()  # sections that only their bounds speak of (RoostLazyStatics) are not to go; mold keeps them by itself
  include(CheckLinkerFlag)
  check_linker_flag(CXX -Wl,-z,nostart-stop-gc ROOST_HAS_NOSTART_STOP_GC)
  if(ROOST_HAS_NOSTART_STOP_GC)
    target_link_options(roost_flags INTERFACE -Wl,-z,nostart-stop-gc)
  endif()
endif()
