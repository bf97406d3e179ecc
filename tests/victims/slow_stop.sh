#!/bin/sh
# slow_stop.sh SECONDS RECORD: takes SECONDS to end after SIGTERM, then exits 0. Appends its pid to RECORD when it is ready.
trap 'sleep "$1"; exit 0' TERM
echo "$$" >>"$2"
while :; do sleep 1 & wait "$!"; done
