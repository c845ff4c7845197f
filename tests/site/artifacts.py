"""Everything that is made once and kept: the packages with their channels and wheels, and the root file system."""
import json
import tempfile
from pathlib import Path

import channel
import debs
import rootfs
import stage
import wheels
from common import HERE, cache_dir, cached, content_key, log

_MAKERS = ("common debs tree elf dists fixes conda_package synthetic stage channel wheels artifacts".split())


def packages():
    """The folder with channels/ and pypi/."""
    entries = debs.fetch(stage.deb_names())
    sources = [HERE / f"{name}.py" for name in _MAKERS] + [HERE / "recipes.yaml", HERE / "recipes-noarch.yaml"]
    return cached("packages", content_key(entries, *sources), _make)


def _make(folder):
    with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="tmp-work-") as work:
        found = stage.packages(Path(work))
        log("writing the channels")
        channel.make(folder / "channels", found, Path(work))
        log("writing the wheels")
        index = wheels.make(folder / "pypi", found, Path(work))
        (folder / "pypi" / "index.json").write_text(json.dumps(index, indent=1))


def everything():
    return {"packages": packages(), "rootfs": rootfs.layers()}
