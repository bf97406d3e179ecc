// Identities. Strong types: an id of one kind cannot be passed for another. Never reused in a
// daemon's life.
#pragma once

#include <cstdint>
#include <type_traits>

namespace roost::model {

enum class AppId : std::uint32_t {};
enum class InstanceId : std::uint32_t {};  // what users see as "id" and PM2 calls pm_id
enum class RunId : std::uint64_t {
};  // serial of the daemon under the keeper's epoch << 32 | counter; grows with time

template <class Id>
constexpr auto raw(Id id) {
  return static_cast<std::underlying_type_t<Id>>(id);
}

}  // namespace roost::model
