"""CondaDependencies: a conda file, with the methods that Azure ML's SDK has for it."""

import json
import os
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from . import _yaml
from .exceptions import UserErrorException

# What is asked for where nothing says which Python.
PYTHON_DEFAULT_VERSION = "3.11"

_PYTHON = re.compile(r"(?:\S+::)?python(?=$|[\s=<>!~\[])(.*)")


class CondaDependencies:
    """The text of a conda file. What is not changed stays as it was written, comments and unknown keys included."""

    def __init__(self, conda_dependencies_file_path: Union[str, "os.PathLike[str]", None] = None) -> None:
        self._text = "dependencies:\n  - python={}\n".format(PYTHON_DEFAULT_VERSION)
        # The file that local files beside it are taken from, until an environment has taken them.
        self._source: Optional[Path] = None
        if conda_dependencies_file_path is not None:
            self._source = Path(conda_dependencies_file_path).absolute()
            self._text = _read_text(self._source)

    @classmethod
    def from_text(cls, text: str) -> "CondaDependencies":
        made = cls()
        made._text = text
        return made

    @classmethod
    def create(
        cls,
        pip_indexurl: Optional[str] = None,
        pip_packages: Optional[Sequence[str]] = None,
        conda_packages: Optional[Sequence[str]] = None,
        python_version: str = PYTHON_DEFAULT_VERSION,
        pin_sdk_version: bool = True,
    ) -> "CondaDependencies":
        """As the SDK has it, but that nothing of Azure ML is added: `pin_sdk_version` has no effect."""
        made = cls()
        made.set_python_version(python_version)
        for package in conda_packages or ():
            made.add_conda_package(package)
        for package in pip_packages or ():
            made.add_pip_package(package)
        if pip_indexurl:
            made.set_pip_index_url(pip_indexurl)
        return made

    # Reading

    @property
    def conda_channels(self) -> Iterator[str]:
        return iter(self._texts("channels"))

    @property
    def conda_packages(self) -> Iterator[str]:
        return iter([item for item in self._dependencies() if isinstance(item, str)])

    @property
    def pip_packages(self) -> Iterator[str]:
        return iter([line for line in self._pip() if not line.startswith("-")])

    @property
    def pip_options(self) -> Iterator[str]:
        return iter([line for line in self._pip() if line.startswith("-")])

    def get_python_version(self) -> Optional[str]:
        """What stands behind `python` and its '=', as it was written: "3.8"; "" for any; None where none is asked."""
        for package in self.conda_packages:
            mark = _PYTHON.fullmatch(package)
            if mark:
                return mark.group(1).strip().lstrip("=").strip()
        return None

    def serialize_to_string(self) -> str:
        return self._text

    def as_dict(self) -> Dict[str, Any]:
        """Channels and dependencies, as a conda file has them."""
        said: Dict[str, Any] = {}
        if self._texts("channels"):
            said["channels"] = self._texts("channels")
        said["dependencies"] = self._dependencies()
        return said

    # Changing

    def add_channel(self, channel: str) -> None:
        channels = self._texts("channels")
        if channel not in channels:
            self._write("channels", channels + [_checked(channel)])

    def remove_channel(self, channel: str) -> None:
        self._write("channels", [one for one in self._texts("channels") if one != channel])

    def add_conda_package(self, conda_package: str) -> None:
        """Takes the place of another spec of the same package."""
        name = _conda_name(_checked(conda_package))
        items, replaced = self._dependencies(), False
        for at, item in enumerate(items):
            if isinstance(item, str) and _conda_name(item) == name:
                items[at], replaced = conda_package, True
        if not replaced:
            # Before the pip section, which stands last in a file that people read.
            last = len([item for item in items if isinstance(item, str)])
            items.insert(last, conda_package)
        self._write("dependencies", items)

    def remove_conda_package(self, conda_package: str) -> None:
        name = _conda_name(conda_package)
        self._write(
            "dependencies",
            [item for item in self._dependencies() if not isinstance(item, str) or _conda_name(item) != name],
        )

    def add_pip_package(self, pip_package: str) -> None:
        """Takes the place of another requirement of the same project."""
        name = _pip_name(_checked(pip_package))
        kept = [line for line in self._pip() if line.startswith("-") or _pip_name(line) != name]
        self._write_pip(kept + [pip_package])

    def remove_pip_package(self, pip_package: str) -> None:
        name = _pip_name(pip_package)
        self._write_pip([line for line in self._pip() if line.startswith("-") or _pip_name(line) != name])

    def set_pip_option(self, pip_option: str) -> None:
        if pip_option not in self._pip():
            self._write_pip([_checked(pip_option)] + self._pip())

    def remove_pip_option(self, pip_option: str) -> None:
        self._write_pip([line for line in self._pip() if _option(line) != _option(pip_option)])

    def set_pip_index_url(self, index_url: str) -> None:
        kept = [line for line in self._pip() if _option(line) not in ("-i", "--index-url")]
        self._write_pip(["--index-url " + _checked(index_url)] + kept)

    def set_python_version(self, version: str) -> None:
        packages = [item for item in self._dependencies() if not (isinstance(item, str) and _PYTHON.fullmatch(item))]
        self._write("dependencies", ["python=" + _checked(version)] + packages)

    # Files

    def save(self, path: Union[str, "os.PathLike[str]"]) -> str:
        """Writes the file: into a folder as conda_dependencies.yml, else under this name."""
        target = Path(path)
        if target.is_dir():
            target = target / "conda_dependencies.yml"
        target.write_text(self._text, encoding="utf-8")
        return str(target)

    def save_to_file(self, base_directory: str, conda_file_path: str = "conda_dependencies.yml") -> str:
        return self.save(Path(base_directory) / conda_file_path)

    def __repr__(self) -> str:
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CondaDependencies) and self._text == other._text

    __hash__ = None  # type: ignore[assignment]

    # The text

    def _document(self) -> _yaml.Document:
        try:
            return _yaml.Document(self._block_text())
        except _yaml.YamlError as error:
            raise _unread(error) from error

    def _block_text(self) -> str:
        # JSON is YAML too, and what listings of the service have.
        if self._text.lstrip().startswith("{"):
            try:
                said = json.loads(self._text)
            except ValueError:
                raise _unread("a flow mapping") from None
            return _yaml.from_mapping(said)
        return self._text

    def _list(self, key: str) -> List[Any]:
        try:
            return self._document().read(key)
        except _yaml.YamlError as error:
            raise _unread(error) from error

    def _texts(self, key: str) -> List[str]:
        return [item for item in self._list(key) if isinstance(item, str)]

    def _dependencies(self) -> List[Any]:
        return self._list("dependencies")

    def _pip(self) -> List[str]:
        return [line for item in self._dependencies() if isinstance(item, dict) for line in item.get("pip", [])]

    def _write(self, key: str, items: List[Any]) -> None:
        document = self._document()
        lines = [key + ":"] + _yaml.dump_list(items, 2) if items else None
        if key == "dependencies" and lines is None:
            lines = ["dependencies: []"]
        document.replace(key, lines, before=("dependencies",))
        self._text = document.to_text()

    def _write_pip(self, pip: List[str]) -> None:
        rest = [item for item in self._dependencies() if not (isinstance(item, dict) and "pip" in item)]
        if pip and not any(isinstance(item, str) and _conda_name(item) == "pip" for item in rest):
            rest.append("pip")
        self._write("dependencies", rest + ([{"pip": pip}] if pip else []))


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserErrorException("cannot read {}: {}".format(path, error.strerror)) from error
    except UnicodeDecodeError as error:
        raise UserErrorException("{} is not UTF-8: {}".format(path, error)) from error


def _unread(what: object) -> UserErrorException:
    return UserErrorException(
        "the conda file cannot be changed from here: {}; write its channels and dependencies one a line, or change the "
        "file itself: as it stands, envbuild can read and build it all the same".format(what)
    )


def _checked(text: str) -> str:
    if not isinstance(text, str) or not text.strip() or any(ord(c) < 32 for c in text):
        raise UserErrorException("{!r} is no package, channel or option: one line of text is expected".format(text))
    return text


def _conda_name(spec: str) -> str:
    return re.split(r"[\s=<>!~\[]", spec.split("::")[-1].strip(), maxsplit=1)[0].lower()


def _pip_name(line: str) -> str:
    # A path or a URL is its own name.
    if "/" in line.split("@")[0]:
        return line
    return re.sub(r"[-_.]+", "-", re.split(r"[\s=<>!~\[;@]", line.strip(), maxsplit=1)[0]).lower()


def _option(line: str) -> str:
    return re.split(r"[\s=]", line, maxsplit=1)[0] if line.startswith("-") else ""


def asks_for_python(packages: Sequence[str]) -> bool:
    return any(_PYTHON.fullmatch(package) for package in packages)


__all__: Tuple[str, ...] = ("CondaDependencies", "PYTHON_DEFAULT_VERSION")
