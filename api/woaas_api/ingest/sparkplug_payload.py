"""Sparkplug B payloads: the members of the public specification's messages that say something of a machine.

The schema is built here from the specification's field numbers (Sparkplug 3.0 §6.4); members that are not named are
skipped, as protobuf readers do.
"""

import math
import struct
from datetime import UTC, datetime
from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from woaas_core.errors import Invalid

_F = descriptor_pb2.FieldDescriptorProto
_METRIC = (
    ("name", 1, _F.TYPE_STRING),
    ("alias", 2, _F.TYPE_UINT64),
    ("timestamp", 3, _F.TYPE_UINT64),
    ("datatype", 4, _F.TYPE_UINT32),
    ("is_historical", 5, _F.TYPE_BOOL),
    ("is_null", 7, _F.TYPE_BOOL),
    ("int_value", 10, _F.TYPE_UINT32),
    ("long_value", 11, _F.TYPE_UINT64),
    ("float_value", 12, _F.TYPE_FLOAT),
    ("double_value", 13, _F.TYPE_DOUBLE),
    ("boolean_value", 14, _F.TYPE_BOOL),
    ("string_value", 15, _F.TYPE_STRING),
)
_VALUES = tuple(name for name, *_ in _METRIC if name.endswith("_value"))
_BOOLEAN = 11
_LAST_SEQ = 255
# Data types whose value travels as an unsigned number and is signed: their width in bits.
_SIGNED = {1: 8, 2: 16, 3: 32, 4: 64}
REBIRTH = "Node Control/Rebirth"


class Metric(NamedTuple):
    """A metric; name, data type or value are None where the message does not say them."""

    name: str | None
    alias: int | None
    datatype: int | None
    value: Any
    at: datetime | None
    is_historical: bool


class Payload(NamedTuple):
    """A payload."""

    at: datetime | None
    seq: int | None
    metrics: list[Metric]


def decode(data: bytes) -> Payload:
    """Read a payload; values keep the form they travel in until :func:`typed` knows their type.

    Raises:
        Invalid: not a Sparkplug B payload.
    """
    try:
        raw = _PAYLOAD.FromString(data)
    except DecodeError:
        msg = "The message is no Sparkplug B payload."
        raise Invalid(msg) from None
    at = _instant(raw.timestamp) if raw.HasField("timestamp") else None
    if raw.seq > _LAST_SEQ:
        msg = "The message's sequence number is not one of 0 to 255."
        raise Invalid(msg)
    return Payload(at, raw.seq if raw.HasField("seq") else None, [_metric(m) for m in raw.metrics])


def typed(value: Any, datatype: int | None) -> Any:
    """A value as its data type means it."""
    bits = _SIGNED.get(datatype or 0)
    if bits is not None and isinstance(value, int):
        value &= (1 << bits) - 1
        return value - (1 << bits) if value >> (bits - 1) else value
    return bool(value) if datatype == _BOOLEAN and isinstance(value, int) else value


def rebirth(at: datetime) -> bytes:
    """The command that asks a node to say again what it has."""
    stamp = int(at.timestamp() * 1000)
    made = _PAYLOAD(timestamp=stamp)
    made.metrics.add(name=REBIRTH, timestamp=stamp, datatype=_BOOLEAN, boolean_value=True)
    data: bytes = made.SerializeToString()
    return data


def _metric(raw: Any) -> Metric:
    value = None
    if not raw.is_null:
        value = next((getattr(raw, name) for name in _VALUES if raw.HasField(name)), None)
        if raw.HasField("float_value"):
            value = _shortest(raw.float_value)
    return Metric(
        raw.name if raw.HasField("name") else None,
        raw.alias if raw.HasField("alias") else None,
        raw.datatype if raw.HasField("datatype") else None,
        value,
        _instant(raw.timestamp) if raw.HasField("timestamp") else None,
        raw.is_historical,
    )


def _shortest(value: float) -> float:
    """The number of fewest digits with this single precision: 0.1 and not 0.10000000149."""
    if not math.isfinite(value):
        return value
    texts = (f"{value:.{digits}g}" for digits in range(6, 10))
    return next((float(t) for t in texts if struct.pack("f", float(t)) == struct.pack("f", value)), value)


def _instant(stamp: int) -> datetime:
    try:
        return datetime.fromtimestamp(stamp / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        msg = "The message's time is no time."
        raise Invalid(msg) from None


def _payload_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="woaas/sparkplug.proto", package="woaas", syntax="proto2")
    metric = file.message_type.add(name="Metric")
    for name, number, kind in _METRIC:
        metric.field.add(name=name, number=number, type=kind, label=_F.LABEL_OPTIONAL)
    payload = file.message_type.add(name="Payload")
    for name, number in (("timestamp", 1), ("seq", 3)):
        payload.field.add(name=name, number=number, type=_F.TYPE_UINT64, label=_F.LABEL_OPTIONAL)
    payload.field.add(
        name="metrics", number=2, type=_F.TYPE_MESSAGE, type_name=".woaas.Metric", label=_F.LABEL_REPEATED
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("woaas.Payload"))


_PAYLOAD = _payload_class()
