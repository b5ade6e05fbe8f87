"""Identifiers: UUIDv7 inside, prefixed text such as ``wo_01kapxk…`` on the wire.

The text form is Crockford base32 of the 128 bits, as in the TypeID convention, so it sorts like the UUID and
a double-click selects it whole.
"""

import os
import time
from threading import Lock
from uuid import UUID

from woaas_core.errors import NotFound

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_VALUES = {c: i for i, c in enumerate(_ALPHABET)}
_TEXT_LENGTH = 26

_lock = Lock()
_last = 0


def uuid7() -> UUID:
    """A time-ordered UUID (RFC 9562 §5.7), strictly increasing within this process.

    The 12 bits after the version hold the sub-millisecond part (method 3 of §6.2), so that ids made in one
    millisecond keep their order.
    """
    global _last  # noqa: PLW0603 - the monotonic counter is the one piece of state ids need
    now_ns = time.time_ns()
    ms, ns = divmod(now_ns, 1_000_000)
    stamp = (ms << 12) | (ns * 4096 // 1_000_000)
    with _lock:
        if stamp <= _last:
            stamp = _last + 1
        _last = stamp
    random = int.from_bytes(os.urandom(8), "big") & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=((stamp >> 12) << 80) | (0x7 << 76) | ((stamp & 0xFFF) << 64) | (0x2 << 62) | random)


def encode_id(prefix: str, value: UUID) -> str:
    """The wire form of an id."""
    n = value.int
    return (
        f"{prefix}_{_PAIRS[n >> 120]}{_PAIRS[n >> 110 & 1023]}{_PAIRS[n >> 100 & 1023]}{_PAIRS[n >> 90 & 1023]}"
        f"{_PAIRS[n >> 80 & 1023]}{_PAIRS[n >> 70 & 1023]}{_PAIRS[n >> 60 & 1023]}{_PAIRS[n >> 50 & 1023]}"
        f"{_PAIRS[n >> 40 & 1023]}{_PAIRS[n >> 30 & 1023]}{_PAIRS[n >> 20 & 1023]}{_PAIRS[n >> 10 & 1023]}"
        f"{_PAIRS[n & 1023]}"
    )


def decode_id(prefix: str, text: str) -> UUID:
    """The UUID behind the wire form.

    Raises:
        NotFound: wrong prefix or malformed text; to a caller that is an id which does not exist.
    """
    value = try_decode_id(prefix, text)
    if value is None:
        raise NotFound
    return value


def try_decode_id(prefix: str, text: str) -> UUID | None:
    """The UUID behind the wire form, or None where the text is not an id of this kind."""
    head, _, body = text.partition("_")
    if head != prefix or len(body) != _TEXT_LENGTH or body[0] > "7":
        return None
    n = 0
    for c in body:
        v = _VALUES.get(c)
        if v is None:
            return None
        n = n << 5 | v
    return UUID(int=n)
