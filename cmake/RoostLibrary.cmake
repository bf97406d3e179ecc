# roost_library(NAME SOURCES a.cpp … DEPENDS roost::base … [PRIVATE_DEPENDS third_party …])
# makes the static library roost_NAME, alias roost::NAME. DEPENDS is the permission list of the folder.
function(roost_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(roost_${name} STATIC ${ARG_SOURCES})
  add_library(roost::${name} ALIAS roost_${name})
  target_link_libraries(roost_${name} PUBLIC roost_flags ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS})
endfunction()

# roost_program(NAME SOURCES main.cpp DEPENDS …): a main.cpp plus libraries, installed to bin/.
function(roost_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE roost_flags ${ARG_DEPENDS})
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()
