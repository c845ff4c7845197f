"""What became of an environment: a build that goes on, and the image that there is."""

import subprocess
import sys
import tempfile
import time
import weakref
from pathlib import Path
from typing import Any, Callable, Dict, Optional

from . import _command
from .exceptions import EnvbuildException
from .sections import ContainerRegistry


class ImageBuildDetails:
    """A build in the background. A program that ends, or lets go of this object, waits for it first."""

    def __init__(self, folder: "tempfile.TemporaryDirectory[str]", arguments: Any, registry: Optional[str]) -> None:
        self._log = Path(folder.name) / "log"
        self._answer: Optional[Dict[str, Any]] = None
        self._error: Optional[EnvbuildException] = None
        with self._log.open("wb") as log:
            self._process = _command.start(arguments, registry, log)
        self._folder = folder
        weakref.finalize(self, _finish, self._process, folder)

    @property
    def status(self) -> str:
        """Running, Succeeded or Failed."""
        if self._process.poll() is None:
            return "Running"
        self._end()
        return "Failed" if self._error is not None else "Succeeded"

    def get_log(self) -> str:
        """All that was said so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def wait_for_completion(self, show_output: bool = True) -> "ImageBuildDetails":
        """Raises what the build ended with where it failed."""
        shown = 0
        while True:
            ended = self._process.poll() is not None
            if show_output:
                fresh = self._log.read_bytes()[shown:]
                # Whole lines until the end: a character may be half written.
                fresh = fresh if ended else fresh[: fresh.rfind(b"\n") + 1]
                sys.stdout.write(fresh.decode("utf-8", "replace"))
                sys.stdout.flush()
                shown += len(fresh)
            if ended:
                break
            time.sleep(0.1)
        self._end()
        if self._error is not None:
            raise self._error
        return self

    def cancel(self) -> None:
        """Ends the build; what it has published already is whole and stays."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()

    @property
    def result(self) -> Dict[str, Any]:
        """All that `envbuild build --json` answers. Waits for it."""
        self.wait_for_completion(show_output=False)
        assert self._answer is not None
        return dict(self._answer)

    @property
    def image(self) -> str:
        """repository@sha256:… Waits for it."""
        return str(self.result["image"])

    @property
    def digest(self) -> str:
        return str(self.result["digest"])

    def _end(self) -> None:
        if self._answer is not None or self._error is not None:
            return
        output = self._process.stdout.read() if self._process.stdout is not None else b""
        if self._process.stdout is not None:
            self._process.stdout.close()
        code = self._process.returncode
        try:
            if code != 0:
                raise _command.error_of(self.get_log(), code)
            self._answer = _command.answer_of(output)
        except EnvbuildException as error:
            self._error = error

    def __repr__(self) -> str:
        return "ImageBuildDetails(status={!r})".format(self.status)


def _finish(process: "subprocess.Popen[bytes]", folder: "tempfile.TemporaryDirectory[str]") -> None:
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
    folder.cleanup()


class DockerImageDetails:
    """The image of an environment, where there is one: that is what `image_exist` says."""

    def __init__(self, view: Dict[str, Any], dockerfile: Callable[[], str]) -> None:
        said = view["image_details"]
        self.image_exist: bool = bool(said["image_exist"])
        self.repository: Optional[str] = said.get("repository")
        self.registry = ContainerRegistry({"address": said.get("registry"), "username": None, "password": None})
        self.image: Optional[str] = said.get("image")
        self.digest: Optional[str] = said.get("digest")
        self.lock_hash: Optional[str] = said.get("lock_hash")
        self.spec_hash: Optional[str] = view.get("spec_hash")
        self.interpreter_path: Optional[str] = said.get("interpreter_path")
        self.environment_path: Optional[str] = said.get("environment_path")
        self._dockerfile = dockerfile

    @property
    def dockerfile(self) -> str:
        """What the image is built with. It is resolved when it is asked for."""
        return self._dockerfile()

    def __repr__(self) -> str:
        shown = {key: value for key, value in vars(self).items() if not key.startswith("_")}
        return "DockerImageDetails({})".format(shown)
