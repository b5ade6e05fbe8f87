"""Canonical JSON (RFC 8785) of audit entries, and salted commitments to what they keep back.

Entries hold no floats: quantities and rates are decimal strings. That leaves strings, whole numbers within 2^53,
booleans, null, lists and objects, for which msgspec already writes RFC 8785 but for the order of rare keys.
"""

import base64
import hmac
import os
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import msgspec

JSONValue: TypeAlias = "str | int | bool | Sequence[JSONValue] | Mapping[str, JSONValue] | None"

SALT_SIZE = 32
MAX_INTEGER = 2**53 - 1
_SCALARS = frozenset({str, bool, type(None)})
_ASTRAL = re.compile(rb"[\xf0-\xf4]")  # First byte of a character beyond U+FFFF in UTF-8.
_sorted = msgspec.json.Encoder(order="sorted")
_in_given_order = msgspec.json.Encoder()


class NotCanonical(ValueError):
    """A value outside the restricted JSON of audit entries."""


class Sealed(NamedTuple):
    """A commitment and the salt that opens it; both are base64 on the wire, the salt is bytes here."""

    salt: bytes
    commitment: str


def canonical(value: JSONValue) -> bytes:
    """The one byte string that stands for a value (RFC 8785).

    Raises:
        NotCanonical: floats, integers beyond 2^53 - 1, lone surrogates, keys that are not strings, other types.
    """
    _check(value)
    try:
        encoded = _sorted.encode(value)
    except UnicodeEncodeError as error:
        msg = "text with a lone surrogate has no canonical form"
        raise NotCanonical(msg) from error
    if not encoded.isascii() and _ASTRAL.search(encoded):
        # msgspec sorts keys by code point, RFC 8785 §3.2.3 by UTF-16 unit; they differ for such keys alone.
        return _in_given_order.encode(_in_utf16_order(value))
    return encoded


def commit(value: JSONValue, salt: bytes | None = None) -> Sealed:
    """Commit to a value without revealing it: HMAC-SHA256 under a random salt, which is destroyed to erase it."""
    salt = os.urandom(SALT_SIZE) if salt is None else salt
    digest = hmac.digest(salt, canonical(value), "sha256")
    return Sealed(salt, base64.b64encode(digest).decode())


def commit_fields(values: Mapping[str, JSONValue]) -> dict[str, Sealed]:
    """`commit` for every field, with randomness drawn once."""
    salts = os.urandom(SALT_SIZE * len(values))
    return {
        field: commit(value, salts[place * SALT_SIZE : (place + 1) * SALT_SIZE])
        for place, (field, value) in enumerate(values.items())
    }


def opens(commitment: str, salt: bytes, value: JSONValue) -> bool:
    """Whether salt and value are what was committed to."""
    return len(salt) == SALT_SIZE and hmac.compare_digest(commit(value, salt).commitment, commitment)


def _check(value: object) -> None:
    kind = type(value)
    if kind in _SCALARS:
        return
    if kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:  # type: ignore[operator]  # the type was compared just above
            msg = f"integer {value} is beyond 2^53 - 1; write it as a string"
            raise NotCanonical(msg)
    elif isinstance(value, dict):
        for key, member in value.items():
            if type(key) is not str:
                msg = f"key {key!r} is not a string"
                raise NotCanonical(msg)
            _check(member)
    elif isinstance(value, list | tuple):
        for member in value:
            _check(member)
    else:
        msg = f"{kind.__name__} {value!r} has no place in an audit entry; write numbers with a fraction as strings"
        raise NotCanonical(msg)


def _in_utf16_order(value: object) -> object:
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return {key: _in_utf16_order(value[key]) for key in keys}
    if isinstance(value, list | tuple):
        return [_in_utf16_order(member) for member in value]
    return value


def exact(value: object) -> object:
    """A value as audit entries write it: they have no floats, so a number with a fraction is its shortest text."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else repr(value)
    if isinstance(value, dict):
        return {name: exact(member) for name, member in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    return value
