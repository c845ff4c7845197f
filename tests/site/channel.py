"""Lays out the conda channels: package files, repodata in its three forms, and the channels that are broken on purpose."""
import bz2
import json
import subprocess

import conda_package
import stage
import synthetic
from common import log, sha256
from tree import Tree


class Channel:
    def __init__(self, folder):
        self.folder = folder
        self.records = {"linux-64": {}, "noarch": {}}
        for subdir in self.records:
            (folder / subdir).mkdir(parents=True)

    def add(self, record, tree, about=None, format="conda", payload=None):
        """Writes one package; gives its payload, to be used for a sibling with the same files."""
        name, entry, payload = conda_package.write(
            self.folder / record["subdir"], record, tree, about, format, payload)
        self.records[record["subdir"]][name] = entry
        return payload

    def write_repodata(self):
        for subdir, records in self.records.items():
            plain = {n: r for n, r in sorted(records.items()) if n.endswith(".tar.bz2")}
            zipped = {n: r for n, r in sorted(records.items()) if n.endswith(".conda")}
            data = json.dumps({"info": {"subdir": subdir}, "packages": plain, "packages.conda": zipped, "removed": [],
                               "repodata_version": 1}, indent=1, sort_keys=True).encode()
            write_index(self.folder / subdir, data)


def write_index(folder, data):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "repodata.json").write_bytes(data)
    (folder / "repodata.json.bz2").write_bytes(bz2.compress(data))
    (folder / "repodata.json.zst").write_bytes(
        subprocess.run(["zstd", "-q", "-9", "-T1", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout)


def make(folder, found, work):
    """conda-forge, extra, pytorch and broken/* under FOLDER, from the packages FOUND."""
    forge = Channel(folder / "conda-forge")
    payloads, written = {}, {}
    for package in found.values():
        for record, tree, about, format in package.variants():
            ready = recorded(tree, package)
            payload = payloads.get(id(tree), (None, None))[1]
            payloads[id(tree)] = (tree, forge.add(record, ready, about, format, payload))  # the tree, so that its id lives
            written.setdefault(record["name"], []).append((record, ready, about))
    for record, tree, format in stage.demos(synthetic.CONDA_FORGE, work).values():
        forge.add(record, tree, {"summary": "made by hand for a test"}, format)
    forge.write_repodata()
    log(f"conda-forge: {sum(map(len, forge.records.values()))} records")

    extra = Channel(folder / "extra")
    for record, tree, format in stage.demos(synthetic.EXTRA, work).values():
        extra.add({**record, "version": "2.0"}, tree, {"summary": "made by hand for a test"}, format)
    # A newer version of something that conda-forge has too: strict priority must not see it from below.
    record, tree, about = written["tabulate"][0]
    extra.add({**record, "version": "0.99.0"}, tree, {**about, "summary": "a version number of its own channel"})
    extra.write_repodata()
    _pytorch(Channel(folder / "pytorch"), written, payloads, found)
    _broken(folder / "broken", written)


def recorded(tree, package):
    """With INSTALLER and RECORD where the package is a Python distribution."""
    import dists
    return dists.with_record(tree.copy()) if dists.info_folder(tree) else tree


def _pytorch(channel, written, payloads, found):
    """The vendor's own channel: builds told apart by a mutex package, the cpu one marked down by track_features."""
    base = {"build_number": 0, "license": "BSD-3-Clause", "timestamp": 1670000000000, "version": "1.0",
            "subdir": "noarch", "noarch": "generic", "depends": []}
    channel.add({**base, "name": "pytorch-mutex", "build": "cpu", "track_features": "pytorch-mutex"}, Tree(), {}, "bz2")
    channel.add({**base, "name": "pytorch-mutex", "build": "cuda", "build_number": 100}, Tree(), {}, "bz2")
    linux = {k: v for k, v in base.items() if k != "noarch"} | {"subdir": "linux-64"}
    channel.add({**linux, "name": "pytorch-cuda", "version": "11.8", "build": "h7e8668a_3", "build_number": 3,
                 "depends": ["cuda-version 11.8.*", "__cuda >=11.8"]}, Tree(), {}, "bz2")
    for record, tree, about in written["pytorch"]:
        if record["version"] != "1.13.1":
            continue
        cuda = record["build"].startswith("cuda")
        depends = [d for d in record["depends"] if not d.startswith(("cudatoolkit", "cuda-version", "__cuda"))]
        channel.add({**record, "build": "py3.11_cuda11.8_cudnn8.7.0_0" if cuda else "py3.11_cpu_0", "build_number": 0,
                     "depends": [*depends, "pytorch-cuda >=11.8,<11.9" if cuda else "pytorch-mutex 1.0 cpu",
                                 *(["pytorch-mutex 1.0 cuda"] if cuda else [])],
                     "constrains": ["cpuonly <0"] if cuda else []}, tree, about, "conda",
                    payloads[id(found["pytorch"].tree)][1])
    channel.add({**base, "name": "cpuonly", "version": "2.0", "build": "0", "depends": ["pytorch-mutex 1.0 cpu"],
                 "track_features": "cpuonly"}, Tree(), {}, "bz2")
    channel.write_repodata()


def _broken(folder, written):
    """One channel a fault, each with the package six (and nothing it needs)."""
    record, tree, about = written["six"][0]
    record = {**record, "depends": []}

    def one(name, change_record=lambda r: r, change_file=lambda d: d, change_index=lambda d: d):
        channel = Channel(folder / name)
        channel.add(record, tree, about)
        [(file, entry)] = channel.records["noarch"].items()
        path = folder / name / "noarch" / file
        data = change_file(path.read_bytes())
        path.write_bytes(data)
        if name.startswith("inside-"):
            entry = {**entry, "sha256": sha256(data), "size": len(data)}
            entry.pop("md5")
        channel.records["noarch"][file] = change_record(dict(entry))
        channel.write_repodata()
        index = folder / name / "noarch"
        write_index(index, change_index((index / "repodata.json").read_bytes()))

    def without(*keys):
        return lambda entry: {k: v for k, v in entry.items() if k not in keys}

    one("wrong-sha256", lambda e: {**e, "sha256": "0" * 64, "md5": "0" * 32})
    one("wrong-size", lambda e: {**e, "size": e["size"] + 1})
    one("no-hash", without("sha256", "md5"))
    one("md5-only", without("sha256"))
    one("truncated-package", change_file=lambda d: d[:len(d) // 2])
    one("flipped-package", change_file=lambda d: d[:len(d) // 2] + bytes([d[len(d) // 2] ^ 1]) + d[len(d) // 2 + 1:])
    one("inside-truncated", change_file=lambda d: d[:len(d) // 2])
    one("inside-other-name", lambda e: {**e, "version": "1.16.1"})
    one("truncated-repodata", change_index=lambda d: d[:len(d) // 2])
    one("html-repodata", change_index=lambda d: b"<!DOCTYPE html>\n<html><body><h1>Sign in to continue</h1></body></html>\n")
    one("empty-repodata", change_index=lambda d: b"")
    one("array-repodata", change_index=lambda d: b"[1, 2, 3]\n")
    one("odd-records", change_index=lambda d: json.dumps(
        {"info": {}, "packages": {"x-1-0.tar.bz2": 7, "y-1-0.tar.bz2": {"name": "y"}, "../z-1-0.conda": {"name": "z"}}}).encode())
    for name in ("truncated-repodata",):  # the compressed forms are cut, too, not only what they hold
        for path in (folder / name / "noarch").glob("repodata.json.*"):
            path.write_bytes(path.read_bytes()[:-20])
