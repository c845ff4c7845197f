"""site make | up DIR | down DIR | status DIR: the commands."""
import fcntl
import json
import shlex
import shutil
import sys
import time
from pathlib import Path

import artifacts
import debs
import engine
import images
from common import log, remove_tree, write_atomic

_USAGE = """usage: site make [--refresh]   make and cache what the site is made of
       site up DIR             start a site that lives in DIR; writes DIR/site.env and DIR/site.json
       site status DIR         say what runs; exit status 0 when all does
       site down DIR           stop it and remove its data
"""


def up(folder):
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _up(folder)


def _up(folder):
    if status(folder, quiet=True) == 0:
        log(f"already up: {folder}")
        return 0
    made = artifacts.everything()
    engine.stop_all(folder)  # what an earlier run left when it was killed
    processes = engine.Processes(folder)
    try:
        docker = engine.start_dockerd(processes, folder)
        registry = engine.start_registry(processes, folder, "registry")
        private = engine.start_registry(processes, folder, "private-registry", engine.REGISTRY_PASSWORD)
        www = engine.start_server(processes, folder, made["packages"])
        log("pushing the base images")
        digests = images.push_all(registry, made["rootfs"])
    except BaseException:
        engine.stop_all(folder)
        raise
    values = {
        "DOCKER_HOST": docker, "SITE_DIR": str(folder), "SITE_REGISTRY": registry, "SITE_PRIVATE_REGISTRY": private,
        "SITE_REGISTRY_USER": engine.REGISTRY_USER, "SITE_REGISTRY_PASSWORD": engine.REGISTRY_PASSWORD, "SITE_URL": www,
        "SITE_CHANNELS": www, "SITE_CONDA_FORGE": f"{www}/conda-forge", "SITE_INDEX": f"{www}/pypi/simple/",
        "SITE_PRIVATE_CHANNELS": f"{www}/private", "SITE_TOKEN_CHANNELS": f"{www}/t/{engine.server.TOKEN}",
        "SITE_USER": engine.server.USER, "SITE_PASSWORD": engine.server.PASSWORD, "SITE_CONTROL": f"{www}/_control",
        "SITE_BASE_CUDA118": f"{registry}/nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04",
        "SITE_BASE_CUDA124": f"{registry}/nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04",
        "SITE_BASE_CPU": f"{registry}/library/debian:bookworm-slim", "SITE_PACKAGES": str(made["packages"]),
    }
    facts = {"env": values, "docker_host": docker, "registry": registry, "private_registry": private, "www": www,
             "channels": {n: f"{www}/{n}" for n in ("conda-forge", "extra", "pytorch")}, "broken": f"{www}/broken",
             "index": f"{www}/pypi/simple/", "credentials": engine.credentials(), "images": digests,
             "pids": {n: e["pid"] for n, e in processes.known.items()}, "packages": str(made["packages"])}
    write_atomic(folder / "site.json", json.dumps(facts, indent=1, sort_keys=True) + "\n")
    write_atomic(folder / "site.env", "".join(f"{k}={shlex.quote(v)}\n" for k, v in sorted(values.items())))
    log(f"up: {folder}/site.env")
    return 0


def status(folder, quiet=False):
    processes = engine.Processes(folder) if folder.is_dir() else None
    wanted = ("dockerd", "registry", "private-registry", "www")
    alive = {n: bool(processes) and processes.alive(n) for n in wanted}
    if not quiet:
        for name in wanted:
            print(f"{name:18} {'up, pid ' + str(processes.known[name]['pid']) if alive[name] else 'down'}")
    return 0 if all(alive.values()) and (folder / "site.env").exists() else 1


def down(folder):
    if folder.is_dir():
        started = time.monotonic()
        engine.stop_all(folder)
        log(f"down in {time.monotonic() - started:.1f} s: {folder}")
    return 0


def make(refresh):
    if refresh:
        debs.forget()
        for path in artifacts.cache_dir().glob("rootfs-*/"):
            remove_tree(path)
    for name, path in artifacts.everything().items():
        log(f"{name}: {path}")
    return 0


def main(words):
    lacking = [t for t in ("apt-get", "dpkg-deb", "patchelf", "readelf", "zstd", "debootstrap", "dockerd", "docker-registry",
                           "htpasswd", "cc") if shutil.which(t) is None]
    if lacking:
        raise SystemExit(f"site: not on this machine: {', '.join(lacking)}; scripts/deps installs them")
    if words[:1] == ["make"] and words[1:] in ([], ["--refresh"]):
        return make(bool(words[1:]))
    if len(words) == 2 and words[0] in ("up", "down", "status"):
        return {"up": up, "down": down, "status": status}[words[0]](Path(words[1]).resolve())
    sys.stderr.write(_USAGE)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
