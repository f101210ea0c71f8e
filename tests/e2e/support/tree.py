"""Lists a file tree: a JSON line for each path, with all that an image says about it."""

import hashlib, json, os, stat, sys

root = sys.argv[1]
seen = {}


def describe(path):
    full = os.path.join(root, path)
    found = os.lstat(full)
    kind = stat.S_IFMT(found.st_mode)
    entry = {
        "path": path,
        "type": {
            stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link",
            stat.S_IFCHR: "char", stat.S_IFBLK: "block", stat.S_IFIFO: "fifo",
        }.get(kind, oct(kind)),
        "mode": oct(stat.S_IMODE(found.st_mode)),
        "uid": found.st_uid,
        "gid": found.st_gid,
        "mtime": found.st_mtime_ns // 1000000000,
    }
    if kind == stat.S_IFLNK:
        entry["target"] = os.readlink(full)
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        entry["device"] = [os.major(found.st_rdev), os.minor(found.st_rdev)]
    if kind == stat.S_IFREG:
        entry["size"] = found.st_size
        with open(full, "rb") as file:
            entry["content"] = hashlib.sha256(file.read()).hexdigest()
        if found.st_nlink > 1:
            entry["same"] = seen.setdefault((found.st_dev, found.st_ino), path)
    names = os.listxattr(full, follow_symlinks=False)
    entry["xattrs"] = {
        name: os.getxattr(full, name, follow_symlinks=False).hex() for name in sorted(names)
    }
    return entry


paths = ["."]
for directory, directories, files in os.walk(root):
    directories.sort()
    for name in sorted(directories + files):
        paths.append(os.path.relpath(os.path.join(directory, name), root))
for path in sorted(paths):
    print(json.dumps(describe(path)))
