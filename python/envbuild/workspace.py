"""Workspace: where a team's environments are kept. Here it is no more than the name of a repository."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Union

from .exceptions import UserErrorException

if TYPE_CHECKING:
    from .environment import Environment

_CONFIG_FILES = (".azureml/config.json", "config.json", "aml_config/config.json")


class Workspace:
    """`registry` is where images and names are kept: host[:port]/repository, or oci:/path. None: what envbuild's own
    configuration says, which is the layout in the user's data folder where it says nothing."""

    def __init__(
        self,
        subscription_id: Optional[str] = None,
        resource_group: Optional[str] = None,
        workspace_name: Optional[str] = None,
        registry: Optional[str] = None,
        directory: Union[str, "os.PathLike[str]", None] = None,
        **ignored: Any
    ) -> None:
        self.subscription_id = subscription_id
        self.resource_group = resource_group
        self.name = workspace_name
        self.registry = registry
        self._directory = Path(directory) if directory is not None else Path.cwd()

    @classmethod
    def from_config(cls, path: Union[str, "os.PathLike[str]", None] = None, **ignored: Any) -> "Workspace":
        """Reads .azureml/config.json, config.json or aml_config/config.json, in `path` (a file, or a folder to begin
        with) or the working directory and those above it. Only the key `registry` says something to envbuild;
        ENVBUILD_REGISTRY wins over it. No file is no error, unless `path` names one."""
        begin = Path(path) if path is not None else Path.cwd()
        config = begin if begin.is_file() else _find_config(begin)
        if config is None:
            if path is not None:
                raise UserErrorException(
                    "there is no config.json in {} or the folders above it".format(begin)
                    if begin.is_dir()
                    else "there is no {}".format(begin)
                )
            return cls(registry=os.environ.get("ENVBUILD_REGISTRY") or None)
        said = _read_config(config)
        folder = config.absolute().parent
        registry = _text(said, "registry", config)
        return cls(
            subscription_id=_text(said, "subscription_id", config),
            resource_group=_text(said, "resource_group", config),
            workspace_name=_text(said, "workspace_name", config),
            registry=os.environ.get("ENVBUILD_REGISTRY") or registry,
            directory=folder.parent if folder.name in (".azureml", "aml_config") else folder,
        )

    @classmethod
    def get(cls, name: str, **more: Any) -> "Workspace":
        """As the SDK has it; the repository is ENVBUILD_REGISTRY, or `registry` where it is given."""
        more.setdefault("registry", os.environ.get("ENVBUILD_REGISTRY") or None)
        return cls(workspace_name=name, **more)

    @property
    def environments(self) -> Mapping[str, "Environment"]:
        """All environments by name, curated and the team's own."""
        from .environment import Environment

        return Environment.list(self)

    @property
    def wheel_directory(self) -> Path:
        """Where Environment.add_private_pip_wheel keeps wheels on this machine."""
        return self._directory / ".azureml" / "wheels"

    def __repr__(self) -> str:
        return "Workspace(name={!r}, registry={!r})".format(self.name, self.registry)


def _find_config(begin: Path) -> Optional[Path]:
    start = begin.absolute()
    for folder in [start] + list(start.parents):
        for name in _CONFIG_FILES:
            if (folder / name).is_file():
                return folder / name
    return None


def _read_config(config: Path) -> Dict[str, Any]:
    try:
        said = json.loads(config.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise UserErrorException("{} is no JSON: {}".format(config, error)) from error
    if not isinstance(said, dict):
        raise UserErrorException("{} holds no JSON object".format(config))
    return said


def _text(said: Dict[str, Any], key: str, config: Path) -> Optional[str]:
    value = said.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise UserErrorException("{}: {} should be a text".format(config, key))
    return value


def registry_of(workspace: Optional[Workspace]) -> Optional[str]:
    """A registry that a workspace names; None leaves it to the command's own settings."""
    return None if workspace is None else workspace.registry
