"""Signed notes (C2SP signed-note) with Ed25519, the form in which checkpoints leave the log.

A note is text, an empty line and one line per signature. A signature by a key that the reader does not know is passed
over; one by a known key that does not fit makes the whole note invalid.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
MAX_SIGNATURES = 100
SKEY_PREFIX = "PRIVATE+KEY+"
SIGNATURE_PREFIX = "\u2014 "


class NoteError(ValueError):
    """A note that cannot be relied on."""


class MalformedNote(NoteError):
    """Text, key or signature line is not written as C2SP signed-note demands."""


class UnverifiedNote(NoteError):
    """No known key signed the note, or the signature of a known key does not fit."""


class NoteSignature(NamedTuple):
    """One signature line; the key hash tells which of several keys of a name made it."""

    name: str
    key_hash: bytes
    signature: bytes


class Note(NamedTuple):
    """A note taken apart; nothing is verified yet. The text ends with a newline."""

    text: str
    signatures: tuple[NoteSignature, ...]


class OpenedNote(NamedTuple):
    """A note's text and the known keys that signed it, in the order of their lines."""

    text: str
    signed_by: tuple["VerifierKey", ...]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a log's key, written `name+hash+base64` (a vkey)."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public) != 32:
            msg = f"an Ed25519 public key has 32 bytes, not {len(self.public)}"
            raise MalformedNote(msg)

    @property
    def key_hash(self) -> bytes:
        """First four bytes that name the key in signature lines (C2SP signed-note, key hash)."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether this key made the signature over the note's text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True

    def __str__(self) -> str:
        return f"{self.name}+{self.key_hash.hex()}+{_b64(ED25519 + self.public)}"

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """The key that a vkey writes.

        Raises:
            MalformedNote: not a vkey, not Ed25519, or its hash is not that of the key.
        """
        name, _, rest = vkey.partition("+")
        key_hash, _, encoded = rest.partition("+")
        key = cls(name, _key_material(encoded))
        if key.key_hash.hex() != key_hash:
            msg = f"the key hash of {name!r} should be {key.key_hash.hex()}"
            raise MalformedNote(msg)
        return key


class SigningKey:
    """The private half of a log's key, stored as `PRIVATE+KEY+name+hash+base64` (the form of Go's sumdb/note)."""

    __slots__ = ("_private", "verifier")

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.verifier = VerifierKey(name, private.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, name: str) -> Self:
        """A new random key."""
        return cls(name, Ed25519PrivateKey.generate())

    def named(self, name: str) -> "SigningKey":
        """The same key under another name: one key signs for all tenants, each under its own origin."""
        return SigningKey(name, self._private)

    def sign(self, text: str) -> bytes:
        """The Ed25519 signature over a note's text."""
        return self._private.sign(text.encode())

    def secret(self) -> str:
        """The stored form; whoever has it can sign for the log."""
        seed = self._private.private_bytes_raw()
        return f"{SKEY_PREFIX}{self.verifier.name}+{self.verifier.key_hash.hex()}+{_b64(ED25519 + seed)}"

    @classmethod
    def parse(cls, secret: str) -> Self:
        """The key that `secret` wrote.

        Raises:
            MalformedNote: not a stored Ed25519 key, or its hash is not that of the key.
        """
        name, _, rest = secret.removeprefix(SKEY_PREFIX).partition("+")
        key_hash, _, encoded = rest.partition("+")
        if not secret.startswith(SKEY_PREFIX):
            msg = f"a stored signing key starts with {SKEY_PREFIX}"
            raise MalformedNote(msg)
        key = cls(name, Ed25519PrivateKey.from_private_bytes(_key_material(encoded)))
        if key.verifier.key_hash.hex() != key_hash:
            msg = f"the key hash of signing key {name!r} does not fit"
            raise MalformedNote(msg)
        return key

    def __repr__(self) -> str:
        return f"SigningKey({self.verifier})"


def sign_note(text: str, keys: Iterable[SigningKey]) -> str:
    """A note over `text` with one signature per key; during a rotation the old and the new key both sign.

    Raises:
        MalformedNote: the text is empty, has control characters or does not end with a newline.
    """
    _check_text(text)
    lines = [f"{SIGNATURE_PREFIX}{key.verifier.name} {_b64(key.verifier.key_hash + key.sign(text))}\n" for key in keys]
    return f"{text}\n{''.join(lines)}"


def parse_note(note: str) -> Note:
    """Take a note apart without verifying it.

    Raises:
        MalformedNote: it is not written as a signed note.
    """
    text, separator, block = note.rpartition("\n\n")
    text += "\n"
    if not separator or not block.endswith("\n"):
        msg = "a note is text, an empty line and signature lines"
        raise MalformedNote(msg)
    _check_text(text)
    lines = block.removesuffix("\n").split("\n")
    if len(lines) > MAX_SIGNATURES:
        msg = f"a note has at most {MAX_SIGNATURES} signatures"
        raise MalformedNote(msg)
    return Note(text, tuple(_parse_signature(line) for line in lines))


def open_note(note: str, verifiers: Iterable[VerifierKey]) -> OpenedNote:
    """The text of a note that at least one known key signed.

    Raises:
        MalformedNote: it is not written as a signed note.
        UnverifiedNote: no known key signed it, or a known key's signature does not fit.
    """
    known = {(key.name, key.key_hash): key for key in verifiers}
    text, signatures = parse_note(note)
    signed_by: dict[VerifierKey, None] = {}
    for signature in signatures:
        key = known.get((signature.name, signature.key_hash))
        if key is None:
            continue
        if not key.verifies(text, signature.signature):
            msg = f"the signature of {key} does not fit the note"
            raise UnverifiedNote(msg)
        signed_by[key] = None
    if not signed_by:
        msg = f"no known key signed the note; it names {', '.join(sorted({one.name for one in signatures}))}"
        raise UnverifiedNote(msg)
    return OpenedNote(text, tuple(signed_by))


def decode_base64(encoded: str) -> bytes:
    """Decode standard padded base64 and accept only its one canonical spelling.

    Raises:
        MalformedNote: anything else.
    """
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        msg = "not standard padded base64"
        raise MalformedNote(msg) from error
    if _b64(decoded) != encoded:
        msg = "base64 with stray trailing bits"
        raise MalformedNote(msg)
    return decoded


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _key_material(encoded: str) -> bytes:
    material = decode_base64(encoded)
    if len(material) != 33 or material[:1] != ED25519:
        msg = "not an Ed25519 key: 0x01 and 32 bytes are expected"
        raise MalformedNote(msg)
    return material[1:]


def _parse_signature(line: str) -> NoteSignature:
    name, _, encoded = line.removeprefix(SIGNATURE_PREFIX).partition(" ")
    if not line.startswith(SIGNATURE_PREFIX) or not encoded:
        msg = "a signature line is an em dash, the key's name and base64"
        raise MalformedNote(msg)
    check_name(name)
    content = decode_base64(encoded)
    if len(content) < 5:
        msg = f"the signature of {name!r} is too short"
        raise MalformedNote(msg)
    return NoteSignature(name, content[:4], content[4:])


def _check_text(text: str) -> None:
    if len(text) < 2 or not text.endswith("\n") or any(char < " " and char != "\n" for char in text):
        msg = "a note's text is not empty, has no control characters and ends with a newline"
        raise MalformedNote(msg)


def check_name(name: str) -> None:
    """See that a key may have this name.

    Raises:
        MalformedNote: it is empty or has spaces or a plus sign.
    """
    if not name or "+" in name or any(char.isspace() for char in name):
        msg = f"{name!r} is no key name: it may not be empty or have spaces or a plus sign"
        raise MalformedNote(msg)
