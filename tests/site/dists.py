"""Python distributions inside a tree: one .dist-info in the modern form, whatever Debian's package held."""
import base64
import configparser
import hashlib
import posixpath
import re

from tree import Tree

SCRIPT = """#!{python}
# -*- coding: utf-8 -*-
import re
import sys

from {module} import {first}

if __name__ == "__main__":
    sys.argv[0] = re.sub(r"(-script\\.pyw?|\\.exe)?$", "", sys.argv[0])
    sys.exit({function}())
"""


def site_folder(tree):
    return "site-packages" if any(p.startswith("site-packages/") for p in tree.nodes) else "lib/python3.11/site-packages"


def info_folder(tree):
    for path in sorted(tree.nodes):
        found = re.match(r"(.*site-packages/[^/]+\.(dist|egg)-info)/", path)
        if found:
            return found[1]
    return None


def normalise(tree, dist, version):
    """A tree whose one metadata folder is <name>-<version>.dist-info, as a wheel has it (no RECORD, no INSTALLER)."""
    old = info_folder(tree)
    files = {posixpath.relpath(p, old): p for p in tree.nodes if p.startswith(old + "/")}
    source = "METADATA" if "METADATA" in files else "PKG-INFO"
    metadata = tree.read(files[source]).decode()
    mtime = tree.nodes[files[source]].mtime
    # Whether the wheel is pure is told by the tree; the tag is not asked of Debian.
    pure = not any(".so" in posixpath.basename(p) for p in tree.nodes)
    kept = {n: tree.read(files[n]) for n in ("entry_points.txt", "top_level.txt", "LICENSE", "AUTHORS") if n in files}
    out = Tree({p: n for p, n in tree.nodes.items() if not p.startswith(old + "/")}, dict(tree.placeholders))
    new = f"{site_folder(tree)}/{re.sub(r'[-.]+', '_', dist['name'])}-{version}.dist-info"
    if not dist.get("keep"):
        metadata = _metadata(metadata, dist, version)
        scripts = {**_scripts(kept.get("entry_points.txt", b"").decode()), **dist.get("scripts", {})}
        scripts = {n: t for n, t in scripts.items() if _there(out, t)}
        kept["entry_points.txt"] = _entry_points(kept.get("entry_points.txt", b"").decode(), scripts)
    for name, data in kept.items():
        if data:
            out.put(f"{new}/{name}", data, mtime=mtime)
    out.put(f"{new}/METADATA", metadata, mtime=mtime)
    tag = "py3-none-any" if pure else "cp311-cp311-manylinux_2_36_x86_64"
    out.put(f"{new}/WHEEL", f"Wheel-Version: 1.0\nGenerator: envbuild-site (1)\nRoot-Is-Purelib: {str(pure).lower()}\n"
                            f"Tag: {tag}\n", mtime=mtime)
    return out


def _metadata(text, dist, version):
    head, _, body = text.partition("\n\n")
    lines, skipping = [], False
    for line in head.splitlines():
        if line[:1] in (" ", "\t"):
            if not skipping:
                lines.append(line)
            continue
        key = line.split(":", 1)[0]
        skipping = key in ("Requires-Dist", "Provides-Extra", "Version", "Name", "Metadata-Version", "License-File") or (
            key == "Requires-Python" and "python" in dist)
        if not skipping:
            lines.append(line)
    top = ["Metadata-Version: 2.1", f"Name: {dist['name']}", f"Version: {version}"]
    if "python" in dist:
        lines.append(f"Requires-Python: {dist['python']}")
    lines += [f"Provides-Extra: {e}" for e in dist.get("extras", [])]
    lines += [f"Requires-Dist: {_spaced(r)}" for r in dist.get("requires", [])]
    return "\n".join(top + lines) + "\n\n" + body


def _spaced(requirement):
    """numpy>=1,<2 -> numpy (>=1,<2), the older spelling, which is most of the index's"""
    spec, mark, marker = requirement.partition(";")
    found = re.match(r"^([A-Za-z0-9._\[\]-]+)\s*([<>=!~].*?)\s*$", spec.strip())
    spec = f"{found[1]} ({found[2]})" if found else spec.strip()
    return spec + (f" ; {marker.strip()}" if mark else "")


def _parser():
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str
    return parser


def _scripts(text):
    parser = _parser()
    parser.read_string(text)
    return dict(parser["console_scripts"]) if parser.has_section("console_scripts") else {}


def _entry_points(text, scripts):
    parser = _parser()
    parser.read_string(text)
    sections = {s: dict(parser[s]) for s in parser.sections() if s != "console_scripts"}
    if scripts:
        sections["console_scripts"] = scripts
    return "\n".join(f"[{s}]\n" + "".join(f"{k} = {v}\n" for k, v in sorted(e.items()))
                     for s, e in sorted(sections.items())).encode()


def _there(tree, target):
    path = f"{site_folder(tree)}/{target.split(':')[0].strip().replace('.', '/')}"
    return f"{path}.py" in tree.nodes or f"{path}/__init__.py" in tree.nodes


def entry_points(tree):
    """["name = module:function"] of the console scripts."""
    folder = info_folder(tree)
    path = f"{folder}/entry_points.txt"
    if path not in tree.nodes:
        return []
    return [f"{n} = {t}" for n, t in sorted(_scripts(tree.read(path).decode()).items())]


def script(entry, python):
    name, _, target = entry.partition("=")
    module, _, function = target.strip().partition(":")
    return name.strip(), SCRIPT.format(python=python, module=module, function=function, first=function.split(".")[0])


def record_line(path, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    quoted = f'"{path}"' if "," in path else path
    return f"{quoted},sha256={digest},{len(data)}"


def with_record(tree, installer="conda"):
    """Adds INSTALLER and RECORD, as an installed distribution has them."""
    folder = info_folder(tree)
    mtime = tree.nodes[f"{folder}/METADATA"].mtime
    site = site_folder(tree)
    tree.put(f"{folder}/INSTALLER", installer + "\n", mtime=mtime)
    lines = []
    for path in sorted(tree.nodes):
        if path.startswith(site + "/"):
            short = posixpath.relpath(path, site)
            if path.endswith(".pyc") or tree.nodes[path].kind != "f" or path in tree.placeholders:
                lines.append(f"{short},,")
            else:
                lines.append(record_line(short, tree.read(path)))
    lines.append(f"{posixpath.relpath(folder, site)}/RECORD,,")
    tree.put(f"{folder}/RECORD", "\n".join(lines) + "\n", mtime=mtime)
    return tree
