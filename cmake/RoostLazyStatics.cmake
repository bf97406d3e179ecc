# Static objects of a library that most runs of a program do not need: their initialisers are taken from the list
# that runs before main() and put into a section of their own, which core/base/lazy_statics.h runs when it is time.
# roost_lazy_statics_command(VAR SECTION IN OUT) sets VAR to the command that makes the archive OUT of IN.
# With flags given, objcopy makes it plain data; otherwise linkers would take it for the list itself.
function(roost_lazy_statics_command variable section in out)
  if(NOT CMAKE_OBJCOPY)
    message(FATAL_ERROR "objcopy (binutils) is needed")
  endif()
  set(${variable} "${CMAKE_OBJCOPY}" --rename-section ".init_array=${section},alloc,load,data,contents" "${in}" "${out}" PARENT_SCOPE)
endfunction()
