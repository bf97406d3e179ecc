// The states a user sees, and what is desired.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "core/base/record.h"

namespace roost::model {

enum class State : std::uint8_t { launching, online, stopping, waiting, stopped, errored };
enum class Desired : std::uint8_t { down, up };

}  // namespace roost::model

template <>
struct roost::EnumNames<roost::model::State> {
  using S = roost::model::State;
  static constexpr std::array<std::pair<S, std::string_view>, 6> values{
      {{S::launching, "launching"},
       {S::online, "online"},
       {S::stopping, "stopping"},
       {S::waiting, "waiting"},
       {S::stopped, "stopped"},
       {S::errored, "errored"}}};
};

template <>
struct roost::EnumNames<roost::model::Desired> {
  using D = roost::model::Desired;
  static constexpr std::array<std::pair<D, std::string_view>, 2> values{
      {{D::down, "down"}, {D::up, "up"}}};
};
