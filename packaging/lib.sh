# Shell functions shared by packaging/quickstart, tests/run and tests/fresh_root.sh. Source it; it runs nothing.

say() { printf '\n==> %s\n' "$*"; }
die() {
  printf 'error: %s\n' "$1" >&2
  [ -n "${2:-}" ] && printf '  hint: %s\n' "$2" >&2
  exit 1
}

is_debian_like() {
  [ -r /etc/os-release ] || return 1
  # shellcheck disable=SC1091
  (. /etc/os-release && case " ${ID:-} ${ID_LIKE:-} " in *" debian "* | *" ubuntu "*) exit 0 ;; *) exit 1 ;; esac)
}

# missing_packages FILE… prints the packages of these lists that are not there. A line is "package" or
# "package [command]": the second counts as there when the command is, whoever installed it.
missing_packages() {
  local package command
  sed -e 's/#.*//' "$@" | while read -r package command; do
    [ -n "$package" ] || continue
    command=${command#[}
    command=${command%]}
    if [ -n "$command" ] && command -v "$command" >/dev/null 2>&1; then continue; fi
    dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || printf '%s\n' "$package"
  done
}

# install_packages FILE… installs what is missing and returns at once when nothing is.
install_packages() {
  local missing
  missing=$(missing_packages "$@")
  if [ -z "$missing" ]; then
    echo "all packages are there"
    return 0
  fi
  # shellcheck disable=SC2086
  set -- $missing
  echo "installing: $*"
  [ "$(id -u)" -eq 0 ] || die "these packages are missing and only root can install them: $*" \
    "run as root, or: sudo apt-get install $*"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -o DPkg::Lock::Timeout=300 -q update </dev/null ||
    die "apt-get update failed" "is the network there, and are /etc/apt's sources right?"
  apt-get -o DPkg::Lock::Timeout=300 -q -y --no-install-recommends install "$@" </dev/null ||
    die "apt-get could not install: $*"
}
