"""Scalars: text as REST writes it. Their values are checked where REST's are, with the same codes and pointers."""

from collections.abc import Mapping
from typing import Any, NewType

import msgspec
import strawberry
from strawberry.types.scalar import ScalarDefinition

DateTime = NewType("DateTime", str)
Decimal = NewType("Decimal", str)
Duration = NewType("Duration", str)
JSON = NewType("JSON", object)


def _wire(value: Any) -> Any:
    """A value as REST shows it."""
    return value if isinstance(value, str) else msgspec.to_builtins(value)


def _scalar(name: str, description: str) -> ScalarDefinition:
    return strawberry.scalar(name=name, description=description, serialize=_wire, parse_value=lambda value: value)


SCALARS: Mapping[object, ScalarDefinition] = {
    DateTime: _scalar("DateTime", "A time with its zone (RFC 3339); answers are in UTC."),
    Decimal: _scalar("Decimal", 'A decimal string such as "12.50", never a number.'),
    Duration: _scalar("Duration", "A duration (ISO 8601), days at most, such as PT1H30M."),
    JSON: _scalar("JSON", "Any JSON value; its members keep their names."),
}
