"""Canonical JSON (RFC 8785) for the values events hold: text, integers, booleans, null, lists and objects."""

import msgspec

_encoder = msgspec.json.Encoder(order="sorted")


def canonical(value: object) -> bytes:
    """The one byte form of a value; a float is refused because its text is not ours to choose."""
    return _encoder.encode(value)
