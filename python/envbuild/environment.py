"""Environment: Azure ML's class over the envbuild command."""

import copy
import filecmp
import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Union

from . import _command
from ._definition import Parts, find_prefix, take_context
from .conda_dependencies import PYTHON_DEFAULT_VERSION, CondaDependencies, asks_for_python
from .exceptions import ServiceException, UserErrorException
from .image import DockerImageDetails, ImageBuildDetails
from .sections import (
    ContainerRegistry,
    DatabricksSection,
    DockerBuildContext,
    DockerSection,
    PythonSection,
    SparkSection,
    hide_credentials,
)
from .workspace import Workspace, registry_of

PathLike = Union[str, "os.PathLike[str]"]


class Environment:
    """A definition that can be changed, saved, registered under a name, and built. Nothing of it is written anywhere
    until one of these is asked."""

    __slots__ = ("_parts", "_python", "_workspace", "__weakref__")

    def __init__(self, name: Optional[str] = None, **ignored: Any) -> None:
        document: Dict[str, Any] = {"name": None, "version": None, "environmentVariables": {}}
        document.update({"python": {}, "docker": {}, "spark": {}, "databricks": {}})
        self._become(Parts(document, CondaDependencies()), None)
        if name is not None:
            self.name = name

    def _become(self, parts: Parts, workspace: Optional[Workspace]) -> None:
        for key in ("python", "docker", "spark", "databricks"):
            if not isinstance(parts.document.get(key), dict):
                parts.document[key] = {}
        self._parts = parts
        self._python = PythonSection(parts.document["python"], parts.conda)
        self._workspace = workspace

    @classmethod
    def _of(cls, parts: Parts, name: Optional[str] = None, workspace: Optional[Workspace] = None) -> "Environment":
        made = cls.__new__(cls)
        made._become(parts, workspace)
        if name is not None:
            made.name = name
            made._parts.document["version"] = None
        return made

    # What there is

    @staticmethod
    def get(
        workspace: Optional[Workspace], name: str, version: Optional[str] = None, label: Optional[str] = None
    ) -> "Environment":
        """A curated environment or one of the team's; the latest where neither a version nor a label is said."""
        if version is not None and label is not None:
            raise UserErrorException("an environment is asked for by its version or by a label, not by both")
        word = "{}:{}".format(_command.check_name(name), version) if version else "{}@{}".format(name, label or "latest")
        return Environment._of(Parts.save(["--", word], registry_of(workspace)), workspace=workspace)

    @staticmethod
    def list(workspace: Optional[Workspace] = None) -> "Mapping[str, Environment]":
        """The latest version of each by name, curated ones first. Each is read when it is looked up."""
        listed = _command.run(["list", "--no-lookup"], registry_of(workspace))["environments"]
        return _Listing(workspace, {one["name"]: str(one["version"]) for one in listed})

    @staticmethod
    def label(
        workspace: Optional[Workspace], name: str, version: str, labels: Union[str, "List[str]"]
    ) -> None:
        """Sets labels on a version; each is on one version of a name at a time."""
        for label in [labels] if isinstance(labels, str) else labels:
            word = "{}:{}".format(_command.check_name(name), version)
            _command.run(["label", "--", word, label], registry_of(workspace))

    @staticmethod
    def load_from_directory(path: PathLike) -> "Environment":
        """What save_to_directory wrote, or a folder with a v2 environment YAML."""
        return Environment._of(Parts.save([os.path.abspath(str(path))]))

    # Of what a user has

    @staticmethod
    def from_conda_specification(name: str, file_path: PathLike) -> "Environment":
        """A conda file, as it stands; a Python is added (PYTHON_DEFAULT_VERSION) where it asks for none."""
        _command.check_name(name)
        return Environment._of(_take_conda(file_path), name)

    @staticmethod
    def from_pip_requirements(
        name: str, file_path: PathLike, pip_version: Optional[str] = None, python_version: str = PYTHON_DEFAULT_VERSION
    ) -> "Environment":
        """A requirements file. `python_version` is envbuild's own: such a file does not say which Python."""
        _command.check_name(name)
        parts = _take_requirements(file_path, python_version)
        if pip_version and parts.conda is not None:
            parts.conda.add_conda_package("pip=" + pip_version)
        return Environment._of(parts, name)

    @staticmethod
    def from_existing_conda_environment(name: str, conda_environment_name: str) -> "Environment":
        """What is in a conda environment of this machine, as `conda env export --no-builds` says it. Its name or its
        folder; conda itself is not needed."""
        _command.check_name(name)
        return Environment._of(Parts.save([find_prefix(conda_environment_name)]), name)

    @staticmethod
    def from_docker_image(
        name: str,
        image: str,
        container_registry: Optional[ContainerRegistry] = None,
        conda_specification: Optional[PathLike] = None,
        pip_requirements: Optional[PathLike] = None,
    ) -> "Environment":
        """The image with packages installed onto it, or the image as it is where none are asked."""
        made = _on_base(name, conda_specification, pip_requirements)
        made.docker.base_image = image
        if container_registry is not None:
            made.docker.base_image_registry = ContainerRegistry(dict(container_registry._data))
        return made

    @staticmethod
    def from_dockerfile(
        name: str,
        dockerfile: PathLike,
        conda_specification: Optional[PathLike] = None,
        pip_requirements: Optional[PathLike] = None,
    ) -> "Environment":
        """A Dockerfile (its text or its path) that needs no files beside it."""
        made = _on_base(name, conda_specification, pip_requirements)
        text = str(dockerfile)
        if isinstance(dockerfile, os.PathLike) or os.path.isfile(text):
            try:
                text = Path(text).read_text(encoding="utf-8")
            except OSError as error:
                raise UserErrorException("cannot read {}: {}".format(dockerfile, error.strerror)) from error
        elif "\n" not in text and len(text.split()) < 2:
            raise UserErrorException("there is no Dockerfile {}".format(text))
        made.docker.base_dockerfile = text
        return made

    @staticmethod
    def from_docker_build_context(
        name: str,
        docker_build_context: DockerBuildContext,
        container_registry: Optional[ContainerRegistry] = None,
        conda_specification: Optional[PathLike] = None,
        pip_requirements: Optional[PathLike] = None,
    ) -> "Environment":
        """A folder with a Dockerfile, here or in git. A folder is copied now; its .dockerignore is honoured."""
        made = _on_base(name, conda_specification, pip_requirements)
        context = docker_build_context
        if "://" in (context.location or ""):
            made.docker.build_context = DockerBuildContext(dict(context._data))
        else:
            taken = take_context(context.location or ".", context.dockerfile_path)
            made.docker.build_context = DockerBuildContext(dict(taken.document["docker"]["buildContext"]))
            made._parts.folders += taken.folders
        if container_registry is not None:
            made.docker.base_image_registry = ContainerRegistry(dict(container_registry._data))
        return made

    @staticmethod
    def add_private_pip_wheel(workspace: Optional[Workspace], file_path: PathLike, exist_ok: bool = False) -> str:
        """Keeps a wheel in the workspace's folder on this machine (.azureml/wheels), and returns the URL to put into a
        pip section. An environment that names it takes a copy: the wheel lies beside the definition wherever that is
        saved or registered, counts for the hash by its content, and is uploaded nowhere else."""
        wheel = Path(file_path)
        if not wheel.is_file():
            raise UserErrorException("there is no file {}".format(wheel))
        if not re.fullmatch(r"[\w.]+-[\w.!+]+(-\d\w*)?-[\w.]+-[\w.]+-[\w.]+\.whl", wheel.name):
            raise UserErrorException("{} is no wheel's name: NAME-VERSION-PYTHON-ABI-PLATFORM.whl".format(wheel.name))
        folder = (workspace or Workspace()).wheel_directory
        target = folder / wheel.name
        if target.exists() and not exist_ok:
            raise UserErrorException("{} exists already; exist_ok=True takes it or replaces it".format(target))
        folder.mkdir(parents=True, exist_ok=True)
        if not (target.exists() and filecmp.cmp(str(wheel), str(target), shallow=False)):
            temporary = folder / ".{}.{}".format(wheel.name, os.getpid())
            shutil.copyfile(str(wheel), str(temporary))
            os.replace(str(temporary), str(target))
        return "file://" + str(target.absolute())

    # What is done with it

    def clone(self, new_name: str) -> "Environment":
        """A deep copy under another name, with no version. Its spec hash and so its image are the same."""
        parts = Parts(copy.deepcopy(self._parts.document), copy.deepcopy(self.python._conda), self._parts.folders)
        parts.document["assetId"] = None
        return Environment._of(parts, new_name, self._workspace)

    def save_to_directory(self, path: PathLike, overwrite: bool = False) -> None:
        """azureml_environment.json, conda_dependencies.yml, BaseDockerfile where there is one, and the local files that
        they name. Without credentials."""
        with tempfile.TemporaryDirectory(prefix="envbuild-") as folder:
            word = self._write(folder, credentials=False)
            _command.run(["save", word, "-o", os.path.abspath(str(path))] + (["--overwrite"] if overwrite else []))

    def register(self, workspace: Optional[Workspace]) -> "Environment":
        """Puts it under its name; returns it with the version that it has there. The same content again is the version
        that it is already."""
        if self.name is None:
            raise UserErrorException("the environment has no name to register it under: env.name = …")
        with tempfile.TemporaryDirectory(prefix="envbuild-") as folder:
            word = self._write(folder, credentials=False)
            done = _command.run(["register", word, "--name=" + self.name], registry_of(workspace))
        made = self.clone(str(done["name"]))
        made._parts.document["version"] = str(done["version"])
        made._workspace = workspace
        return made

    def build(self, workspace: Optional[Workspace] = None, image_build_compute: Optional[str] = None) -> ImageBuildDetails:
        """Starts to build it, or to find that it is built; an image is in the repository when it has succeeded. It is
        made by the engine that envbuild is set up with: `image_build_compute` has no effect."""
        return self._start_build(workspace, [])

    def build_local(
        self,
        workspace: Optional[Workspace] = None,
        platform: Any = None,
        useDocker: bool = True,
        pushImageToWorkspaceAcr: bool = False,
        **ignored: Any
    ) -> ImageBuildDetails:
        """Builds it in this machine's engine, shows the log, and returns when it is there. The repository is neither
        asked nor written unless `pushImageToWorkspaceAcr`."""
        if not useDocker:
            raise UserErrorException("envbuild builds images: useDocker=False, a conda environment here, is not there")
        return self._start_build(workspace, [] if pushImageToWorkspaceAcr else ["--no-push"]).wait_for_completion()

    def get_image_details(self, workspace: Optional[Workspace] = None) -> DockerImageDetails:
        """Where its image is, if there is one. Raises ServiceException where the registry could not be asked."""
        registry = self._registry(workspace)
        with tempfile.TemporaryDirectory(prefix="envbuild-") as folder:
            word = self._write(folder, credentials=True)
            view = _command.run(["show", word], registry)
            if view["image_details"]["image_exist"] is None:
                # Hit or miss by now, or an error that says why not.
                if _command.run(["lookup", word], registry, codes=(0, 3)).get("status") not in ("hit", "miss"):
                    raise ServiceException("the registry could not be asked whether the image is there", 4)
                view = _command.run(["show", word], registry)
        # Not self, which may be changed by then.
        asked = self.clone(self.name or "unnamed")
        return DockerImageDetails(view, lambda: asked._dockerfile(registry))

    image_details = get_image_details

    def spec_hash(self) -> str:
        """What it means: 64 hex digits. Equal for environments that ask for the same."""
        with tempfile.TemporaryDirectory(prefix="envbuild-") as folder:
            return str(_command.run(["hash", self._write(folder, credentials=False)])["spec_hash"])

    # Fields

    @property
    def name(self) -> Optional[str]:
        return self._text("name")

    @name.setter
    def name(self, name: str) -> None:
        self._parts.document["name"] = _command.check_name(name)

    @property
    def version(self) -> Optional[str]:
        return self._text("version")

    @version.setter
    def version(self, version: Optional[str]) -> None:
        self._parts.document["version"] = version

    @property
    def python(self) -> PythonSection:
        return self._python

    @python.setter
    def python(self, section: PythonSection) -> None:
        self._python = section
        self._parts.document["python"] = section._data

    @property
    def docker(self) -> DockerSection:
        return DockerSection(self._parts.document["docker"])

    @docker.setter
    def docker(self, section: DockerSection) -> None:
        self._parts.document["docker"] = section._data

    @property
    def spark(self) -> SparkSection:
        return SparkSection(self._parts.document["spark"])

    @spark.setter
    def spark(self, section: SparkSection) -> None:
        self._parts.document["spark"] = section._data

    @property
    def databricks(self) -> DatabricksSection:
        return DatabricksSection(self._parts.document["databricks"])

    @property
    def environment_variables(self) -> Dict[str, str]:
        """Those of the image."""
        if not isinstance(self._parts.document.get("environmentVariables"), dict):
            self._parts.document["environmentVariables"] = {}
        variables: Dict[str, str] = self._parts.document["environmentVariables"]
        return variables

    @environment_variables.setter
    def environment_variables(self, variables: Optional[Dict[str, str]]) -> None:
        self._parts.document["environmentVariables"] = dict(variables or {})

    @property
    def inferencing_stack_version(self) -> Optional[str]:
        """Kept, without effect."""
        return self._text("inferencingStackVersion")

    @inferencing_stack_version.setter
    def inferencing_stack_version(self, version: Optional[str]) -> None:
        self._parts.document["inferencingStackVersion"] = version

    @property
    def description(self) -> Optional[str]:
        return self._text("description")

    @description.setter
    def description(self, description: Optional[str]) -> None:
        self._parts.document["description"] = description

    @property
    def tags(self) -> Dict[str, str]:
        if not isinstance(self._parts.document.get("tags"), dict):
            self._parts.document["tags"] = {}
        tags: Dict[str, str] = self._parts.document["tags"]
        return tags

    @property
    def gpu(self) -> bool:
        """envbuild's own: for nodes with a GPU, as --gpu. A base image with CUDA says so too."""
        return bool((self._parts.document.get("envbuild") or {}).get("gpu", False))

    @gpu.setter
    def gpu(self, gpu: bool) -> None:
        self._own()["gpu"] = bool(gpu)

    @property
    def cuda(self) -> Optional[str]:
        """envbuild's own: the base image's CUDA, as --cuda."""
        value = (self._parts.document.get("envbuild") or {}).get("cuda")
        return None if value is None else str(value)

    @cuda.setter
    def cuda(self, cuda: Optional[str]) -> None:
        own = self._own()
        own["cuda"] = cuda
        own["gpu"] = bool(cuda) or bool(own.get("gpu"))

    def __repr__(self) -> str:
        """The JSON, with the conda file in it and without credentials."""
        shown = hide_credentials(self._parts.document)
        conda = self.python.conda_dependencies
        shown["python"] = dict(hide_credentials(self.python._data))
        shown["python"]["condaDependencies"] = None if conda is None else _hide_in_urls(conda.serialize_to_string())
        return json.dumps(shown, indent=4)

    # Parts

    def _own(self) -> Dict[str, Any]:
        if not isinstance(self._parts.document.get("envbuild"), dict):
            self._parts.document["envbuild"] = {}
        own: Dict[str, Any] = self._parts.document["envbuild"]
        return own

    def _text(self, key: str) -> Optional[str]:
        value = self._parts.document.get(key)
        return None if value is None else str(value)

    def _registry(self, workspace: Optional[Workspace]) -> Optional[str]:
        return registry_of(workspace if workspace is not None else self._workspace)

    def _write(self, folder: str, credentials: bool) -> str:
        """Writes the definition below a temporary folder; its path."""
        target = Path(folder) / (self.name or "environment")
        self._parts.conda = self.python.conda_dependencies
        self._parts.write(target, credentials)
        return str(target)

    def _start_build(self, workspace: Optional[Workspace], more: "List[str]") -> ImageBuildDetails:
        folder = tempfile.TemporaryDirectory(prefix="envbuild-")
        word = self._write(folder.name, credentials=True)
        return ImageBuildDetails(folder, ["build", word] + more, self._registry(workspace))

    def _dockerfile(self, registry: Optional[str]) -> str:
        with tempfile.TemporaryDirectory(prefix="envbuild-") as folder:
            word = self._write(folder, credentials=True)
            return str(_command.run(["show", word, "--dockerfile"], registry)["dockerfile"])


class _Listing(Mapping[str, Environment]):
    def __init__(self, workspace: Optional[Workspace], versions: Dict[str, str]) -> None:
        self._workspace, self._versions = workspace, versions
        self._read: Dict[str, Environment] = {}

    def __getitem__(self, name: str) -> Environment:
        if name not in self._read:
            self._read[name] = Environment.get(self._workspace, name, version=self._versions[name])
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._versions)

    def __len__(self) -> int:
        return len(self._versions)

    def __contains__(self, name: object) -> bool:
        return name in self._versions

    def __repr__(self) -> str:
        return "{" + ", ".join("{}:{}".format(*one) for one in self._versions.items()) + "}"


def _take_conda(file_path: PathLike) -> Parts:
    path = os.path.abspath(str(file_path))
    parts = Parts.save([path])
    if parts.conda is None:
        raise UserErrorException("{} is no conda file".format(file_path))
    try:
        asked = asks_for_python(list(parts.conda.conda_packages))
    except UserErrorException:
        # Written in a form that only the command reads.
        asked = asks_for_python(_command.run(["hash", path])["canonical"].get("conda", []))
    if not asked:
        parts.conda.add_conda_package("python=" + PYTHON_DEFAULT_VERSION)
    return parts


def _take_requirements(file_path: PathLike, python_version: str) -> Parts:
    return Parts.save([os.path.abspath(str(file_path)), "--python=" + python_version])


def _on_base(name: str, conda: Optional[PathLike], requirements: Optional[PathLike]) -> Environment:
    """An environment whose base is still to be set: packages for it, or none, and then it is the base as it is."""
    _command.check_name(name)
    if conda is not None and requirements is not None:
        raise UserErrorException("conda_specification and pip_requirements exclude each other")
    if conda is not None:
        return Environment._of(_take_conda(conda), name)
    if requirements is not None:
        return Environment._of(_take_requirements(requirements, PYTHON_DEFAULT_VERSION), name)
    made = Environment(name)
    made.python.conda_dependencies = None
    made.python.user_managed_dependencies = True
    return made


def _hide_in_urls(text: str) -> str:
    return re.sub(r"/t/[^/\s]+/", "/t/***/", re.sub(r"://[^/@\s]+@", "://***@", text))
