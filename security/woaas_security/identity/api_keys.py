"""API keys: their text form, checksum and hash. Pure.

``woaas_live_`` or ``woaas_test_``, 32 random base62 characters (190 bits) and a CRC-32 of them in six more, so
that a scanner or a typo is told without a look-up. A secret this long needs no slow hash.
"""

import hmac
import re
import secrets
import zlib
from typing import NamedTuple

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_LENGTH = 32
_KEY_ID_LENGTH = 8
KEY_PATTERN = re.compile(r"woaas_(live|test)_([0-9A-Za-z]{38})")


class ParsedKey(NamedTuple):
    """A well-formed key; whether it exists is the database's to say."""

    livemode: bool
    key_id: str
    secret_hash: bytes


def mint(*, livemode: bool) -> str:
    """A new key; shown once, then only its hash is kept."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    return f"woaas_{'live' if livemode else 'test'}_{body}{_checksum(body)}"


def parse(text: str, *, pepper: bytes) -> ParsedKey | None:
    """Split and hash a key; None where the form or the checksum is wrong."""
    match = KEY_PATTERN.fullmatch(text)
    if match is None:
        return None
    body, checksum = match[2][:_SECRET_LENGTH], match[2][_SECRET_LENGTH:]
    if not hmac.compare_digest(checksum, _checksum(body)):
        return None
    return ParsedKey(match[1] == "live", body[:_KEY_ID_LENGTH], hmac.digest(pepper, text.encode(), "sha256"))


def _checksum(body: str) -> str:
    n = zlib.crc32(body.encode())
    digits = []
    for _ in range(6):
        n, rest = divmod(n, 62)
        digits.append(_ALPHABET[rest])
    return "".join(reversed(digits))
