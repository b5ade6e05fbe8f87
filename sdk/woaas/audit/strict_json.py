"""Strict JSON: read without repeated keys or fractions, compared by type, written canonically (RFC 8785)."""

import json
import re
from typing import Any, NoReturn

from .notes import decode_base64
from .report import Malformed

_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


def parse_json(raw: bytes) -> object:
    """Strict JSON in UTF-8: no repeated keys, no numbers with a fraction.

    Raises:
        Malformed: anything else.
    """
    try:
        text = raw.decode("utf-8")
        try:
            value, end = _decoder.scan_once(text, 0)
        except StopIteration:
            return _decoder.decode(text)
        # White space around it, or something wrong: the decoder says what.
        return value if end == len(text) else _decoder.decode(text)
    except (ValueError, RecursionError) as error:
        msg = f"not strict JSON: {error}"
        raise Malformed(msg) from error


def parse_object(raw: bytes) -> dict[str, object]:
    """`parse_json` of a JSON object."""
    value = parse_json(raw)
    if not isinstance(value, dict):
        msg = "a JSON object is expected"
        raise Malformed(msg)
    return value


def parse_exactly(raw: bytes, names: frozenset[str], optional: frozenset[str] = frozenset()) -> dict[str, object]:
    """`parse_object` of an object with these members and no others: what nobody knows, nobody has checked.

    Raises:
        Malformed: one is missing or unknown.
    """
    value = parse_object(raw)
    if value.keys() != names:
        if unknown := value.keys() - names - optional:
            msg = f"{sorted(unknown)[0][:80]!r} is no member that belongs here"
            raise Malformed(msg)
        if missing := names - value.keys():
            msg = f"{sorted(missing)[0]!r} is missing"
            raise Malformed(msg)
    return value


def whole_number(content: dict[str, object], key: str) -> int:
    """A member that is a whole number from 0.

    Raises:
        Malformed: it is missing or something else.
    """
    value = content.get(key)
    if type(value) is not int or value < 0:
        msg = f"{key!r} is not a whole number from 0"
        raise Malformed(msg)
    return value


def hashes(content: dict[str, object], key: str) -> list[bytes]:
    """A member that is a list of SHA-256 hashes in base64.

    Raises:
        Malformed: it is missing or something else.
    """
    value = content.get(key)
    if not isinstance(value, list) or len(value) > 128:
        msg = f"{key!r} is not a list of hashes"
        raise Malformed(msg)
    return [decode_base64(encoded, 32) for encoded in value]


def is_same(first: object, second: object) -> bool:
    """Equality of parsed JSON, which Python's `==` is not: there `True == 1`."""
    if type(first) is not type(second):
        return False
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(is_same(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(is_same, first, second))
    return first == second


def canonical(value: object) -> bytes:
    """RFC 8785 bytes of parsed strict JSON.

    Raises:
        Malformed: text with a lone surrogate.
    """
    try:
        text = _encoder.encode(value)
        if _ASTRAL.search(text):
            text = json.dumps(_in_utf16_order(value), ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        msg = "text with a lone surrogate"
        raise Malformed(msg) from error


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(pairs) > 1 and len(members) != len(pairs):
        msg = "a key is repeated"
        raise ValueError(msg)
    return members


def _refuse(number: str) -> NoReturn:
    msg = f"number {number[:40]} is not a whole number"
    raise ValueError(msg)


_decoder: Any = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_refuse, parse_constant=_refuse)
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _in_utf16_order(value: object) -> object:
    if isinstance(value, dict):
        return {key: _in_utf16_order(value[key]) for key in sorted(value, key=lambda key: key.encode("utf-16-be"))}
    if isinstance(value, list):
        return [_in_utf16_order(member) for member in value]
    return value
