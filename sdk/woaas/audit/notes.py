"""Signed checkpoints (C2SP signed-note, tlog-checkpoint) and the verifier keys that open them."""

import binascii
import hashlib
import re
from collections.abc import Iterable
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .report import Malformed, Rejected, UnknownKey

_SIGNATURE = re.compile(r"\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
VKEY = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
_MAX_SIGNATURES = 100


class VerifierKey(NamedTuple):
    """An Ed25519 key of a log: `name+hash+base64`, where the name is the log's origin."""

    name: str
    key_hash: bytes
    public: bytes
    vkey: str


class Checkpoint(NamedTuple):
    """Size and root that a log signed, and the vkeys of the known keys that did.

    `text` is what is signed, `signatures` are all lines (name, key hash and signature), also of unknown keys.
    """

    origin: str
    size: int
    root: bytes
    signed_by: tuple[str, ...]
    text: str
    signatures: tuple[tuple[str, bytes], ...]


def parse_vkeys(lines: Iterable[str]) -> tuple[VerifierKey, ...]:
    """The verifier keys written one a line; empty lines are skipped.

    Raises:
        Malformed: a line is not an Ed25519 vkey.
    """
    return tuple(_parse_vkey(line.strip()) for line in lines if line.strip())


def open_checkpoint(note: bytes, keys: Iterable[VerifierKey], file: str) -> Checkpoint:
    """The checkpoint in a note, if a known key of its origin signed it.

    Raises:
        Malformed: `file` is not a signed checkpoint.
        UnknownKey: it has no signature by a known key.
        Rejected: the signature of a known key does not fit.
    """
    text, signatures = _parse_note(note, file)
    origin, size, root = _parse_body(text, file)
    known = {(key.name, key.key_hash): key for key in keys if key.name == origin}
    signed_by: dict[str, None] = {}
    for name, payload in signatures:
        key = known.get((name, payload[:4]))
        if key is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(payload[4:], text.encode())
        except InvalidSignature:
            msg = f"the signature by {key.vkey} does not fit"
            raise Rejected(msg) from None
        signed_by[key.vkey] = None
    if not signed_by:
        names = ", ".join(f"{name} ({payload[:4].hex()})" for name, payload in signatures)
        msg = f"none of the known keys signed it; signatures are by {names}"
        raise UnknownKey(msg)
    return Checkpoint(origin, size, root, tuple(signed_by), text, tuple(signatures))


def origin_in(note: bytes) -> str:
    """The log that a note claims to be a checkpoint of; nothing is verified.

    Raises:
        Malformed: it is no checkpoint.
    """
    return _parse_body(_parse_note(note, "the checkpoint")[0], "the checkpoint")[0]


def decode_base64(encoded: object, size: int | None = None) -> bytes:
    """Bytes of standard padded base64 in its one canonical spelling, of `size` bytes where given.

    Raises:
        Malformed: anything else.
    """
    if not isinstance(encoded, str):
        msg = "base64 text is expected"
        raise Malformed(msg)
    try:
        decoded = binascii.a2b_base64(encoded.encode("ascii"))
    except ValueError as error:
        msg = "not base64"
        raise Malformed(msg) from error
    if binascii.b2a_base64(decoded, newline=False).decode() != encoded or size not in (None, len(decoded)):
        msg = "not canonical base64" if size is None else f"not the base64 of {size} bytes"
        raise Malformed(msg)
    return decoded


def _parse_vkey(line: str) -> VerifierKey:
    match = VKEY.fullmatch(line)
    if match is None:
        msg = f"{line[:80]!r} is not a verifier key (name+hash+base64)"
        raise Malformed(msg)
    name, key_hash, encoded = match.groups()
    material = decode_base64(encoded)
    if len(material) != 33 or material[:1] != b"\x01":
        msg = f"the key of {name!r} is not an Ed25519 key"
        raise Malformed(msg)
    if hashlib.sha256(name.encode() + b"\n" + material).hexdigest()[:8] != key_hash:
        msg = f"the key of {name!r} does not have the hash {key_hash}"
        raise Malformed(msg)
    return VerifierKey(name, bytes.fromhex(key_hash), material[1:], line)


def _parse_note(note: bytes, file: str) -> tuple[str, list[tuple[str, bytes]]]:
    try:
        text, separator, block = note.decode("utf-8").rpartition("\n\n")
    except UnicodeDecodeError as error:
        msg = f"{file} is not UTF-8"
        raise Malformed(msg) from error
    lines = block.removesuffix("\n").split("\n")
    matches = [_SIGNATURE.fullmatch(line) for line in lines]
    if not separator or not block.endswith("\n") or len(lines) > _MAX_SIGNATURES or None in matches:
        msg = f"{file} is not a signed note"
        raise Malformed(msg)
    if any(char < " " and char != "\n" for char in text):
        msg = f"{file} has control characters"
        raise Malformed(msg)
    signatures = [(match[1], decode_base64(match[2])) for match in matches if match]
    return f"{text}\n", signatures


def _parse_body(text: str, file: str) -> tuple[str, int, bytes]:
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 3 or not all(lines) or not _SIZE.fullmatch(lines[1]):
        msg = f"{file} is not a checkpoint (origin, size, root)"
        raise Malformed(msg)
    return lines[0], int(lines[1]), decode_base64(lines[2], 32)
