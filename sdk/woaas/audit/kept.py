"""The checkpoint that a client keeps: replaced only by one that continues it."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from . import merkle
from .notes import Checkpoint, decode_base64, open_checkpoint, parse_vkeys
from .report import Rejected


class Sizes(NamedTuple):
    """From which size to which growth must be proved; nothing is to be proved from 0, or between equal ones."""

    old: int
    new: int


def sizes_to_prove(kept: bytes | None, newest: bytes, vkeys: Iterable[str]) -> Sizes:
    """The sizes of two notes, both of which must be signed by a known key.

    Raises:
        Rejected: one is not, they are of different logs, or the newest is the smaller one.
    """
    before, now = _opened(kept, newest, tuple(vkeys))
    return Sizes(before.size if before else 0, now.size)


def is_older(kept: bytes | None, seen: bytes, vkeys: Iterable[str]) -> bool:
    """Whether a note that came by another way is of a smaller log than the kept one: it may have been long on its way.

    Raises:
        Rejected: one is not signed by a known key, or they are of different logs.
    """
    before, now = _signed(kept, seen, tuple(vkeys))
    return before is not None and now.size < before.size


def check_older(file: Path, seen: bytes, vkeys: Iterable[str], proof: Iterable[str]) -> str:
    """See that the note kept in `file` continues an older one; returns the kept note, which stays.

    Raises:
        Rejected: it does not: this client was shown another log before.
    """
    kept = file.read_bytes()
    before, now = _signed(kept, seen, tuple(vkeys))
    assert before is not None
    _require_continued(now, before, proof)
    return kept.decode()


def keep(file: Path, newest: bytes, vkeys: Iterable[str], proof: Iterable[str]) -> str:
    """Replace the note in `file` by the newest, once `proof` (base64 hashes) shows that it continues it.

    Raises:
        Rejected: it does not; the file stays as it was.
    """
    kept = file.read_bytes() if file.exists() else None
    before, now = _opened(kept, newest, tuple(vkeys))
    if before:
        _require_continued(before, now, proof)
    draft = file.with_name(f".{file.name}.draft")
    draft.write_bytes(newest)
    draft.replace(file)
    return newest.decode()


def _require_continued(older: Checkpoint, newer: Checkpoint, proof: Iterable[str]) -> None:
    hashes = [decode_base64(part, merkle.HASH_SIZE) for part in proof]
    if older.size and not merkle.is_consistent(older.size, newer.size, older.root, newer.root, hashes):
        msg = f"the checkpoint of size {newer.size} does not continue the one of size {older.size}"
        raise Rejected(msg)


def _opened(kept: bytes | None, newest: bytes, vkeys: tuple[str, ...]) -> tuple[Checkpoint | None, Checkpoint]:
    before, now = _signed(kept, newest, vkeys)
    if before and before.size > now.size:
        msg = f"the log had {before.size} entries before and has {now.size} now"
        raise Rejected(msg)
    return before, now


def _signed(kept: bytes | None, newest: bytes, vkeys: tuple[str, ...]) -> tuple[Checkpoint | None, Checkpoint]:
    keys = parse_vkeys(vkeys)
    now = open_checkpoint(newest, keys, "the newest checkpoint")
    before = None if kept is None else open_checkpoint(kept, keys, "the kept checkpoint")
    if before and before.origin != now.origin:
        msg = f"the newest checkpoint is of {now.origin}, the kept one of {before.origin}"
        raise Rejected(msg)
    return before, now
