"""The sections of an environment: Azure ML's fields as attributes over the JSON that they are kept in.

Fields that are not known here stay in the JSON. An attribute that does not exist cannot be set, so that a typing error
is one.
"""

from typing import Any, Callable, Dict, Generic, List, Optional, Tuple, Type, TypeVar, overload

from .conda_dependencies import CondaDependencies
from .exceptions import UserErrorException

T = TypeVar("T")
S = TypeVar("S", bound="Section")

_HIDDEN = "***"


def _is_credential(key: str) -> bool:
    lower = key.lower()
    return lower == "username" or any(word in lower for word in ("password", "secret", "token"))


def hide_credentials(value: Any) -> Any:
    """A copy of JSON for printing."""
    if isinstance(value, dict):
        return {k: _HIDDEN if v and _is_credential(k) else hide_credentials(v) for k, v in value.items()}
    return [hide_credentials(item) for item in value] if isinstance(value, list) else value


class Section:
    """A JSON object; `_data` is shared with the document that it is a part of."""

    __slots__ = ("_data",)

    def __init__(self, data: Optional[Dict[str, Any]] = None) -> None:
        self._data: Dict[str, Any] = {} if data is None else data

    def __repr__(self) -> str:
        return "{}({})".format(type(self).__name__, hide_credentials(self._data))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._data == other._data  # type: ignore[attr-defined]

    __hash__ = None  # type: ignore[assignment]


class Field(Generic[T]):
    """One value under a key; `default` is what is read where there is none."""

    def __init__(self, key: str, default: Callable[[], T]) -> None:
        self._key, self._default = key, default

    @overload
    def __get__(self, section: None, owner: Type[Any]) -> "Field[T]": ...

    @overload
    def __get__(self, section: Section, owner: Type[Any]) -> T: ...

    def __get__(self, section: Optional[Section], owner: Type[Any]) -> Any:
        if section is None:
            return self
        value = section._data.get(self._key)
        if value is None:
            value = self._default()
            # What can be changed in place must be in the document.
            if isinstance(value, (list, dict)):
                section._data[self._key] = value
        return value

    def __set__(self, section: Section, value: T) -> None:
        section._data[self._key] = value


class Nested(Generic[S]):
    """A section in a section."""

    def __init__(self, key: str, kind: Type[S]) -> None:
        self._key, self._kind = key, kind

    @overload
    def __get__(self, section: None, owner: Type[Any]) -> "Nested[S]": ...

    @overload
    def __get__(self, section: Section, owner: Type[Any]) -> S: ...

    def __get__(self, section: Optional[Section], owner: Type[Any]) -> Any:
        if section is None:
            return self
        data = section._data.get(self._key)
        if data is None:
            data = section._data[self._key] = {}
        return self._kind(data)

    def __set__(self, section: Section, value: Optional[S]) -> None:
        if value is not None and not isinstance(value, self._kind):
            raise UserErrorException("{} should be a {}".format(self._key, self._kind.__name__))
        section._data[self._key] = None if value is None else value._data


def _text(key: str) -> "Field[Optional[str]]":
    return Field(key, lambda: None)


def _flag(key: str, default: bool) -> "Field[bool]":
    return Field(key, lambda: default)


class ContainerRegistry(Section):
    """Where a base image is pulled from. Credentials are used for the run and are in no definition that is written."""

    __slots__ = ()
    address = _text("address")
    username = _text("username")
    password = _text("password")
    registry_identity: "Field[Optional[Dict[str, Any]]]" = Field("registryIdentity", lambda: None)


class DockerImagePlatform(Section):
    __slots__ = ()
    os: "Field[str]" = Field("os", lambda: "Linux")
    architecture: "Field[str]" = Field("architecture", lambda: "amd64")


class DockerBuildContext(Section):
    """A folder with a Dockerfile that makes the base: local, or in git."""

    __slots__ = ()
    location_type = _text("locationType")
    location = _text("location")
    dockerfile_path: "Field[str]" = Field("dockerfilePath", lambda: "Dockerfile")

    @classmethod
    def from_local_directory(
        cls, workspace: Any = None, path: str = ".", dockerfile_path: str = "Dockerfile"
    ) -> "DockerBuildContext":
        """The folder is read when an environment takes it; nothing is uploaded."""
        return cls({"locationType": "local", "location": path, "dockerfilePath": dockerfile_path})

    @classmethod
    def from_git(cls, workspace: Any = None, url: str = "", dockerfile_path: str = "Dockerfile") -> "DockerBuildContext":
        """https://host/repository.git#ref:folder"""
        return cls({"locationType": "git", "location": url, "dockerfilePath": dockerfile_path})


class DockerSection(Section):
    """At most one of base_image, base_dockerfile and build_context; none means envbuild's choice."""

    __slots__ = ()
    enabled = _flag("enabled", False)
    base_image = _text("baseImage")
    base_dockerfile = _text("baseDockerfile")
    build_context: "Nested[DockerBuildContext]" = Nested("buildContext", DockerBuildContext)
    shared_volumes = _flag("sharedVolumes", True)
    shm_size = _text("shmSize")
    arguments: "Field[List[str]]" = Field("arguments", list)
    base_image_registry: "Nested[ContainerRegistry]" = Nested("baseImageRegistry", ContainerRegistry)
    platform: "Nested[DockerImagePlatform]" = Nested("platform", DockerImagePlatform)


class PythonSection(Section):
    """`conda_dependencies` is None where there is no conda file."""

    __slots__ = ("_conda",)
    user_managed_dependencies = _flag("userManagedDependencies", False)
    interpreter_path: "Field[str]" = Field("interpreterPath", lambda: "python")
    base_conda_environment = _text("baseCondaEnvironment")

    def __init__(self, data: Optional[Dict[str, Any]] = None, conda: Optional[CondaDependencies] = None) -> None:
        super().__init__(data)
        self._conda = conda

    @property
    def conda_dependencies(self) -> Optional[CondaDependencies]:
        return self._conda

    @conda_dependencies.setter
    def conda_dependencies(self, value: Optional[CondaDependencies]) -> None:
        if value is not None and not isinstance(value, CondaDependencies):
            raise UserErrorException("conda_dependencies should be CondaDependencies")
        self._conda = value
        self._data["condaDependenciesFile"] = None

    @property
    def conda_dependencies_file(self) -> Optional[str]:
        """The file's name if it is not conda_dependencies.yml. Setting it reads that file."""
        name = self._data.get("condaDependenciesFile")
        return None if name is None else str(name)

    @conda_dependencies_file.setter
    def conda_dependencies_file(self, path: Optional[str]) -> None:
        self.conda_dependencies = None if path is None else CondaDependencies(path)


class SparkPackage(Section):
    __slots__ = ()
    group = _text("group")
    artifact = _text("artifact")
    version = _text("version")

    def __init__(
        self,
        group: Optional[str] = None,
        artifact: Optional[str] = None,
        version: Optional[str] = None,
        data: Optional[Dict[str, Any]] = None,
    ) -> None:
        super().__init__({"group": group, "artifact": artifact, "version": version} if data is None else data)


class SparkSection(Section):
    """Kept as it is; envbuild installs nothing of it and says so."""

    __slots__ = ()
    repositories: "Field[List[str]]" = Field("repositories", list)
    precache_packages = _flag("precachePackages", True)

    @property
    def packages(self) -> Tuple[SparkPackage, ...]:
        return tuple(SparkPackage(data=data) for data in self._data.get("packages") or ())

    @packages.setter
    def packages(self, packages: Any) -> None:
        self._data["packages"] = [package._data for package in packages]


class DatabricksSection(Section):
    """Kept as it is, without effect."""

    __slots__ = ()
    maven_libraries: "Field[List[Dict[str, Any]]]" = Field("mavenLibraries", list)
    pypi_libraries: "Field[List[Dict[str, Any]]]" = Field("pypiLibraries", list)
    rcran_libraries: "Field[List[Dict[str, Any]]]" = Field("rcranLibraries", list)
    jar_libraries: "Field[List[Dict[str, Any]]]" = Field("jarLibraries", list)
    egg_libraries: "Field[List[Dict[str, Any]]]" = Field("eggLibraries", list)
