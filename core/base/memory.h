// What a busy time leaves behind in a process.
#pragma once

namespace roost {

// Gives back the free pieces of the heap, and the pages of program and libraries that are mapped
// because something needed them once: they stay in the page cache, and come back by a minor fault
// when they are needed again. For a process that goes to rest: the next work pays some hundred
// microseconds. Under a debugger the pages stay. Any thread.
void give_back_memory();

}  // namespace roost
