#!/bin/sh
# A shell loop: prints the load average every five seconds and ends cleanly on SIGTERM.
trap 'echo "loop done"; [ -n "$pause" ] && kill "$pause"; exit 0' TERM INT
while :; do
  printf 'load average: '
  cut -d' ' -f1-3 /proc/loadavg
  sleep 5 &
  pause=$!
  wait "$pause"
done
