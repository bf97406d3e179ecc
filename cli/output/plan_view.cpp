#include "cli/output/plan_view.h"

#include "cli/output/app_naming.h"
#include "cli/output/colour.h"

namespace roost::cli {
namespace {

struct Sign {
  std::string_view sign;
  Colour colour;
};

Sign sign_of(ipc::PlanAction action) {
  switch (action) {
    case ipc::PlanAction::add:
      return {"+", Colour::green};
    case ipc::PlanAction::change:
      return {"~", Colour::yellow};
    case ipc::PlanAction::start:
      return {"^", Colour::green};
    case ipc::PlanAction::same:
      return {"=", Colour::dim};
    case ipc::PlanAction::gone:
      return {"!", Colour::yellow};
    case ipc::PlanAction::remove:
      return {"-", Colour::red};
    case ipc::PlanAction::stop:
      return {"v", Colour::yellow};
  }
  return {};
}

std::string detail_of(const ipc::PlanItem& item, const Terminal& terminal) {
  const bool moves = item.action == ipc::PlanAction::start || item.action == ipc::PlanAction::stop;
  if (moves && !item.note.empty()) return " (" + shown(item.note, terminal) + ")";
  if (item.action == ipc::PlanAction::start) return " (is down)";
  if (item.action == ipc::PlanAction::stop) return " (is up)";
  if (item.action == ipc::PlanAction::gone)
    return " (came from this file and is gone from it; --prune deletes it)";
  if (item.action == ipc::PlanAction::remove && !item.note.empty())
    return " (" + shown(item.note, terminal) + ")";
  std::string words;
  for (const ipc::PlanChange& change : item.changes) {
    words += (words.empty() ? "" : ", ") + change.field + " ";
    words += change.before.empty() ? change.after : change.before + "→" + change.after;
  }
  if (!item.note.empty()) words += (words.empty() ? "" : "; ") + item.note;
  return words.empty() ? "" : " (" + shown(words, terminal) + ")";
}

}  // namespace

std::vector<std::string> plan_lines(const std::vector<ipc::PlanItem>& plan,
                                    const Terminal& terminal) {
  std::vector<std::string> lines;
  for (const ipc::PlanItem& item : plan) {
    const Sign sign = sign_of(item.action);
    const auto colouring = terminal.colour ? Colouring::on : Colouring::off;
    lines.push_back(paint(sign.sign, sign.colour, colouring) + " " + item.app +
                    detail_of(item, terminal));
  }
  return lines;
}

}  // namespace roost::cli
