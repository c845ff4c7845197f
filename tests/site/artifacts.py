"""Everything that is made once and kept: the packages with their channels and wheels, and the root file system."""
import json
from concurrent.futures import ThreadPoolExecutor

import channel
import debs
import rootfs
import stage
import wheels
from common import HERE, cached, content_key, log, work_folder

_MAKERS = ("common debs tree elf dists fixes conda_package synthetic stage channel wheels artifacts".split())


def packages():
    """The folder with channels/ and pypi/."""
    entries = debs.fetch(stage.deb_names())
    sources = [HERE / f"{name}.py" for name in _MAKERS] + [HERE / "recipes.yaml", HERE / "recipes-noarch.yaml"]
    return cached("packages", content_key(entries, *sources), _make)


def _make(folder):
    with work_folder("packages") as work:
        found = stage.packages(work)
        log("writing the channels and the wheels")
        with ThreadPoolExecutor(2) as pool:  # most of it is compression, which holds no lock
            wheel = pool.submit(wheels.make, folder / "pypi", found, work)
            channel.make(folder / "channels", found, work)
            (folder / "pypi" / "index.json").write_text(json.dumps(wheel.result(), indent=1))


def everything():
    """The folders by name. The root file system waits for dpkg, the packages for compression: both at once."""
    with ThreadPoolExecutor(2) as pool:
        made = {"rootfs": pool.submit(rootfs.layers), "packages": pool.submit(packages)}
        return {name: one.result() for name, one in made.items()}
