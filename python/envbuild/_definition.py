"""An environment's parts and the folder that the command reads and writes them in (docs/azure-ml.md)."""

import copy
import json
import os
import re
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from . import _command
from .conda_dependencies import CondaDependencies
from .exceptions import UserErrorException

DEFINITION_FILE = "azureml_environment.json"
CONDA_FILE = "conda_dependencies.yml"
DOCKERFILE = "BaseDockerfile"

# Fields of baseImageRegistry that are in nothing that is written.
_CREDENTIAL = re.compile("^username$|password|secret|token")

# A pip entry of its own that is a wheel on this machine.
_LOCAL_WHEEL = re.compile(r"""^(\s*-\s+)(["']?)(?:file://(?:localhost)?)?(/\S+?\.whl)\2[ \t]*$""", re.MULTILINE)


class Folder:
    """Local files that a definition names: requirement files, wheels, source trees, a build context. Private; gone with
    the last environment that holds it. Nothing in it changes after it was made."""

    def __init__(self) -> None:
        temporary = tempfile.mkdtemp(prefix="envbuild-")
        self.path = Path(temporary) / "files"
        weakref.finalize(self, shutil.rmtree, temporary, True)

    def copy_to(self, target: Path) -> None:
        if self.path.is_dir():
            _copy_tree(self.path, target)


class Parts:
    """What `envbuild save` wrote: the JSON with baseDockerfile in it, the conda file, and the files beside."""

    def __init__(
        self, document: Dict[str, Any], conda: Optional[CondaDependencies], folders: Sequence[Folder] = ()
    ) -> None:
        self.document, self.conda, self.folders = document, conda, list(folders)

    @classmethod
    def save(cls, arguments: Sequence[str], registry: Optional[str] = None) -> "Parts":
        """`arguments`: what `envbuild save` is asked to take."""
        folder = Folder()
        _command.run(["save", "-o", str(folder.path)] + list(arguments), registry)
        file = folder.path / DEFINITION_FILE
        document = json.loads(file.read_text(encoding="utf-8"))
        file.unlink()
        conda = None
        conda_file = folder.path / (document["python"].get("condaDependenciesFile") or CONDA_FILE)
        if conda_file.is_file():
            conda = CondaDependencies.from_text(conda_file.read_text(encoding="utf-8-sig"))
            conda_file.unlink()
        dockerfile = folder.path / DOCKERFILE
        if dockerfile.is_file():
            document["docker"]["baseDockerfile"] = dockerfile.read_text(encoding="utf-8")
            dockerfile.unlink()
        return cls(document, conda, [folder])

    def write(self, target: Path, credentials: bool) -> None:
        """The definition as a directory. `credentials`: those of the base image's registry too, for a run."""
        target.mkdir(parents=True)
        for folder in self.folders:
            folder.copy_to(target)
        document = copy.deepcopy(self.document)
        docker = _object(document, "docker")
        dockerfile = docker.pop("baseDockerfile", None)
        if dockerfile:
            (target / DOCKERFILE).write_text(_dockerfile_text(dockerfile), encoding="utf-8")
        _object(document, "python").pop("condaDependencies", None)
        if self.conda is not None and not document["python"].get("userManagedDependencies"):
            name = document["python"].get("condaDependenciesFile") or CONDA_FILE
            self._write_conda(target, target / name)
        registry = docker.get("baseImageRegistry") or {}
        docker["baseImage"] = _with_address(docker.get("baseImage"), registry.get("address"))
        if not credentials:
            kept = {key: None if _CREDENTIAL.search(key.lower()) else value for key, value in registry.items()}
            docker["baseImageRegistry"] = {"address": None, "username": None, "password": None, **kept}
        # Only the owner reads what may hold a password.
        with open(os.open(str(target / DEFINITION_FILE), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(document, file, indent=4)

    def _write_conda(self, target: Path, file: Path) -> None:
        assert self.conda is not None
        if self.conda._source is not None:
            # The command knows which files a conda file names.
            taken = Parts.save([str(self.conda._source)])
            taken.folders[0].copy_to(target)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_take_wheels(self.conda.serialize_to_string(), file.parent), encoding="utf-8")


def take_context(path: str, dockerfile_path: str) -> Parts:
    return Parts.save(["--context", os.path.abspath(path), "--context-dockerfile=" + dockerfile_path])


def find_prefix(name: str) -> str:
    """The folder of a conda environment: a path, or a name that is looked for where conda, mamba and micromamba keep
    theirs."""
    if os.sep in name or os.path.isdir(os.path.join(name, "conda-meta")):
        return os.path.abspath(name)
    environ = os.environ
    places: List[str] = []
    for root in (environ.get("CONDA_ROOT"), environ.get("MAMBA_ROOT_PREFIX"), _root_of(environ.get("CONDA_EXE"))):
        if root:
            places += [root] if name == "base" else [os.path.join(root, "envs", name)]
    for folder in environ.get("CONDA_ENVS_PATH", environ.get("CONDA_ENVS_DIRS", "")).split(os.pathsep):
        if folder:
            places.append(os.path.join(folder, name))
    active = environ.get("CONDA_PREFIX")
    if active:
        if os.path.basename(active) == name or environ.get("CONDA_DEFAULT_ENV") == name:
            places.append(active)
        places += [os.path.join(os.path.dirname(active), name), os.path.join(active, "envs", name)]
    places += [os.path.join(os.path.expanduser("~/.conda/envs"), name)]
    for place in places + _known_to_conda(name):
        if os.path.isdir(os.path.join(place, "conda-meta")):
            return place
    raise UserErrorException(
        "there is no conda environment {!r}; give its folder, such as /opt/conda/envs/{}".format(name, name)
    )


def _root_of(conda: Optional[str]) -> Optional[str]:
    return os.path.dirname(os.path.dirname(conda)) if conda else None


def _known_to_conda(name: str) -> List[str]:
    try:
        listed = Path(os.path.expanduser("~/.conda/environments.txt")).read_text(encoding="utf-8")
    except OSError:
        return []
    return [line for line in listed.splitlines() if os.path.basename(line) == name]


def _object(document: Dict[str, Any], key: str) -> Dict[str, Any]:
    if not isinstance(document.get(key), dict):
        document[key] = {}
    found: Dict[str, Any] = document[key]
    return found


def _copy_tree(source: Path, target: Path) -> None:
    for entry in sorted(source.iterdir()):
        place = target / entry.name
        if entry.is_symlink():
            os.symlink(os.readlink(str(entry)), str(place))
        elif entry.is_dir():
            place.mkdir(exist_ok=True)
            _copy_tree(entry, place)
        else:
            shutil.copy2(str(entry), str(place))


def _dockerfile_text(said: str) -> str:
    """Text, or the path of a file that holds it, as the SDK takes both."""
    if "\n" in said or len(said.split()) > 1:
        return said
    try:
        return Path(said).read_text(encoding="utf-8")
    except OSError as error:
        raise UserErrorException("the Dockerfile {} cannot be read: {}".format(said, error.strerror)) from error


def _with_address(image: Optional[str], address: Optional[str]) -> Optional[str]:
    """The image in the registry that base_image_registry names, unless it names a registry itself."""
    if not image or not address:
        return image
    first, slash, _ = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return image
    return re.sub(r"^https?://", "", address).rstrip("/") + "/" + image


def _take_wheels(text: str, folder: Path) -> str:
    """Wheels that are named by their place on this machine lie beside the definition, which others can read."""

    def take(found: "re.Match[str]") -> str:
        wheel = Path(found.group(3))
        if not wheel.is_file():
            raise UserErrorException("the wheel {} is not there".format(wheel))
        shutil.copyfile(str(wheel), str(folder / wheel.name))
        return "{}{}./{}{}".format(found.group(1), found.group(2), wheel.name, found.group(2))

    return _LOCAL_WHEEL.sub(take, text)
