"""Plain messages: JSON, or a bare word or number. Pure."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import msgspec

from woaas_api.ingest.topic_map import Tag
from woaas_core.errors import Invalid
from woaas_work_orders.connectors.readings import Reading, instant_of

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_TIMES = ("at", "timestamp", "ts")
_NOTHING = object()


def readings_of(tags: Iterable[Tag], topic: str, payload: bytes, *, is_retained: bool = False) -> list[Reading]:
    """What a message says of its topic's tags; a member that it does not have says nothing.

    Raises:
        Invalid: its time cannot be read, or it is not text.
    """
    message = _read(payload)
    measured_at, ref = _measured_at(message), message_ref(topic, payload)
    found = []
    for tag in tags:
        value = _member(message, tag["metric"])
        if value is not _NOTHING:
            found.append(Reading(tag, value, ref, measured_at, is_retained=is_retained))
    return found


def message_ref(topic: str, payload: bytes) -> str:
    """What a message is known by when it comes again."""
    return sha256(topic.encode() + b"\0" + payload).hexdigest()[:32]


def _read(payload: bytes) -> Any:
    try:
        return _DECODER.decode(payload)
    except (msgspec.DecodeError, ValueError, RecursionError):
        with suppress(UnicodeDecodeError):
            return payload.decode().strip()
    msg = "The message is neither JSON nor text."
    raise Invalid(msg)


def _member(message: Any, path: str | None) -> Any:
    """A member by its name, or by the names that lead to it."""
    if path is None:
        return message
    if isinstance(message, dict) and path in message:
        return message[path]
    for name in path.split("."):
        if not isinstance(message, dict) or name not in message:
            return _NOTHING
        message = message[name]
    return message


def _measured_at(message: Any) -> datetime | None:
    if isinstance(message, dict):
        for name in _TIMES:
            if message.get(name) is not None:
                return instant_of(message[name])
    return None
