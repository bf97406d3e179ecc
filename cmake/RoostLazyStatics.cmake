# Static objects of a library that most runs of a program do not need: their initialisers are taken from the list
# that runs before main() and put into a section of their own, which core/base/lazy_statics.h runs when it is time.
# Needs GNU objcopy, which makes that section plain data where it is given flags; LLVM's leaves it the type of the
# list, and linkers then take it for the list itself. Without it all run before main(), as ever.
find_program(ROOST_OBJCOPY objcopy)
set(ROOST_HAS_LAZY_STATICS OFF)
if(ROOST_OBJCOPY)
  execute_process(COMMAND "${ROOST_OBJCOPY}" --version OUTPUT_VARIABLE objcopy_version ERROR_QUIET)
  if(objcopy_version MATCHES "GNU objcopy")
    set(ROOST_HAS_LAZY_STATICS ON)
  endif()
endif()

# Sets VAR to the command that makes the archive OUT of IN, which may be the same.
function(roost_lazy_statics_command variable section in out)
  if(ROOST_HAS_LAZY_STATICS)
    set(command "${ROOST_OBJCOPY}" --rename-section ".init_array=${section},alloc,load,data,contents" "${in}" "${out}")
  elseif("${in}" STREQUAL "${out}")
    set(command "${CMAKE_COMMAND}" -E true)
  else()
    set(command "${CMAKE_COMMAND}" -E copy "${in}" "${out}")
  endif()
  set(${variable} "${command}" PARENT_SCOPE)
endfunction()
