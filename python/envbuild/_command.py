"""Finds and runs the envbuild command. Everything that is decided is decided there."""

import json
import logging
import os
import re
import shutil
import subprocess
from typing import IO, Any, Dict, List, Optional, Sequence, Tuple

from .exceptions import EnvbuildException, UserErrorException, from_exit_code

_LOGGER = logging.getLogger("envbuild")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")


def program() -> str:
    """The command: $ENVBUILD, else `envbuild` on the PATH."""
    named = os.environ.get("ENVBUILD")
    found = shutil.which(named or "envbuild")
    if found is None:
        raise EnvbuildException(
            "the command envbuild is not on the PATH: install it, or name it in the environment variable ENVBUILD"
            if not named
            else "ENVBUILD names {}, which is no program".format(named)
        )
    return found


def arguments_of(command: Sequence[str], registry: Optional[str]) -> List[str]:
    more = ["--json", "--progress", "plain"]
    if registry:
        more += ["--registry", registry]
    return [program(), command[0]] + more + list(command[1:])


def start(command: Sequence[str], registry: Optional[str], log: IO[bytes]) -> "subprocess.Popen[bytes]":
    """A command that goes on in the background, with its talk in `log`."""
    return subprocess.Popen(
        arguments_of(command, registry), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
    )


def run(command: Sequence[str], registry: Optional[str] = None, codes: Tuple[int, ...] = (0,)) -> Dict[str, Any]:
    """The JSON that the command answers with. Raises what its exit code stands for; its warnings are logged."""
    done = subprocess.run(
        arguments_of(command, registry), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    talk = done.stderr.decode("utf-8", "replace")
    if done.returncode not in codes:
        raise error_of(talk, done.returncode)
    for line in messages(talk):
        _LOGGER.log(logging.WARNING if line.startswith("warning: ") else logging.INFO, line)
    return answer_of(done.stdout)


def answer_of(output: bytes) -> Dict[str, Any]:
    try:
        answer = json.loads(output.decode("utf-8"))
    except ValueError as error:
        raise EnvbuildException("the command's answer is no JSON: {}".format(error)) from error
    if not isinstance(answer, dict):
        raise EnvbuildException("the command's answer is no JSON object")
    return answer


def messages(talk: str) -> List[str]:
    """Standard error as messages: a line, with the indented ones that belong to it."""
    found: List[str] = []
    for line in talk.splitlines():
        if found and line.startswith("  "):
            found[-1] += "\n" + line
        elif line.strip():
            found.append(line)
    return found


def error_of(talk: str, code: int) -> EnvbuildException:
    """The error with what follows it; warnings before it are left out."""
    mark = re.search(r"^error: ", talk, re.M)
    text = talk[mark.end() :].strip() if mark else talk.strip()
    if code < 0:
        text = (text + "\n" if text else "") + "envbuild was ended by signal {}".format(-code)
    return from_exit_code(text or "envbuild ended with exit code {}".format(code), code)


def check_name(name: str) -> str:
    """Refuses what can be no name before it could be taken for a path or an option."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UserErrorException(
            "{!r} is no environment's name: letters, digits, '-', '_' and '.', beginning with a letter or digit, at "
            "most 255".format(name)
        )
    return name
