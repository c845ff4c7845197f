"""Debian packages: fetched once with apt-get download, known by their SHA-256, unpacked with dpkg-deb."""
import json
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from common import cache_dir, locked, log, sha256_file, write_atomic


def fetch(names):
    """{name: {"file", "version", "sha256"}} for each of NAMES, from the cache where it is there.

    What was fetched once stays the answer for this machine until `site make --refresh` forgets it."""
    folder = cache_dir() / "debs"
    folder.mkdir(exist_ok=True)
    index_file = folder / "index.json"
    with locked("debs"):
        index = json.loads(index_file.read_text()) if index_file.exists() else {}
        index = {n: e for n, e in index.items() if (folder / e["file"]).is_file()}
        missing = sorted(set(names) - set(index))
        if missing:
            log(f"fetching {len(missing)} Debian packages")
            with tempfile.TemporaryDirectory(dir=folder) as temp:
                _download(missing, temp)
                for path in sorted(Path(temp).glob("*.deb")):
                    name, version = path.name.split("_")[:2]
                    index[name] = {"file": path.name, "version": version.replace("%3a", ":"), "sha256": sha256_file(path)}
                    path.rename(folder / path.name)
            write_atomic(index_file, json.dumps(index, indent=1, sort_keys=True))
        lacking = sorted(set(names) - set(index))
        if lacking:
            raise SystemExit(f"site: apt has no package {', '.join(lacking)}; is the release bookworm?")
    return {name: index[name] for name in names}


def _download(names, folder):
    command = ["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", *names]
    for refresh in (True, False):
        done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode == 0:
            return
        if refresh:  # the package lists may be older than the mirror
            subprocess.run(["apt-get", "update", "-qq"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    raise SystemExit(f"site: apt-get download failed:\n{done.stderr}")


def forget():
    (cache_dir() / "debs" / "index.json").unlink(missing_ok=True)


def unpack(entries, folder):
    """Unpacks each of {name: entry} to FOLDER/name."""
    def one(item):
        name, entry = item
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["dpkg-deb", "-x", cache_dir() / "debs" / entry["file"], folder / name], check=True)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, entries.items()))


def upstream_version(version):
    """2:1.13.1+dfsg-4+b1 -> 1.13.1"""
    version = version.split(":")[-1]
    version = version.rsplit("-", 1)[0] if "-" in version else version
    version = re.split(r"[+~]", version)[0]
    return re.sub(r"\.dfsg.*$", "", version)
