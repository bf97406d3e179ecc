# Third-party libraries, from the distribution's packages only.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(SQLite3 REQUIRED)
pkg_check_modules(LIBUV REQUIRED libuv)

# fmt is used header-only: Debian ships no static archive, and the CLI is fully static.
add_library(roost_fmt INTERFACE)
target_link_libraries(roost_fmt INTERFACE fmt::fmt-header-only)

# Static archives keep the daemon small (no relocations, no extra mappings); shared ones are the fallback.
find_library(ROOST_UV_STATIC NAMES libuv_a.a)
add_library(roost_uv INTERFACE)
if(ROOST_UV_STATIC)
  target_link_libraries(roost_uv INTERFACE "${ROOST_UV_STATIC}" Threads::Threads ${CMAKE_DL_LIBS} rt)
else()
  target_link_libraries(roost_uv INTERFACE ${LIBUV_LINK_LIBRARIES})
endif()
find_library(ROOST_SQLITE_STATIC NAMES libsqlite3.a)
add_library(roost_sqlite INTERFACE)
if(ROOST_SQLITE_STATIC)
  target_link_libraries(roost_sqlite INTERFACE "${ROOST_SQLITE_STATIC}" m Threads::Threads ${CMAKE_DL_LIBS})
else()
  target_link_libraries(roost_sqlite INTERFACE SQLite::SQLite3)
endif()
