"""A home, a repository and a working directory of a test's own. The command is the real one, named by $ENVBUILD."""

import logging
import os
import tempfile
import unittest
from pathlib import Path
from typing import Dict, Union

from envbuild import Workspace

CONDA = """\
# what we train with
name: train
channels:
  - conda-forge
dependencies:
  - python=3.8  # not 3.9
  - numpy=1.19
  - pip:
    - azureml-defaults~=1.0
variables:
  GREETING: hello
"""


class CommandTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="envbuild-python-")
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name)
        self.directory = self.home / "work"
        self.directory.mkdir()
        before, place = dict(os.environ), os.getcwd()
        self.addCleanup(os.chdir, place)
        self.addCleanup(_restore, before)
        os.chdir(str(self.directory))
        for key in [key for key in os.environ if key.startswith(("XDG_", "ENVBUILD_", "CONDA", "MAMBA", "PIP_"))]:
            if key != "ENVBUILD_SHARE_DIR":
                del os.environ[key]
        os.environ["HOME"] = str(self.home)
        os.environ["ENVBUILD_REGISTRY"] = "oci:" + str(self.home / "registry")
        self.workspace = Workspace.from_config()
        logging.getLogger("envbuild").setLevel(logging.ERROR)

    def write(self, name: str, text: Union[str, bytes]) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path


def _restore(before: Dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(before)
