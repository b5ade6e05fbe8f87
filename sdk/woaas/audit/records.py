"""The entries of a bundle: split into blocks of lines, and each with its inclusion proof and its opened values."""

import re
from binascii import Error, a2b_base64, b2a_base64
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from .archive import Archive
from .leaves import RESERVED
from .merkle import leaf_hash
from .notes import decode_base64
from .report import Malformed
from .strict_json import hashes, parse_exactly, parse_object, whole_number

_ENTRIES, _PROOFS, _OPENINGS = "entries.jsonl", "inclusion.jsonl", "openings.jsonl"
_INDEX = re.compile(rb'\{"index":(0|[1-9][0-9]{0,17})[,}]')
_PLAIN = re.compile(rb'\{"index":(0|[1-9][0-9]{0,17}),"leaf":"')
_PROOF = frozenset({"index", "proof"})
_OPENING = frozenset({"index", "field", "salt", "value"})


class Block(NamedTuple):
    """Consecutive lines of `entries.jsonl`, the first of them number `line`, and the lines about the same entries in
    `inclusion.jsonl` (None where there is no such file) and `openings.jsonl`."""

    line: int
    entries: bytes
    proofs: list[bytes] | None
    openings: list[bytes]


class Opening(NamedTuple):
    """A value that the leaf only commits to, and the salt that shows it."""

    field: str
    salt: bytes
    value: object


class Entry(NamedTuple):
    """One entry: `leaf` is None where it is withheld, `copies` None where they repeat the leaf byte for byte."""

    log_index: int
    leaf_hash: bytes
    leaf: bytes | None
    copies: dict[str, object] | None
    proof: list[bytes] | None
    openings: list[Opening]


def read_blocks(archive: Archive) -> Iterator[Block]:
    """Every entry, in the order of `entries.jsonl`; `inclusion.jsonl` and `openings.jsonl` must follow that order.

    Raises:
        Malformed: a file is damaged, or a proof or opening has no entry.
    """
    proofs = archive.lines(_PROOFS) if _PROOFS in archive else None
    openings = archive.lines(_OPENINGS) if _OPENINGS in archive else iter(())
    opening = next(openings, None)
    line = 1
    for content in archive.blocks(_ENTRIES):
        last = _index_in(content[content.rfind(b"\n", 0, -1) + 1 : -1])
        number = content.count(b"\n")
        opened = []
        while opening is not None and _index_in(opening) <= last:
            opened.append(opening)
            opening = next(openings, None)
        yield Block(line, content, None if proofs is None else list(islice(proofs, number)), opened)
        line += number
    if opening is not None:
        msg = f"{_OPENINGS} is out of order or opens entry {_index_in(opening)}, which is not in the bundle"
        raise Malformed(msg)
    if proofs and (proof := next(proofs, None)) is not None:
        msg = f"{_PROOFS} proves entry {_index_in(proof)}, which is not in the bundle"
        raise Malformed(msg)


def read_entries(block: Block) -> Iterator[Entry]:
    """The entries of a block.

    Raises:
        Malformed: a line is not written as it should be, an entry has no proof, or a proof or opening has no entry.
    """
    proofs = None if block.proofs is None else iter(block.proofs)
    openings = iter(block.openings)
    opening = _numbered(next(openings, None), _OPENING, _OPENINGS)
    lines = block.entries.split(b"\n")
    lines.pop()
    for number, line in enumerate(lines, block.line):
        try:
            index, leaf, digest, copies = _parse_entry(line)
        except Malformed as error:
            msg = f"{_ENTRIES}, line {number}: {error}"
            raise Malformed(msg) from error
        opened = []
        while opening and opening[0] == index:
            opened.append(_opening(opening[1]))
            opening = _numbered(next(openings, None), _OPENING, _OPENINGS)
        proof = None if proofs is None else _proof_of(index, _numbered(next(proofs, None), _PROOF, _PROOFS))
        yield Entry(index, digest, leaf, copies, proof, opened)
    if opening:
        msg = f"{_OPENINGS} is out of order or opens entry {opening[0]}, which is not in the bundle"
        raise Malformed(msg)


def _index_in(line: bytes) -> int:
    """Which entry a line seems to be about; -1 where its form is at fault, which is found when it is read."""
    match = _INDEX.match(line)
    try:
        return int(match[1]) if match else whole_number(parse_object(line), "index")
    except Malformed:
        return -1


def _parse_entry(line: bytes) -> tuple[int, bytes | None, bytes, dict[str, object] | None]:
    match = _PLAIN.match(line)
    if match:
        begin = match.end()
        end = line.find(b'"', begin)
        leaf = _leaf_in(line[begin:end])
        # A line as it is usually written: the leaf, and behind it the leaf's own bytes as readable copies.
        if leaf[:1] == b"{" and line[end : end + 2] == b'",' and line[end + 2 :] == leaf[1:]:
            return int(match[1]), leaf, leaf_hash(leaf), None
    content = parse_object(line)
    index = whole_number(content, "index")
    copies = {name: value for name, value in content.items() if name not in RESERVED}
    if "leaf" in content:
        leaf = decode_base64(content["leaf"])
        digest = leaf_hash(leaf)
        if "leaf_hash" in content and decode_base64(content["leaf_hash"], 32) != digest:
            msg = "'leaf_hash' is not the hash of 'leaf'"
            raise Malformed(msg)
        return index, leaf, digest, copies
    if copies:
        msg = "a withheld entry has readable copies, which nothing proves"
        raise Malformed(msg)
    return index, None, decode_base64(content.get("leaf_hash"), 32), copies


def _leaf_in(encoded: bytes) -> bytes:
    """The bytes of canonical base64; none where it is anything else, so that the line is read the long way."""
    try:
        leaf = a2b_base64(encoded, strict_mode=True)
    except Error:
        return b""
    # Only the bits after the last byte are left to choose.
    tail = b2a_base64(leaf[-((len(leaf) - 1) % 3 + 1) :], newline=False)
    return leaf if tail == encoded[-4:] else b""


def _numbered(line: bytes | None, members: frozenset[str], file: str) -> tuple[int, dict[str, object]] | None:
    if line is None:
        return None
    try:
        content = parse_exactly(line, members)
        return whole_number(content, "index"), content
    except Malformed as error:
        msg = f"{file}, {line[:80]!r}: {error}"
        raise Malformed(msg) from error


def _proof_of(index: int, line: tuple[int, dict[str, object]] | None) -> list[bytes]:
    if line is None or line[0] != index:
        msg = f"{_PROOFS} has no proof of entry {index} in its place"
        raise Malformed(msg)
    return hashes(line[1], "proof")


def _opening(content: dict[str, object]) -> Opening:
    field = content["field"]
    if not isinstance(field, str):
        msg = f"{_OPENINGS}, entry {content['index']}: 'field' is no text"
        raise Malformed(msg)
    return Opening(field, decode_base64(content["salt"], 32), content["value"])
