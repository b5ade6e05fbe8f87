"""Canonical JSON (RFC 8785) for the values events hold: text, integers, booleans, null, lists and objects."""

import msgspec

_encoder = msgspec.json.Encoder(order="sorted")
_HIGHEST = 2**53 - 1
# From this lead byte on, UTF-8 writes characters that UTF-16 writes in two units.
_ASTRAL = 0xF0


def canonical(value: object) -> bytes:
    """The one byte form of a value.

    Raises:
        ValueError: a float or an integer beyond 2^53-1, whose text depends on who writes it.
    """
    _check_numbers(value)
    encoded = _encoder.encode(value)
    if encoded.isascii() or max(encoded) < _ASTRAL:
        return encoded
    # msgspec sorts names by code point, RFC 8785 by UTF-16 unit: they differ only where such a character is there.
    return msgspec.json.encode(_sorted(msgspec.json.decode(encoded)))


def _check_numbers(value: object) -> None:
    kind = type(value)
    if kind is dict:
        for member in value.values():  # type: ignore[attr-defined]  # told apart by the exact type, which is quicker
            _check_numbers(member)
    elif kind is list or kind is tuple:
        for item in value:  # type: ignore[attr-defined]
            _check_numbers(item)
    elif kind is float or (kind is int and not -_HIGHEST <= value <= _HIGHEST):  # type: ignore[operator]
        msg = f"{value!r} has no canonical form"
        raise ValueError(msg)


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value, key=lambda name: name.encode("utf-16-be"))}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
