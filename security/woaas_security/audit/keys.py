"""The file of signing keys: one stored key per line, the current one first, readable by its owner alone.

It is never in the database, so that whoever can write the database still cannot sign for the log. During a rotation
the file has the new key above the old one and both sign.
"""

import os
import stat
import tempfile
from pathlib import Path

from .note import MalformedNote, SigningKey


class UnsafeKeyFile(PermissionError):
    """The file of signing keys can be read or written by others than its owner."""


def generate_key_file(path: Path, name: str) -> SigningKey:
    """Create the file with one new key, mode 0600, durably.

    Raises:
        FileExistsError: a key is never overwritten.
    """
    key = SigningKey.generate(name)
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mkstemp sets mode 0600.
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{key.secret()}\n")
            file.flush()
            os.fsync(descriptor)
        os.link(draft, path)  # Unlike a rename it fails where a key exists, and nobody sees half a key.
    finally:
        Path(draft).unlink()
    return key


def load_key_file(path: Path) -> tuple[SigningKey, ...]:
    """The signing keys, the current one first.

    Raises:
        UnsafeKeyFile: group or others have any right on the file.
        MalformedNote: a line is not a stored key, or there is none.
    """
    with path.open(encoding="utf-8") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            msg = f"{path} has mode {mode:04o}; only its owner may read the signing key (chmod 600)"
            raise UnsafeKeyFile(msg)
        keys = tuple(SigningKey.parse(line.strip()) for line in file if line.strip())
    if not keys:
        msg = f"{path} has no signing key"
        raise MalformedNote(msg)
    return keys


def load_or_generate_key_file(path: Path, name: str) -> tuple[SigningKey, ...]:
    """The keys of the file, which is created on the first start; two starting at once agree on one key."""
    try:
        return (generate_key_file(path, name),)
    except FileExistsError:
        return load_key_file(path)
