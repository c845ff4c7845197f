"""Links conda packages into a prefix the plain way: for the site's self-check alone, to know that its packages work.

usage: naive_link.py PACKAGES_FOLDER OUTPUT_FOLDER PREFIX SPEC...     a spec is name, name=version or name=version=build
Resolves by taking the newest record that fits every spec seen so far; no backtracking."""
import bz2
import fnmatch
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path


def records(channel):
    out = []
    for subdir in ("linux-64", "noarch"):
        data = json.loads((channel / subdir / "repodata.json").read_text())
        for key in ("packages", "packages.conda"):
            out += [{**r, "file": channel / subdir / n} for n, r in data[key].items()]
    return out


def _numbers(version):
    return [int(p) if p.isdigit() else p for p in re.findall(r"\d+|[a-z]+", version)]


def _less(a, b):
    for x, y in zip(_numbers(a), _numbers(b)):
        if x != y:
            return (isinstance(x, str), x) < (isinstance(y, str), y) if type(x) is not type(y) else x < y
    return len(_numbers(a)) < len(_numbers(b))


def _fits_version(version, spec):
    def one(term):
        found = re.match(r"(>=|<=|==|!=|>|<|=)?(.*)", term)
        operator, bound = found[1], found[2]
        if operator in (None, "=", "==", "!="):
            same = fnmatch.fnmatchcase(version, bound) or (bound.endswith(".*") and version == bound[:-2]) or (
                operator == "=" and version.startswith(bound + "."))
            return same != (operator == "!=")
        less, more = _less(version, bound), _less(bound, version)
        return {">=": not less, "<=": not more, ">": more, "<": less}[operator]
    return any(all(one(t.strip()) for t in part.split(",")) for part in spec.split("|"))


def _fits(record, spec):
    words = spec.replace("=", " = ", 1).replace("= =", "==").split() if re.match(r"^[\w.-]+=[^=]", spec) else spec.split()
    if len(words) > 2 and words[1] == "=":
        version, _, build = words[2].partition("=")
        words = [words[0], "=" + version, *([build] if build else [])]
    return (record["name"] == words[0] and (len(words) < 2 or _fits_version(record["version"], words[1]))
            and (len(words) < 3 or fnmatch.fnmatchcase(record["build"], words[2])))


def resolve(available, specs, glibc="2.36"):
    virtual = [{"name": "__glibc", "version": glibc, "build": "0"}, {"name": "__unix", "version": "0", "build": "0"},
               {"name": "__linux", "version": "0", "build": "0"}]
    asked, chosen, queue = {}, {}, list(specs)
    while queue:
        spec = queue.pop(0)
        name = re.match(r"[\w.-]+", spec)[0]
        asked.setdefault(name, []).append(spec)
        if any(v["name"] == name for v in virtual):
            if not any(_fits(v, spec) for v in virtual):
                raise SystemExit(f"{spec}: not on this system")
            continue
        fitting = [r for r in available if r["name"] == name and all(_fits(r, s) for s in asked[name])
                   and not any(d.startswith("__cuda") for d in r["depends"])]
        if not fitting:
            raise SystemExit(f"nothing fits {asked[name]}")
        best = fitting[0]
        for record in fitting[1:]:
            if _less(best["version"], record["version"]) or (
                    best["version"] == record["version"] and bool(record.get("track_features")) < bool(best.get("track_features"))):
                best = record
        if chosen.get(name) is not best:
            chosen[name] = best
            queue += best["depends"]
    return sorted(chosen.values(), key=lambda r: r["name"])


def _unzstd(data):
    return subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=True).stdout


def contents(file):
    """(members of the payload, members of info) as tarfiles."""
    if file.name.endswith(".tar.bz2"):
        both = tarfile.open(fileobj=io.BytesIO(bz2.decompress(file.read_bytes())))
        return both, both
    with zipfile.ZipFile(file) as archive:
        stem = file.name.removesuffix(".conda")
        return tuple(tarfile.open(fileobj=io.BytesIO(_unzstd(archive.read(f"{part}-{stem}.tar.zst")))) for part in ("pkg", "info"))


def replaced(data, entry, prefix):
    """Text: as it is. Binary: each C string that holds the placeholder is shortened and padded with NULs."""
    old, new = entry["prefix_placeholder"].encode(), prefix.encode()
    if entry["file_mode"] == "text":
        return data.replace(old, new)
    def shorten(match):
        short = match[0].replace(old, new)
        return short + b"\0" * (len(match[0]) - len(short))
    return re.sub(re.escape(old) + rb"[^\0]*\0", shorten, data)


def link(record, output, prefix):
    payload, info = contents(record["file"])
    paths = {e["_path"]: e for e in json.load(info.extractfile("info/paths.json"))["paths"]}
    noarch = record.get("noarch") == "python"

    def place(path):
        if noarch and path.startswith("site-packages/"):
            path = "lib/python3.11/" + path
        elif noarch and path.startswith("python-scripts/"):
            path = "bin/" + path[len("python-scripts/"):]
        return Path(output + prefix, path)
    for member in payload:
        if member.name.startswith("info/") or member.isdir():
            continue
        target = place(member.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(target):
            target.unlink()
        if member.issym():
            target.symlink_to(member.linkname)
        elif member.islnk():
            os.link(place(member.linkname), target)
        else:
            data = payload.extractfile(member).read()
            entry = paths[member.name]
            if "prefix_placeholder" in entry:
                data = replaced(data, entry, prefix)
            target.write_bytes(data)
            target.chmod(member.mode & 0o777)
            os.utime(target, (member.mtime, member.mtime))
    if noarch and "info/link.json" in info.getnames():
        for entry in json.load(info.extractfile("info/link.json"))["noarch"].get("entry_points", []):
            _script(entry, Path(output + prefix, "bin"), prefix)


def _script(entry, folder, prefix):
    name, target = (t.strip() for t in entry.split("="))
    module, function = target.split(":")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!{prefix}/bin/python\nimport sys\nfrom {module} import {function.split('.')[0]}\n"
                               f"sys.exit({function}())\n")
    (folder / name).chmod(0o755)


def main():
    packages, output, prefix, *specs = sys.argv[1:]
    chosen = resolve(records(Path(packages, "channels", "conda-forge")), specs)
    for record in chosen:
        link(record, output, prefix)
        print(f"{record['name']} {record['version']} {record['build']}")


if __name__ == "__main__":
    main()
