# Profile cgroup2: one cgroup v2 tree at /sys/fs/cgroup, as on every current distribution, but
# nobody who manages it: no systemd, and what a login manager would delegate is done here.

make_profile() {
  mount -t cgroup2 -o nosuid,nodev,noexec,nsdelegate cgroup2 /sys/fs/cgroup
}

# A subtree that belongs to the user, the way systemd makes user@UID.service: controllers are
# handed down to it, its directory and the files in /sys/kernel/cgroup/delegate are the user's.
make_session() {
  group=/sys/fs/cgroup
  for name in user.slice "user-$2.slice" "user@$2.service"; do
    echo '+cpu +memory +pids' >"$group/cgroup.subtree_control"
    group=$group/$name
    mkdir "$group"
  done
  chown "$1:" "$group"
  while read -r file; do
    [ ! -e "$group/$file" ] || chown "$1:" "$group/$file"
  done </sys/kernel/cgroup/delegate
  session=$group/session.scope
  setpriv --reuid "$1" --regid "$1" --clear-groups mkdir "$session"
}

# Puts the calling shell into the session, while it may still do so.
enter_session() {
  echo 0 >"$session/cgroup.procs"
}
