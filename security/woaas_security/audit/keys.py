"""The file of signing keys: one stored key per line, the current one first, readable by its owner alone.

It is never in the database, so that whoever can write the database still cannot sign for the log. During a rotation
the file has the new key above the old one and both sign. Of a retired key the public half stays, as a vkey: what it
signed must still be known as ours.
"""

import os
import stat
import tempfile
from pathlib import Path
from typing import NamedTuple

from .note import SKEY_PREFIX, MalformedNote, SigningKey, VerifierKey


class KeyRing(NamedTuple):
    """The keys that sign, the current one first, and the public halves of those that did."""

    signing: tuple[SigningKey, ...]
    retired: tuple[VerifierKey, ...] = ()

    @property
    def known(self) -> tuple[VerifierKey, ...]:
        """Every key whose signature is ours."""
        return (*(key.verifier for key in self.signing), *self.retired)


class UnsafeKeyFile(PermissionError):
    """The file of signing keys can be read or written by others than its owner."""


def generate_key_file(path: Path, name: str) -> SigningKey:
    """Create the file with one new key, mode 0600, durably.

    Raises:
        FileExistsError: a key is never overwritten.
    """
    key = SigningKey.generate(name)
    draft = _draft(path, KeyRing((key,)))
    try:
        os.link(draft, path)  # Unlike a rename it fails where a key exists, and nobody sees half a key.
    finally:
        draft.unlink()
    return key


def rotate_key_file(path: Path) -> KeyRing:
    """Put a new key above the others; all of them sign until `retire_old_keys`.

    Raises:
        UnsafeKeyFile, MalformedNote: as `load_key_file`.
    """
    ring = load_key_file(path)
    fresh = SigningKey.generate(ring.signing[0].verifier.name)
    return _replace(path, KeyRing((fresh, *ring.signing), ring.retired))


def retire_old_keys(path: Path) -> KeyRing:
    """End the overlap: only the newest key signs, of the others the public halves are kept.

    Raises:
        UnsafeKeyFile, MalformedNote: as `load_key_file`.
    """
    ring = load_key_file(path)
    current, *old = ring.signing
    return _replace(path, KeyRing((current,), (*(key.verifier for key in old), *ring.retired)))


def load_key_file(path: Path) -> KeyRing:
    """The keys of the file.

    Raises:
        UnsafeKeyFile: group or others have any right on the file.
        MalformedNote: a line is not a stored key or a vkey, or no key can sign.
    """
    with path.open(encoding="utf-8") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            msg = f"{path} has mode {mode:04o}; only its owner may read the signing key (chmod 600)"
            raise UnsafeKeyFile(msg)
        lines = [line.strip() for line in file if line.strip()]
    ring = KeyRing(
        tuple(SigningKey.parse(line) for line in lines if line.startswith(SKEY_PREFIX)),
        tuple(VerifierKey.parse(line) for line in lines if not line.startswith(SKEY_PREFIX)),
    )
    if not ring.signing:
        msg = f"{path} has no signing key"
        raise MalformedNote(msg)
    return ring


def load_or_generate_key_file(path: Path, name: str) -> KeyRing:
    """The keys of the file, which is created on the first start; two starting at once agree on one key."""
    try:
        return KeyRing((generate_key_file(path, name),))
    except FileExistsError:
        return load_key_file(path)


def _replace(path: Path, ring: KeyRing) -> KeyRing:
    _draft(path, ring).replace(path)
    return ring


def _draft(path: Path, ring: KeyRing) -> Path:
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mkstemp sets mode 0600.
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{key.secret()}\n" for key in ring.signing)
        file.writelines(f"{key}\n" for key in ring.retired)
        file.flush()
        os.fsync(descriptor)
    return Path(draft)
