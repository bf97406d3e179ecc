#include "daemon/supervisor/spec_book.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/record_codec.h"

namespace roost::daemon {
namespace {

// What a memfd holds.
struct Document {
  std::uint32_t last_app = 0;
  std::vector<AppEntry> apps;
  std::optional<ChangeRow> change;

  static constexpr auto fields() {
    return std::tuple{opt("last_app", &Document::last_app, "highest app id given"),
                      req("apps", &Document::apps, "all apps"),
                      opt("change", &Document::change, "the newest change")};
  }
};

Result<std::string> read_all(int fd) {
  struct stat st {};

  if (::fstat(fd, &st) != 0) return errno_error("specs", errno);
  std::string text(static_cast<std::size_t>(st.st_size), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::pread(fd, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (n <= 0) return errno_error("specs", n < 0 ? errno : EIO);
    done += static_cast<std::size_t>(n);
  }
  return text;
}

}  // namespace

const std::string& SpecBook::put(AppEntry entry) {
  const model::AppId id{entry.id};
  last_app_ = std::max(last_app_, entry.id);
  std::string json = to_json(entry);
  App& app = apps_[id] = App{std::move(entry), std::move(json)};
  return app.json;
}

model::AppId SpecBook::next_app() const {
  return model::AppId{last_app_ + 1};
}

std::vector<model::InstanceId> AppEntry::instance_ids() const {
  std::vector<model::InstanceId> ids;
  for (const InstanceEntry& at : instances)
    ids.push_back(model::InstanceId{at.id});
  return ids;
}

const AppEntry* SpecBook::find(std::string_view name) const {
  for (const auto& [id, app] : apps_)
    if (app.entry.spec.name == name) return &app.entry;
  return nullptr;
}

std::uint32_t SpecBook::next_instance() const {
  std::uint32_t next = 0;
  for (const auto& [id, app] : apps_)
    for (const InstanceEntry& instance : app.entry.instances)
      next = std::max(next, instance.id + 1);
  return next;
}

Result<UniqueFd> SpecBook::to_memfd() const {
  UniqueFd fd(::memfd_create("roost-specs", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return errno_error("memfd", errno);
  std::string text = "{\"last_app\":" + std::to_string(last_app_) + ",\"apps\":[";
  bool first = true;
  for (const auto& [id, app] : apps_) {
    if (!first) text += ',';
    first = false;
    text += app.json;
  }
  text += "]";
  if (change_) text += ",\"change\":" + to_json(*change_);
  text += "}";
  if (Status written = write_all(fd.get(), text); !written)
    return std::move(written).error().context("specs");
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
    return errno_error("seal of the specs", errno);
  return fd;
}

Status SpecBook::load_memfd(int memfd) {
  Result<std::string> text = read_all(memfd);
  if (!text) return std::move(text).error();
  Result<Document> document = from_json<Document>(*text, kBookLimits);
  if (!document) return std::move(document).error().context("specs");
  for (AppEntry& entry : document->apps)
    put(std::move(entry));
  last_app_ = std::max(last_app_, document->last_app);
  change_ = std::move(document->change);
  return ok();
}

Status SpecBook::load_row(const std::string& json) {
  Result<AppEntry> entry = from_json<AppEntry>(json, kBookLimits);
  if (!entry) return std::move(entry).error().context("app row");
  put(std::move(*entry));
  return ok();
}

}  // namespace roost::daemon
