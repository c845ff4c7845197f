"""ELF files: what they need, what they offer, and RPATHs that hold in any prefix."""
import posixpath
import re
import shutil
import subprocess
from dataclasses import replace

GLIBC = re.compile(r"^(ld-linux-x86-64|libc|libm|libdl|libpthread|librt|libresolv|libutil|libanl)\.so")
# libtorch was linked with these and uses no symbol of theirs.
_UNUSED = re.compile(r"^lib(opencv_.*|av(codec|format|util)|sw(scale|resample)|zmq|lmdb|leveldb|snappy)\.so")


def is_elf(node):
    if node.kind != "f":
        return False
    if node.data is not None:
        return node.data[:4] == b"\x7fELF"
    with open(node.source, "rb") as stream:
        return stream.read(4) == b"\x7fELF"


def dynamic(paths):
    """{path: (needed, soname)} of the dynamic ELF files among PATHS."""
    out = {}
    paths = [str(p) for p in paths]
    for start in range(0, len(paths), 200):
        part = paths[start:start + 200]
        text = subprocess.run(["readelf", "-Wd", part[0], *part], capture_output=True, text=True,
                              env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).stdout
        current = None
        for line in text.splitlines():
            if line.startswith("File: "):
                current = line[6:].strip()
            elif "Dynamic section at" in line:
                out.setdefault(current, ([], None))
            elif "(NEEDED)" in line and current in out:
                name = line.split("[", 1)[1].rstrip("]")
                if name not in out[current][0]:
                    out[current][0].append(name)
            elif "(SONAME)" in line:
                out[current] = (out[current][0], line.split("[", 1)[1].rstrip("]"))
    return out


def own_copy(tree, path, work):
    """Moves the file's bytes to a copy of our own under WORK, to be changed in place."""
    node = tree.nodes[path]
    work.mkdir(parents=True, exist_ok=True)
    copy = work / re.sub(r"[^A-Za-z0-9._-]", "_", path)
    if node.data is not None:
        copy.write_bytes(node.data)
    elif node.source != copy:
        shutil.copyfile(node.source, copy)
    tree.nodes[path] = replace(node, source=copy, data=None)
    return copy


def patch(file, *args):
    subprocess.run(["patchelf", *args, str(file)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def origin(path, folder="lib"):
    """$ORIGIN/<the way from PATH's folder to FOLDER>"""
    way = posixpath.relpath(folder, posixpath.dirname(path))
    return "$ORIGIN" if way == "." else "$ORIGIN/" + way


def set_rpaths(tree, work, folder="lib"):
    """DT_RPATH, not RUNPATH: it also holds for what a library's own dependencies need."""
    paths = [p for p in sorted(tree.nodes) if is_elf(tree.nodes[p])]
    known = dynamic([_on_disk(tree, p, work) for p in paths])
    for path in paths:
        entry = known.get(str(tree.nodes[path].source))
        if entry is None or not entry[0]:
            continue
        copy = own_copy(tree, path, work)
        unused = [n for n in entry[0] if _UNUSED.match(n)]
        if unused:  # in a call of its own: together with --set-rpath, patchelf 0.14 loses the removals
            patch(copy, *[a for name in unused for a in ("--remove-needed", name)])
        patch(copy, "--force-rpath", "--set-rpath", origin(path, folder))


def _on_disk(tree, path, work):
    return own_copy(tree, path, work) if tree.nodes[path].data is not None else tree.nodes[path].source


def needs(tree):
    """(needed sonames outside the tree and glibc, sonames offered) of a tree."""
    paths = [p for p in sorted(tree.nodes) if tree.nodes[p].source and is_elf(tree.nodes[p])]
    by_source = {str(tree.nodes[p].source): p for p in paths}
    needed, offered = set(), set()
    for source, (names, soname) in dynamic(by_source).items():
        needed.update(n for n in names if not GLIBC.match(n))
        if soname:
            offered.add(soname)
        offered.add(posixpath.basename(by_source[source]))
    return needed - offered, offered
