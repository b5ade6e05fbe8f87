"""The entries of a bundle as one stream: each with its inclusion proof and its opened values."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from .archive import Archive
from .leaves import RESERVED
from .merkle import leaf_hash
from .notes import decode_base64
from .report import Malformed
from .strict_json import hashes, parse_object, whole_number

_PLAIN = re.compile(rb'\{"index":(0|[1-9][0-9]{0,17}),"leaf":"([A-Za-z0-9+/]+={0,2})",')


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


def read_entries(archive: Archive) -> Iterator[Entry]:
    """Every entry in the order of `entries.jsonl`; `inclusion.jsonl` and `openings.jsonl` must follow that order.

    Raises:
        Malformed: a line is not written as it should be, an entry has no proof, or a proof or opening has no entry.
    """
    proofs = _numbered(archive, "inclusion.jsonl") if "inclusion.jsonl" in archive else None
    openings = _numbered(archive, "openings.jsonl") if "openings.jsonl" in archive else iter(())
    opening = next(openings, None)
    for number, line in enumerate(archive.lines("entries.jsonl"), 1):
        try:
            index, leaf, digest, copies = _parse_entry(line)
        except Malformed as error:
            msg = f"entries.jsonl, line {number}: {error}"
            raise Malformed(msg) from error
        opened = []
        while opening and opening[0] == index:
            opened.append(_opening(opening[1]))
            opening = next(openings, None)
        proof = None if proofs is None else _proof_of(index, next(proofs, None))
        yield Entry(index, digest, leaf, copies, proof, opened)
    if opening:
        msg = f"openings.jsonl is out of order or opens entry {opening[0]}, which is not in the bundle"
        raise Malformed(msg)
    if proofs and (proof_left := next(proofs, None)):
        msg = f"inclusion.jsonl proves entry {proof_left[0]}, which is not in the bundle"
        raise Malformed(msg)


def _parse_entry(line: bytes) -> tuple[int, bytes | None, bytes, dict[str, object] | None]:
    match = _PLAIN.match(line)
    if match:
        leaf = decode_base64(match[2].decode())
        if line[match.end() :] == leaf[1:]:
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


def _numbered(archive: Archive, name: str) -> Iterator[tuple[int, dict[str, object]]]:
    for number, line in enumerate(archive.lines(name), 1):
        try:
            content = parse_object(line)
            yield whole_number(content, "index"), content
        except Malformed as error:
            msg = f"{name}, line {number}: {error}"
            raise Malformed(msg) from error


def _proof_of(index: int, line: tuple[int, dict[str, object]] | None) -> list[bytes]:
    if line is None or line[0] != index:
        msg = f"inclusion.jsonl has no proof of entry {index} in its place"
        raise Malformed(msg)
    return hashes(line[1], "proof")


def _opening(content: dict[str, object]) -> Opening:
    field = content.get("field")
    if not isinstance(field, str) or "value" not in content:
        msg = f"openings.jsonl, entry {content['index']}: 'field' or 'value' is missing"
        raise Malformed(msg)
    return Opening(field, decode_base64(content.get("salt"), 32), content["value"])
