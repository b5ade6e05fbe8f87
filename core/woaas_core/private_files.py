"""Files that only their owner may read: secrets and signing keys, written whole or not at all, also when killed."""

import os
import stat
import tempfile
from pathlib import Path


class UnsafeFile(PermissionError):
    """Others than its owner can read or write a file that holds a secret."""


def create(path: Path, text: str) -> None:
    """Write a new file, mode 0600, durably; nobody sees half of it.

    Raises:
        FileExistsError: there is one; of two that start at once the first wins.
    """
    draft = _draft(path, text)
    try:
        os.link(draft, path)  # Unlike a rename it fails where there is one.
    finally:
        draft.unlink()


def replace(path: Path, text: str) -> None:
    """Put another text in a file's place, mode 0600, durably; a reader sees the old one or the new one."""
    _draft(path, text).replace(path)


def read(path: Path) -> str:
    """The text of a file.

    Raises:
        UnsafeFile: group or others have any right on it.
    """
    with path.open(encoding="utf-8") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            msg = f"{path} has mode {mode:04o}; only its owner may read it (chmod 600)"
            raise UnsafeFile(msg)
        return file.read()


def _draft(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mkstemp sets mode 0600.
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    return Path(draft)
