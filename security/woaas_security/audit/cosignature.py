"""Cosignatures (C2SP tlog-cosignature, Ed25519): a signature line that also says when the checkpoint was seen.

Witnesses make them. The log cosigns its own checkpoints, too: a checkpoint has no time in it, and a silent hour must
be provable.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .note import SIGNATURE_PREFIX, MalformedNote, Note, SigningKey, check_name, decode_base64, parse_note

COSIGNATURE = b"\x04"
_TIME_BYTES = 8
_LATEST_S = (1 << 63) - 1


class Cosigned(NamedTuple):
    """Who vouches for a checkpoint and when he had seen nothing longer."""

    key: "CosignerKey"
    at: datetime
    line: str


@dataclass(frozen=True, slots=True)
class CosignerKey:
    """The public half of a cosigner's key, written as a vkey of type 0x04."""

    name: str
    public: bytes

    @property
    def key_hash(self) -> bytes:
        """First four bytes that name the key in signature lines."""
        return sha256(self.name.encode() + b"\n" + COSIGNATURE + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_hash.hex()}+{base64.b64encode(COSIGNATURE + self.public).decode()}"

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """The key that a vkey writes.

        Raises:
            MalformedNote: not a vkey of type 0x04, or its hash is not that of the key.
        """
        name, _, rest = vkey.partition("+")
        key_hash, _, encoded = rest.partition("+")
        check_name(name)
        material = decode_base64(encoded)
        key = cls(name, material[1:])
        if len(material) != 33 or material[:1] != COSIGNATURE or key.key_hash.hex() != key_hash:
            msg = f"{vkey[:80]!r} is not the key of a cosigner (type 0x04)"
            raise MalformedNote(msg)
        return key

    def time_of(self, text: str, signature: bytes) -> datetime | None:
        """When this key cosigned the text; None where the signature does not fit."""
        stamp = int.from_bytes(signature[:_TIME_BYTES], "big")
        if len(signature) != _TIME_BYTES + 64 or stamp > _LATEST_S:
            return None
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature[_TIME_BYTES:], _message(text, stamp))
            return datetime.fromtimestamp(stamp, UTC)
        except (InvalidSignature, OverflowError, ValueError, OSError):
            return None


def cosign(text: str, key: SigningKey, at: datetime) -> str:
    """The signature line by which `key`, under its name, vouches at that time for a checkpoint's text."""
    stamp = int(at.timestamp())
    content = CosignerKey(key.verifier.name, key.verifier.public).key_hash + stamp.to_bytes(_TIME_BYTES, "big")
    signature = key.sign(_message(text, stamp).decode())
    return f"{SIGNATURE_PREFIX}{key.verifier.name} {base64.b64encode(content + signature).decode()}\n"


def cosignatures(note: str | Note, keys: Iterable[CosignerKey]) -> list[Cosigned]:
    """The known cosigners of a checkpoint, in the order of their lines; what does not fit is passed over.

    Raises:
        MalformedNote: it is not written as a signed note.
    """
    text, signatures = parse_note(note) if isinstance(note, str) else note
    known = {(key.name, key.key_hash): key for key in keys}
    found = []
    for one in signatures:
        key = known.get((one.name, one.key_hash))
        if key is not None and (at := key.time_of(text, one.signature)) is not None:
            line = f"{SIGNATURE_PREFIX}{one.name} {base64.b64encode(one.key_hash + one.signature).decode()}\n"
            found.append(Cosigned(key, at, line))
    return found


def _message(text: str, stamp: int) -> bytes:
    return f"cosignature/v1\ntime {stamp}\n{text}".encode()
