#!/bin/bash
# Proves the README: makes a fresh minimal Debian (only git and certificates added), clones this repository into it and runs both
# README commands there. Needs root, mmdebstrap and a network; everything is below one temporary directory, in a private mount
# namespace. This machine's apt configuration is used inside, whatever it is. FRESH_ROOT_CACHE=FILE.tar keeps the bare root.
# FRESH_ROOT_STEPS: "quickstart tests" (default), or one of them.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
steps=${FRESH_ROOT_STEPS:-quickstart tests}
suite=${FRESH_ROOT_SUITE:-bookworm}

if [ "${1:-}" != --inside ]; then
  [ "$(id -u)" -eq 0 ] || { echo "error: a fresh root needs root" >&2; exit 1; }
  work=$(mktemp -d "${TMPDIR:-/var/tmp}/roost-root-XXXXXX")
  trap 'rm -rf --one-file-system "$work"' EXIT
  unshare --mount --propagation private --pid --fork --kill-child --mount-proc "$0" --inside "$work"
  exit
fi

work=$2
fresh=$work/root
mkdir "$fresh"

make_root() {
  local tar=${FRESH_ROOT_CACHE:-$work/root.tar}
  [ -s "$tar" ] || mmdebstrap --variant=minbase --include=git,ca-certificates "$suite" "$tar"
  tar -C "$fresh" -xf "$tar" --exclude='./dev/*'
}

# The same sources, proxy settings and trust as outside; what belongs to other installed software is harmless there.
copy_apt_configuration() {
  cp -a /etc/apt/. "$fresh/etc/apt/"
  [ -e /etc/apt/sources.list ] || rm -f "$fresh/etc/apt/sources.list"
  cp -aL /usr/local/share/ca-certificates/. "$fresh/usr/local/share/ca-certificates/" 2>/dev/null || true
  [ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp -L /etc/ssl/certs/ca-certificates.crt "$fresh/etc/ssl/certs/ca-certificates.crt"
  cp -L /etc/resolv.conf /etc/hosts "$fresh/etc/" 2>/dev/null || true
}

mount_kernel_filesystems() {
  mount -t proc proc "$fresh/proc"
  mount --rbind /sys "$fresh/sys"
  mount --rbind /dev "$fresh/dev"
}

inside() {
  # shellcheck disable=SC2046
  env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 CI=true \
    $(env | grep -iE '^(https?|ftp|no|all)_proxy=' || true) chroot "$fresh" /bin/sh -ec "$1"
}

make_root
copy_apt_configuration
mount_kernel_filesystems
git -c safe.directory='*' clone --quiet --no-hardlinks "$root" "$fresh/root/roost"
echo "==> fresh $suite: $(inside "dpkg-query -f '.\n' -W" | wc -l) packages"

for step in $steps; do
  case $step in
    quickstart)
      inside 'cd /root/roost && packaging/quickstart'
      # shellcheck disable=SC2016
      inside '[ "$(roost list --json | grep -o "\"state\": *\"online\"" | wc -l)" -eq 4 ]' ||
        { echo "error: not all four example apps are online" >&2; exit 1; }
      inside 'cd /root/roost && packaging/quickstart' >"$work/second.log"
      grep -q 'already running' "$work/second.log" ||
        { echo "error: the second quickstart did not say 'already running'" >&2; exit 1; }
      inside 'roost kill'
      ;;
    tests) inside 'cd /root/roost && tests/run' ;;
  esac
done
echo "==> fresh root: all steps succeeded: $steps"
