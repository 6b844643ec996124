"""One build at a time in one place; the system lets go of the lock when a process dies."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from missing_lib.force.errors import ContractError


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold a folder's lock.

    Raises
    ------
    ContractError
        If another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+") as file:
        try:
            _lock(file)
        except OSError:
            raise ContractError(
                ["another build is running in this folder; wait until it has ended"]
            ) from None
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
