#!/bin/sh
# A control group by hand: made with a fifth of a processor, a busy loop put into it, watched, and
# removed; then a container with the same limit. CTR_TS names the program. What the kernel says is
# read from its own files and printed; nothing is left behind, however this ends.
set -eu
ctr=${CTR_TS:-ctr-ts}
name=demo-$$
busy=

clean_up() {
  [ -z "$busy" ] || kill -KILL "$busy" 2>/dev/null || true
  "$ctr" cgroup rm "$name" >/dev/null 2>&1 || true
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

show() {
  echo "\$ ctr-ts $*"
  "$ctr" "$@"
}

# The directory of the group that has this file, from what `create` printed.
directory_with() {
  echo "$created" | sed -n 's/^  \(\/.*\)/\1/p' | while read -r directory; do
    [ ! -e "$directory/$1" ] || echo "$directory"
  done
}

created=$(show cgroup create "$name" --cpus 0.2)
echo "$created"
cpu=$(directory_with cpu.stat | head -n 1)
if [ -e "$cpu/cpu.max" ]; then
  echo "kernel: cpu.max \"$(cat "$cpu/cpu.max")\""
  usage_us() { sed -n 's/^usage_usec //p' "$cpu/cpu.stat"; }
else
  echo "kernel: cpu.cfs_quota_us \"$(cat "$cpu/cpu.cfs_quota_us")\" of cpu.cfs_period_us \"$(cat "$cpu/cpu.cfs_period_us")\""
  account=$(directory_with cpuacct.usage)
  usage_us() { echo "$(($(cat "$account/cpuacct.usage") / 1000))"; }
fi
now_us() { echo "$(($(date +%s%N) / 1000))"; }

while :; do :; done &
busy=$!
show cgroup attach "$name" "$busy"
sleep 1
used=$(usage_us) began=$(now_us)
sleep 5
used=$(($(usage_us) - used)) took=$(($(now_us) - began))
throttled=$(sed -n 's/^nr_throttled //p' "$cpu/cpu.stat")
echo "kernel: $((used * 100 / took)) % of a processor, stopped $throttled times"
show cgroup stat "$name"

kill -KILL "$busy"
wait "$busy" 2>/dev/null || true
busy=
show cgroup rm "$name"
[ -e "$cpu" ] && echo "kernel: $cpu is still there" || echo 'kernel: the group is gone'

show run --rm --cpus 0.2 host: sh -c \
  'cd /sys/fs/cgroup; echo "inside: $(cat cpu.max 2>/dev/null || cat cpu/cpu.cfs_quota_us)"'
