"""Cosignatures of witnesses on checkpoints (C2SP tlog-cosignature, Ed25519): checking and making them."""

import base64
import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .notes import VKEY, Checkpoint, VerifierKey, decode_base64
from .report import Malformed, Rejected

_TYPE = b"\x04"
_TIME_BYTES = 8
_LATEST_S = (1 << 63) - 1
_PREFIX = "PRIVATE+KEY+"


class WitnessKey(NamedTuple):
    """The public key of a witness, and its vkey of type 0x04."""

    name: str
    key_hash: bytes
    public: bytes
    vkey: str

    @classmethod
    def of(cls, name: str, public: bytes) -> "WitnessKey":
        """The key of that name."""
        key_hash = hashlib.sha256(name.encode() + b"\n" + _TYPE + public).digest()[:4]
        encoded = base64.b64encode(_TYPE + public).decode()
        return cls(name, key_hash, public, f"{name}+{key_hash.hex()}+{encoded}")


class WitnessSecret(NamedTuple):
    """What a witness signs with."""

    public: WitnessKey
    private: Ed25519PrivateKey

    @classmethod
    def generate(cls, name: str) -> "WitnessSecret":
        """A new random key."""
        return cls._of(name, Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, stored: str) -> "WitnessSecret":
        """The key that `stored` wrote.

        Raises:
            Malformed: it is none.
        """
        match = VKEY.fullmatch(stored.removeprefix(_PREFIX))
        material = decode_base64(match[3]) if match else b""
        if match is None or not stored.startswith(_PREFIX) or len(material) != 33 or material[:1] != _TYPE:
            msg = "not the secret key of a witness"
            raise Malformed(msg)
        secret = cls._of(match[1], Ed25519PrivateKey.from_private_bytes(material[1:]))
        if secret.public.key_hash.hex() != match[2]:
            msg = f"the key hash of {match[1]!r} does not fit"
            raise Malformed(msg)
        return secret

    @classmethod
    def _of(cls, name: str, private: Ed25519PrivateKey) -> "WitnessSecret":
        return cls(WitnessKey.of(name, private.public_key().public_bytes_raw()), private)

    def stored(self) -> str:
        """One line to keep in a file that nobody else reads."""
        encoded = base64.b64encode(_TYPE + self.private.private_bytes_raw()).decode()
        return f"{_PREFIX}{self.public.name}+{self.public.key_hash.hex()}+{encoded}"

    def cosign(self, text: str, at_s: int) -> str:
        """The signature line for a checkpoint's text, as of a time in seconds since 1970."""
        signature = self.private.sign(_message(text, at_s))
        content = self.public.key_hash + at_s.to_bytes(_TIME_BYTES, "big") + signature
        return f"\u2014 {self.public.name} {base64.b64encode(content).decode()}\n"


def parse_witnesses(lines: Iterable[str]) -> tuple[WitnessKey, ...]:
    """The keys of witnesses written one a line; empty lines are skipped.

    Raises:
        Malformed: a line is not a vkey of type 0x04.
    """
    return tuple(_parse(line.strip()) for line in lines if line.strip())


def log_as_cosigner(key: VerifierKey) -> WitnessKey:
    """The key under which a log says when it signed: its own, as a cosigner."""
    return WitnessKey.of(key.name, key.public)


def signed_at(checkpoint: Checkpoint, keys: Iterable[VerifierKey]) -> int | None:
    """When the log signed a checkpoint by its own word, in seconds since 1970; None where it does not say.

    Raises:
        Rejected: a line of the log's own does not fit.
    """
    own = [log_as_cosigner(key) for key in keys if key.name == checkpoint.origin]
    return max(cosigned_at(checkpoint, own).values(), default=None)


def cosigned_at(checkpoint: Checkpoint, keys: Iterable[WitnessKey]) -> dict[str, int]:
    """When each of the known keys cosigned, by vkey, in seconds since 1970; the latest of several.

    Raises:
        Rejected: a line of a known key does not fit.
    """
    known = {(key.name, key.key_hash): key for key in keys}
    times: dict[str, int] = {}
    for name, payload in checkpoint.signatures:
        key = known.get((name, payload[:4]))
        if key is not None:
            at_s = _time_of(key, checkpoint.text, payload[4:])
            times[key.vkey] = max(at_s, times.get(key.vkey, 0))
    return times


def _time_of(key: WitnessKey, text: str, signature: bytes) -> int:
    at_s = int.from_bytes(signature[:_TIME_BYTES], "big")
    try:
        if len(signature) != _TIME_BYTES + 64 or at_s > _LATEST_S:
            raise InvalidSignature
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature[_TIME_BYTES:], _message(text, at_s))
    except InvalidSignature:
        msg = f"the cosignature by {key.vkey} does not fit"
        raise Rejected(msg) from None
    return at_s


def _parse(line: str) -> WitnessKey:
    match = VKEY.fullmatch(line)
    material = decode_base64(match[3]) if match else b""
    if match is None or len(material) != 33 or material[:1] != _TYPE:
        msg = f"{line[:80]!r} is not the key of a witness (name+hash+base64, type 0x04)"
        raise Malformed(msg)
    key = WitnessKey.of(match[1], material[1:])
    if key.key_hash.hex() != match[2]:
        msg = f"the key of {match[1]!r} does not have the hash {match[2]}"
        raise Malformed(msg)
    return key


def _message(text: str, at_s: int) -> bytes:
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()
