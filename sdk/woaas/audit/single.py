"""The proof of a single entry in one file (C2SP tlog-proof)."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from . import merkle
from .cosignatures import cosigned_at, parse_witnesses
from .notes import decode_base64, open_checkpoint, parse_vkeys
from .report import Malformed, Rejected
from .strict_json import parse_object

_HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,17})")
_MAX_BYTES = 1 << 20


class ProvedEntry(NamedTuple):
    """An entry that is in the log at `log_index`; `content` is what its leaf says."""

    origin: str
    log_index: int
    tree_size: int
    content: dict[str, object]
    signed_by: tuple[str, ...]
    witnessed_by: tuple[str, ...]


def verify_entry(
    proof: str | bytes,
    *,
    vkeys: Iterable[str],
    leaf: bytes | None = None,
    witnesses: Iterable[str] = (),
    quorum: int | None = None,
) -> ProvedEntry:
    """Verify a `.tlog-proof` file offline.

    Args:
        proof: the file's content.
        vkeys: verifier keys of the log, obtained apart from it.
        leaf: the entry's exact bytes; left out, those in the file's extra data.
        witnesses: verifier keys of witnesses, of whom `quorum`, by default all, must have cosigned.

    Raises:
        Rejected: it proves nothing; `verdict` says why: invalid, malformed or signed by an unknown key.
    """
    index, path, extra, note = _parse(proof.encode() if isinstance(proof, str) else proof)
    checkpoint = open_checkpoint(note, parse_vkeys(vkeys), "the checkpoint")
    known = parse_witnesses(witnesses)
    witnessed = tuple(cosigned_at(checkpoint, known))
    needed = len({key.public for key in known}) if quorum is None else quorum
    if len(witnessed) < needed:
        msg = f"{len(witnessed)} of the known witnesses cosigned the checkpoint, not {needed}"
        raise Rejected(msg)
    content = leaf if leaf is not None else extra
    if content is None:
        msg = "the file does not hold the entry; give its exact bytes"
        raise Malformed(msg)
    if merkle.root_from_inclusion(merkle.leaf_hash(content), index, checkpoint.size, path) != checkpoint.root:
        msg = f"the entry is not in the signed tree at index {index}"
        raise Rejected(msg)
    return ProvedEntry(
        checkpoint.origin, index, checkpoint.size, parse_object(content), checkpoint.signed_by, witnessed
    )


def _parse(raw: bytes) -> tuple[int, list[bytes], bytes | None, bytes]:
    head, separator, note = raw.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        lines = []
    extra = None
    if len(lines) > 1 and lines[1].startswith("extra "):
        extra = decode_base64(lines.pop(1).removeprefix("extra "))
    match = _INDEX.fullmatch(lines[1]) if len(lines) > 1 else None
    if not separator or lines[0] != _HEADER or match is None or len(raw) > _MAX_BYTES:
        msg = "not a tlog-proof file"
        raise Malformed(msg)
    return int(match[1]), [decode_base64(line, merkle.HASH_SIZE) for line in lines[2:]], extra, note
