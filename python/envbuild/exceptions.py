"""Errors of the command as exceptions: one class for each exit code (docs/exit-codes.md)."""

from typing import Dict, Optional, Type


class EnvbuildException(Exception):
    """What the command said on standard error; `exit_code` is None where no command ran or it was killed."""

    def __init__(self, message: str, exit_code: Optional[int] = None) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


# The name that the SDK's users catch.
AzureMLException = EnvbuildException


class UserErrorException(EnvbuildException):
    """2: a file, an option or a name is wrong, or what was named does not exist."""


class ServiceException(EnvbuildException):
    """4: a registry, a channel, an index or the engine could not be asked. Ask again later."""


class UnsatisfiableException(EnvbuildException):
    """5: the request is well formed and has no solution."""


class AuthenticationException(EnvbuildException):
    """6: credentials are missing, wrong or do not suffice."""


class ImageBuildException(EnvbuildException):
    """7: a step of the build failed, or this machine did (disk full, permission)."""


class CorruptDataException(EnvbuildException):
    """8: bytes that do not match their hash or their format."""


class CancelledException(EnvbuildException):
    """130: cancelled."""


_BY_EXIT_CODE: Dict[int, Type[EnvbuildException]] = {
    2: UserErrorException,
    4: ServiceException,
    5: UnsatisfiableException,
    6: AuthenticationException,
    7: ImageBuildException,
    8: CorruptDataException,
    130: CancelledException,
}


def from_exit_code(message: str, code: int) -> EnvbuildException:
    return _BY_EXIT_CODE.get(code, EnvbuildException)(message, code)
