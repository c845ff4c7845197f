"""Wheels from the same trees, self-contained: the libraries they need lie inside, as auditwheel would put them."""
import io
import posixpath
import re
import tarfile
import zipfile
import gzip

import dists
import elf
from common import EPOCH, sha256
from tree import SITE, Node, Tree


def make(folder, found, work):
    """Writes wheels and one sdist into FOLDER/files; gives [{"project", "file", "sha256", "size", "metadata", "python"}]."""
    files = folder / "files"
    files.mkdir(parents=True)
    out = []
    for package in found.values():
        if not package.recipe.get("wheel"):
            continue
        bundled = _bundle(package, found, work) if package.recipe.get("python") else None
        for record, tree, _, _ in package.variants():
            if record["version"] != package.version and package.recipe["name"] == "pytorch":
                continue  # 90 MB, and nobody asks for it
            if any(e["version"] == record["version"] and e["name"] == package.recipe["name"] for e in out):
                continue
            content = _content(tree, bundled)
            out.append({"name": package.recipe["name"], **_write(files, content, package.recipe["dist"]["name"], record["version"])})
    out.append(_sdist(files))
    return out


def _content(tree, bundled):
    """{path in the wheel: (bytes, mode)}"""
    site = dists.site_folder(tree) + "/"
    out = {p[len(site):]: (tree.read(p), tree.nodes[p].mode) for p in tree.nodes
           if p.startswith(site) and "/__pycache__/" not in p and tree.nodes[p].kind == "f"}
    if bundled:
        out = {p: bundled.get(p, v) for p, v in out.items()} | {p: v for p, v in bundled.items() if p not in out}
    return out


def _closure(sonames, found, skip):
    """{soname: (tree, path)} of all libraries needed, through all packages but those in SKIP."""
    where = {}
    for name, package in found.items():
        for path in package.tree.glob("lib/*.so*"):
            if posixpath.dirname(path) == "lib":
                where.setdefault(posixpath.basename(path), (name, package.tree, path))
    left_out = set(skip)
    out, queue = {}, list(sonames)
    while queue:
        soname = queue.pop()
        if soname in out or soname not in where or where[soname][0] in left_out:
            continue
        name, tree, path = where[soname]
        while tree.nodes[path].kind == "l":
            path = posixpath.normpath(posixpath.join("lib", tree.nodes[path].target))
        out[soname] = (tree, path)
        one = Tree({path: tree.nodes[path]})
        queue += elf.needs(one)[0]
    return out


def _bundle(package, found, work):
    """{path in the wheel: (bytes, mode)} of the libraries, and of the extensions with an RPATH to them."""
    name = package.recipe["dist"]["name"]
    work = work / "wheel" / name
    tree = Tree({p: n for p, n in package.tree.nodes.items() if p.startswith(SITE + "/")})
    libs_folder = f"{SITE}/torch/lib" if name == "torch" else f"{SITE}/{name}.libs"
    skip = package.recipe.get("pip_deps", [])
    wanted = elf.needs(tree)[0]
    closure = _closure(wanted, found, [])
    for other in skip:  # what another wheel brings is in the process already, under the same soname
        brought = _closure(elf.needs(found[other].tree)[0] | elf.needs(found[other].tree)[1], found, [])
        closure = {s: v for s, v in closure.items() if s not in brought}
    if name == "torch":  # loaded by name, before anything else
        for path in [p for p in tree.nodes if posixpath.dirname(p) == libs_folder]:
            del tree.nodes[path]
        libs = found["libtorch"].tree
        real = libs.glob("lib/libtorch_global_deps.so.*.*.*")[0]
        tree.nodes[f"{libs_folder}/libtorch_global_deps.so"] = libs.nodes[real]
    for soname, (owner, path) in closure.items():
        tree.nodes[f"{libs_folder}/{soname}"] = owner.nodes[path]
    work.mkdir(parents=True, exist_ok=True)
    chosen = Tree({p: n for p, n in tree.nodes.items() if elf.is_elf(n)})
    for path in chosen.nodes:  # never change the files of the conda package
        node = chosen.nodes[path]
        data = node.read()
        chosen.nodes[path] = Node("f", node.mode, node.mtime, data=data)
    elf.set_rpaths(chosen, work, libs_folder)
    return {p[len(SITE) + 1:]: (chosen.read(p), 0o755) for p in chosen.nodes}


def _write(files, content, name, version):
    info = next(p.split("/")[0] for p in content if re.match(r"[^/]+\.dist-info/WHEEL$", p))
    tag = re.search(rb"^Tag: (\S+)", content[f"{info}/WHEEL"][0], re.M)[1].decode()
    file = f"{re.sub(r'[-.]+', '_', name)}-{version}-{tag}.whl"
    lines = [dists.record_line(p, d) for p, (d, _) in sorted(content.items())] + [f"{info}/RECORD,,"]
    order = sorted(content, key=lambda p: (p.startswith(info), p))  # the metadata last, as PEP 427 asks
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as wheel:
        for path in order:
            _add(wheel, path, content[path][0], content[path][1])
        _add(wheel, f"{info}/RECORD", ("\n".join(lines) + "\n").encode(), 0o644)
    data = stream.getvalue()
    metadata = content[f"{info}/METADATA"][0]
    (files / file).write_bytes(data)
    (files / (file + ".metadata")).write_bytes(metadata)
    needs = re.search(rb"^Requires-Python: (.+)$", metadata, re.M)
    return {"project": re.sub(r"[-_.]+", "-", name).lower(), "file": file, "version": version, "sha256": sha256(data),
            "size": len(data), "metadata": sha256(metadata), "python": needs[1].decode().strip() if needs else None}


def _add(archive, path, data, mode):
    item = zipfile.ZipInfo(path, (2023, 11, 14, 22, 13, 20))
    item.external_attr = (0o100000 | (0o755 if mode & 0o111 else 0o644)) << 16
    item.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(item, data)


def _sdist(files):
    """hello-sdist: has to be built, with setup.py alone."""
    stem, setup = "hello-sdist-1.0", """from setuptools import setup

setup(name="hello-sdist", version="1.0", description="has to be built", py_modules=["hello_sdist"],
      python_requires=">=3.6", install_requires=["six"], entry_points={"console_scripts": ["hello-sdist=hello_sdist:main"]})
"""
    content = {"PKG-INFO": "Metadata-Version: 2.1\nName: hello-sdist\nVersion: 1.0\nRequires-Python: >=3.6\n",
               "setup.py": setup, "setup.cfg": "[egg_info]\ntag_build =\n", "README": "A source distribution.\n",
               "hello_sdist.py": 'import six\n\n\ndef main():\n    print("hello from an sdist", six.PY3)\n'}
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(content):
            item = tarfile.TarInfo(f"{stem}/{path}")
            data = content[path].encode()
            item.size, item.mtime = len(data), EPOCH
            tar.addfile(item, io.BytesIO(data))
    data = gzip.compress(stream.getvalue(), 6, mtime=0)
    (files / f"{stem}.tar.gz").write_bytes(data)
    return {"name": "hello-sdist", "project": "hello-sdist", "file": f"{stem}.tar.gz", "version": "1.0", "sha256": sha256(data),
            "size": len(data), "metadata": None, "python": ">=3.6"}
