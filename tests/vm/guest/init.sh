#!/bin/sh
# /init of the initial RAM file system, run by busybox. Loads what reaches the disks, mounts them
# and hands over to session.sh on the first. A step that fails ends PID 1: the kernel panics, the
# emulator exits, and the console's last lines say why.
set -e
export PATH=/bin

mount -t devtmpfs dev /dev
exec </dev/console >/dev/console 2>&1
mount -t proc proc /proc
mount -t sysfs sys /sys

# In the order of /modules/order: what others need comes first.
while read -r module; do
  insmod "/modules/$module"
done </modules/order

# Disks come up in their own time.
wait_for() {
  tries=0
  until [ -b "$1" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 500 ] || { echo "vm: no $1"; exit 1; }
    usleep 10000
  done
}

wait_for /dev/vdc
# The host drops every write to the first two disks.
mount -t ext4 -o rw,noatime /dev/vda /system
tar -xf /dev/vdc -C /system
mkdir -p /system/repository/node_modules
mount -t ext4 -o ro,noatime /dev/vdb /system/repository/node_modules

umount /proc /sys
mount -o move /dev /system/dev
exec switch_root /system /bin/sh /repository/tests/vm/guest/session.sh
