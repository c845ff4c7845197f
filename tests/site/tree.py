"""The file tree of one package: relocated from Debian's layout to a conda prefix."""
import fnmatch
import os
import posixpath
import re
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path

PYTHON = "lib/python3.11"
SITE = PYTHON + "/site-packages"
_LEFT_OUT = re.compile(r"^(usr/share/(doc|man|info|lintian|bug|locale|doc-base|python3|debhelper|menu|bash-completion"
                       r"|zsh|perl5|python-wheels/README)|etc|var|usr/lib/(tmpfiles.d|systemd|udev)|usr/share/pam)(/|$)")


@dataclass(frozen=True)
class Node:
    """kind: f file, l symlink, h hard link to an earlier file of the tree (target: its path)."""
    kind: str
    mode: int = 0o644
    mtime: int = 0
    source: Path | None = None
    data: bytes | None = None
    target: str = ""

    def read(self):
        return self.data if self.data is not None else self.source.read_bytes()


@dataclass
class Tree:
    nodes: dict = field(default_factory=dict)
    placeholders: dict = field(default_factory=dict)  # path -> "text" | "binary"

    def put(self, path, data, mode=0o644, mtime=0):
        self.nodes[path] = Node("f", mode, mtime, data=data if isinstance(data, bytes) else data.encode())

    def link(self, path, target, mtime=0):
        self.nodes[path] = Node("l", 0o777, mtime, target=target)

    def edit(self, path, data):
        """New bytes under the same mode and mtime."""
        old = self.nodes[path]
        data = data if isinstance(data, bytes) else data.encode()
        self.nodes[path] = replace(old, source=None, data=data)

    def glob(self, pattern):
        return sorted(p for p in self.nodes if fnmatch.fnmatchcase(p, pattern))

    def copy(self):
        return Tree(dict(self.nodes), dict(self.placeholders))

    def read(self, path):
        node = self.nodes[path]
        return self.nodes[node.target].read() if node.kind == "h" else node.read()

    def newest(self):
        return max((n.mtime for n in self.nodes.values()), default=0)


def in_prefix(path):
    """Where a path of Debian's lies in the prefix; None for what is left out."""
    path = path.lstrip("/")
    if _LEFT_OUT.match(path):
        return None
    path = re.sub(r"^usr/lib/python3(\.11)?/dist-packages/", SITE + "/", path)
    path = re.sub(r"^(usr/)?lib/x86_64-linux-gnu/((blas|lapack)/)?", "lib/", path)
    path = re.sub(r"^usr/share/python-wheels/", "wheels/", path)
    path = re.sub(r"^usr/", "", path)
    return re.sub(r"^(sbin|lib64)/", lambda m: {"sbin": "bin/", "lib64": "lib/"}[m[1]], path)


def from_debs(folders):
    """The tree of several unpacked Debian packages."""
    tree, inodes = Tree(), {}
    for folder in folders:
        for where, folders_in, files in os.walk(folder):
            folders_in.sort()
            links = [d for d in folders_in if os.path.islink(os.path.join(where, d))]
            for name in sorted(files + links):
                full = Path(where, name)
                old = str(full.relative_to(folder))
                new = in_prefix(old)
                if new is None:
                    continue
                info = full.lstat()
                mtime = int(info.st_mtime)
                if stat.S_ISLNK(info.st_mode):
                    target = os.readlink(full)
                    if not target.startswith("/etc/"):  # those stay absolute, and dangle
                        target = _move_link(old, new, target)
                    tree.link(new, target, mtime)
                elif info.st_nlink > 1 and (info.st_dev, info.st_ino) in inodes:
                    tree.nodes[new] = Node("h", info.st_mode & 0o7777, mtime, target=inodes[info.st_dev, info.st_ino])
                else:
                    inodes[info.st_dev, info.st_ino] = new
                    tree.nodes[new] = Node("f", info.st_mode & 0o7777, mtime, source=full)
    return tree


def _move_link(old, new, target):
    absolute = target if target.startswith("/") else posixpath.normpath("/" + posixpath.join(posixpath.dirname(old), target))
    moved = in_prefix(absolute)
    return posixpath.relpath(moved, posixpath.dirname(new) or ".") if moved else target


def select(tree, take, drop):
    """Keeps what one of TAKE matches (all, where it is empty) and none of DROP does. Mends hard links that lost their first name."""
    def keep(path):
        return (not take or any(fnmatch.fnmatchcase(path, t) for t in take)) and not any(
            fnmatch.fnmatchcase(path, d) for d in drop)
    out, moved = Tree(), {}
    for path, node in tree.nodes.items():
        if not keep(path):
            continue
        if node.kind == "h":
            first = moved.setdefault(node.target, node.target if node.target in out.nodes else path)
            node = replace(tree.nodes[node.target], mode=node.mode) if first == path else replace(node, target=first)
        out.nodes[path] = node
    return out


def as_noarch_python(tree):
    """lib/python3.11/site-packages -> site-packages; scripts go, for their entry points make them."""
    out = Tree()
    for path, node in tree.nodes.items():
        if path.startswith(SITE + "/"):
            out.nodes[path[len(PYTHON) + 1:]] = node
        elif not path.startswith("bin/"):
            out.nodes[path] = node
    return out
