"""Root file systems as layers: a minimal Debian for the base images, and one with no glibc at all."""
import gzip
import io
import json
import os
import stat
import subprocess
import tarfile
import time
from pathlib import Path

import debs
from common import EPOCH, HERE, cached, content_key, log, sha256, work_folder

_SUITE = "bookworm"
# Caches, lists, logs and what debootstrap copied from the host that ran it.
_EMPTIED = ("var/cache/apt", "var/lib/apt/lists", "var/log", "var/cache/ldconfig", "var/cache/debconf", "tmp", "run", "dev",
            "proc", "sys", "debootstrap")
_LEFT_OUT = {"etc/resolv.conf", "etc/hostname", "etc/machine-id", "var/lib/dbus/machine-id", "etc/.pwd.lock"}


def layers():
    """The folder with debian.tar.gz, noglibc.tar.gz and layers.json ({name: {digest, diff_id, size}})."""
    busybox = debs.fetch(["busybox-static"])
    key = content_key(_SUITE, busybox, HERE / "rootfs.py")
    return cached("rootfs", key, lambda folder: _make(folder, busybox))


def _mirror():
    """The mirror that apt uses for the suite."""
    text = subprocess.run(["apt-get", "indextargets", "--format", "$(CODENAME) $(COMPONENT) $(REPO_URI)", "Created-By: Packages"],
                          capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        codename, component, uri = line.split(" ", 2)
        if codename == _SUITE and component == "main":
            return uri
    raise SystemExit(f"site: apt knows no mirror of Debian {_SUITE}")


def _make(folder, busybox):
    index = {}
    with work_folder("rootfs") as work:
        root = work / "root"
        log("debootstrap")
        started = time.time()
        done = subprocess.run(["debootstrap", "--variant=minbase", _SUITE, root, _mirror()], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise SystemExit("site: debootstrap failed:\n" + "\n".join(done.stdout.splitlines()[-15:]))
        log("packing the base layer")
        index["debian"] = _layer(folder / "debian.tar.gz", _walk(root, started))
        debs.unpack(busybox, work)
        index["noglibc"] = _layer(folder / "noglibc.tar.gz", _busybox(work / "busybox-static" / "bin" / "busybox"))
    (folder / "layers.json").write_text(json.dumps(index, indent=1))


def _layer(path, members):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for item, data in members:
            tar.addfile(item, io.BytesIO(data) if data is not None else None)
    plain = stream.getvalue()
    data = gzip.compress(plain, 6, mtime=0)
    path.write_bytes(data)
    return {"digest": "sha256:" + sha256(data), "diff_id": "sha256:" + sha256(plain), "size": len(data)}


def _walk(root, started):
    """The tree in a fixed order; what the installation itself wrote gets a fixed mtime."""
    inodes = {}
    for where, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(folders + files):
            full = Path(where, name)
            path = str(full.relative_to(root))
            if path in _LEFT_OUT or any(path.startswith(e + "/") for e in _EMPTIED) or path == "debootstrap":
                continue
            info = full.lstat()
            item = tarfile.TarInfo(path)
            item.mode, item.uid, item.gid = info.st_mode & 0o7777, info.st_uid, info.st_gid
            item.mtime = EPOCH if info.st_mtime >= started - 1 else int(info.st_mtime)
            data = None
            if stat.S_ISLNK(info.st_mode):
                item.type, item.linkname = tarfile.SYMTYPE, os.readlink(full)
            elif stat.S_ISDIR(info.st_mode):
                item.type, item.mtime = tarfile.DIRTYPE, EPOCH
            elif not stat.S_ISREG(info.st_mode):
                continue
            elif info.st_nlink > 1 and info.st_ino in inodes:
                item.type, item.linkname = tarfile.LNKTYPE, inodes[info.st_ino]
            else:
                inodes[info.st_ino] = path
                data = _settled(path, full.read_bytes())
                item.size = len(data)
            yield item, data


def _settled(path, data):
    """/etc/shadow holds the day of the installation."""
    if path.startswith("etc/shadow"):
        lines = [line.split(b":") for line in data.splitlines()]
        return b"".join(b":".join([*f[:2], b"19675", *f[3:]]) + b"\n" for f in lines)
    return data


def _busybox(binary):
    def item(name, kind=tarfile.DIRTYPE, mode=0o755, link="", size=0):
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode, entry.linkname, entry.size, entry.mtime = kind, mode, link, size, EPOCH
        return entry
    data = binary.read_bytes()
    passwd = b"root:x:0:0:root:/:/bin/sh\n"
    yield item("bin"), None
    yield item("bin/busybox", tarfile.REGTYPE, size=len(data)), data
    for name in ("sh", "ls", "cat", "env", "true", "id"):
        yield item(f"bin/{name}", tarfile.SYMTYPE, link="busybox"), None
    yield item("etc"), None
    yield item("etc/passwd", tarfile.REGTYPE, 0o644, size=len(passwd)), passwd
    yield item("tmp", mode=0o1777), None
