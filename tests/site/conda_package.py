"""Writes a tree as a conda package, .conda or .tar.bz2, with the info/ folder that conda-build makes."""
import bz2
import io
import json
import posixpath
import subprocess
import tarfile
import zipfile

import dists
from common import EPOCH, PLACEHOLDER, sha256

EMPTY = sha256(b"")


def write(folder, record, tree, about=None, format="conda", payload=None):
    """Writes the package into FOLDER and gives (file name, repodata record, the payload for a sibling of the same files).

    RECORD is info/index.json. The bytes depend on the arguments alone."""
    stem = f"{record['name']}-{record['version']}-{record['build']}"
    info = _info(record, tree, about or {})
    if format == "bz2":
        name = stem + ".tar.bz2"
        data = bz2.compress(_tar({**info, **_members(tree)}, tarfile.GNU_FORMAT), 6)
    else:
        name = stem + ".conda"
        payload = payload or _zstd(_tar(_members(tree), tarfile.PAX_FORMAT))
        data = _zip([("metadata.json", json.dumps({"conda_pkg_format_version": 2}).encode()),
                     (f"pkg-{stem}.tar.zst", payload),
                     (f"info-{stem}.tar.zst", _zstd(_tar(info, tarfile.PAX_FORMAT)))])
    (folder / name).write_bytes(data)
    entry = dict(record, sha256=sha256(data), md5=_md5(data), size=len(data))
    return name, entry, payload


def _md5(data):
    import hashlib
    return hashlib.md5(data).hexdigest()


def paths_json(tree):
    paths = []
    for path in sorted(tree.nodes):
        node = tree.nodes[path]
        entry = {"_path": path, "path_type": "softlink" if node.kind == "l" else "hardlink"}
        if node.kind == "l":
            data = _through(tree, path)
            entry |= {"sha256": EMPTY, "size_in_bytes": 0} if data is None else {
                "sha256": sha256(data), "size_in_bytes": len(data)}
        else:
            data = tree.read(path)
            entry |= {"sha256": sha256(data), "size_in_bytes": len(data)}
        if path in tree.placeholders:
            entry |= {"prefix_placeholder": PLACEHOLDER, "file_mode": tree.placeholders[path]}
        paths.append(entry)
    return {"paths": paths, "paths_version": 1}


def _through(tree, path, depth=8):
    """What a symlink leads to within the package; None where it leads nowhere, as conda-build has it."""
    while depth and path in tree.nodes and tree.nodes[path].kind == "l":
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), tree.nodes[path].target))
        depth -= 1
    return tree.read(path) if path in tree.nodes and tree.nodes[path].kind != "l" else None


def _info(record, tree, about):
    files = {
        "index.json": record,
        "about.json": {"conda_build_version": "3.28.4", "license": record.get("license"), **about},
        "paths.json": paths_json(tree),
        "hash_input.json": {"channel_targets": "conda-forge main", "target_platform": record["subdir"]},
    }
    if record.get("noarch") == "python":
        link = {"noarch": {"type": "python"}, "package_metadata_version": 1}
        points = dists.entry_points(tree) if dists.info_folder(tree) else []
        if points:
            link["noarch"]["entry_points"] = points
        files["link.json"] = link
    out = {name: json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False).encode() for name, value in files.items()}
    out["files"] = "".join(p + "\n" for p in sorted(tree.nodes)).encode()
    if tree.placeholders:
        out["has_prefix"] = "".join(f'"{PLACEHOLDER}" {mode} "{path}"\n' for path, mode in sorted(tree.placeholders.items())).encode()
    result = {}
    for name in sorted(out):
        item = tarfile.TarInfo("info/" + name)
        item.size, item.mode, item.mtime = len(out[name]), 0o644, EPOCH
        result["info/" + name] = (item, out[name])
    return result


def _members(tree):
    out = {}
    # A hard link has to come after the file it names.
    for path in sorted(tree.nodes, key=lambda p: (tree.nodes[p].kind == "h", p)):
        node = tree.nodes[path]
        item = tarfile.TarInfo(path)
        item.mode, item.mtime = node.mode, node.mtime or EPOCH
        data = None
        if node.kind == "l":
            item.type, item.linkname = tarfile.SYMTYPE, node.target
        elif node.kind == "h":
            item.type, item.linkname = tarfile.LNKTYPE, node.target
        else:
            data = node.read()
            item.size = len(data)
        out[path] = (item, data)
    return out


def _tar(members, format):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=format, encoding="utf-8") as tar:
        for item, data in members.values():
            tar.addfile(item, io.BytesIO(data) if data is not None else None)
    return stream.getvalue()


def _zstd(data):
    return subprocess.run(["zstd", "-q", "-3", "-T1", "--no-check", "-c", "-"], input=data, stdout=subprocess.PIPE,
                          check=True).stdout


def _zip(members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members:
            item = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            item.external_attr = 0o644 << 16
            archive.writestr(item, data)
    return stream.getvalue()
