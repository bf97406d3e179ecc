// The one scheme for libuv handles: a wrapper owns one heap block = the uv handle + the callback.
// Destroying the wrapper marks the block detached and calls uv_close; the close callback frees it.
// So user code is never called after the destructor has run, and a wrapper may be destroyed inside
// its own callback (the callback lies in the block as well).
#pragma once

#include <functional>
#include <memory>

#include <uv.h>

namespace roost::loop {

class Loop;

template <class UvHandle, class Callback>
struct HandleBlock {
  UvHandle uv{};
  Loop* loop = nullptr;
  Callback callback;
  bool detached = false;

  static HandleBlock* from(UvHandle* handle) { return static_cast<HandleBlock*>(handle->data); }
};

template <class UvHandle, class Callback>
struct CloseBlock {
  using Block = HandleBlock<UvHandle, Callback>;

  void operator()(Block* block) const {
    block->detached = true;
    uv_close(reinterpret_cast<uv_handle_t*>(&block->uv),
             [](uv_handle_t* handle) { delete static_cast<Block*>(handle->data); });
  }
};

// The handle must be initialised (uv_x_init) right after the block was made, before the pointer can
// be destroyed.
template <class UvHandle, class Callback>
using HandlePtr = std::unique_ptr<HandleBlock<UvHandle, Callback>, CloseBlock<UvHandle, Callback>>;

template <class UvHandle, class Callback>
HandlePtr<UvHandle, Callback> make_handle(Loop& loop, Callback callback) {
  auto* block = new HandleBlock<UvHandle, Callback>;
  block->loop = &loop;
  block->callback = std::move(callback);
  block->uv.data = block;
  return HandlePtr<UvHandle, Callback>(block);
}

}  // namespace roost::loop
