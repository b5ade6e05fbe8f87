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


def keep(file: Path, newest: bytes, vkeys: Iterable[str], proof: Iterable[str]) -> str:
    """Replace the note in `file` by the newest, once `proof` (base64 hashes) shows that it continues it.

    Raises:
        Rejected: it does not; the file stays as it was.
    """
    kept = file.read_bytes() if file.exists() else None
    before, now = _opened(kept, newest, tuple(vkeys))
    hashes = [decode_base64(part, merkle.HASH_SIZE) for part in proof]
    if before and before.size and not merkle.is_consistent(before.size, now.size, before.root, now.root, hashes):
        msg = f"the checkpoint of size {now.size} does not continue the one of size {before.size} that was kept"
        raise Rejected(msg)
    draft = file.with_name(f".{file.name}.draft")
    draft.write_bytes(newest)
    draft.replace(file)
    return newest.decode()


def _opened(kept: bytes | None, newest: bytes, vkeys: tuple[str, ...]) -> tuple[Checkpoint | None, Checkpoint]:
    keys = parse_vkeys(vkeys)
    now = open_checkpoint(newest, keys, "the newest checkpoint")
    before = None if kept is None else open_checkpoint(kept, keys, "the kept checkpoint")
    if before and before.origin != now.origin:
        msg = f"the newest checkpoint is of {now.origin}, the kept one of {before.origin}"
        raise Rejected(msg)
    if before and before.size > now.size:
        msg = f"the log had {before.size} entries before and has {now.size} now"
        raise Rejected(msg)
    return before, now
