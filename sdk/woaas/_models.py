"""Objects of the service: typed where this version knows the field, readable where it does not.

A `Model` keeps the answer as it came and converts a field when it is first read, so lists cost what is looked at,
a field added next year is there by name, and a value of an unknown shape never makes a whole answer unreadable.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec


class Model:
    """One JSON object. Absent fields of a known name read as None (lists as empty); `in` tells absent from null."""

    masked_fields: list[str]

    def __init__(self, raw: Mapping[str, object]) -> None:
        self._raw = dict(raw)

    if not TYPE_CHECKING:  # a type checker sees the declared fields alone, so misspelt names are errors there

        def __getattr__(self, name):
            if name.startswith("_"):
                raise AttributeError(name)
            hints = _hints(type(self))
            if name in self._raw:
                value = _converted(self._raw[name], hints.get(name))
            elif name in hints:
                value = [] if get_origin(hints[name]) is list else None
            else:
                raise AttributeError(f"{type(self).__name__} has no field {name!r}; it has {', '.join(self._raw)}")
            self.__dict__[name] = value
            return value

    def __getitem__(self, name: str) -> object:
        return self._raw[name]

    def __contains__(self, name: object) -> bool:
        return name in self._raw

    def get(self, name: str, default: object = None) -> object:
        """The field as JSON has it: for fields newer than this library."""
        return self._raw.get(name, default)

    def to_dict(self) -> dict[str, object]:
        """The answer as it came, every field included."""
        return dict(self._raw)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Model) and self._raw == other._raw

    __hash__ = None  # type: ignore[assignment]  # equal by content, and the content is a dict

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self._raw.items())
        return f"{type(self).__name__}({fields})"

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._raw, *_hints(type(self))})


class Money(Model):
    """An amount in a currency; compare and add `amount` yourself, currencies never mix silently."""

    amount: Decimal
    currency: str


_HINTS: dict[type[Model], dict[str, object]] = {}


def _hints(kind: type[Model]) -> dict[str, object]:
    """The declared fields of a model, resolved once."""
    hints = _HINTS.get(kind)
    if hints is None:
        hints = {
            name: hint
            for name, hint in get_type_hints(kind).items()
            if not name.startswith("_") and get_origin(hint) is not ClassVar
        }
        _HINTS[kind] = hints
    return hints


def _converted(value: object, hint: object) -> object:
    if hint is None:
        return _untyped(value)
    if get_origin(hint) in {Union, types.UnionType}:
        inner = [argument for argument in get_args(hint) if argument is not types.NoneType]
        hint = inner[0] if len(inner) == 1 else object
    if get_origin(hint) is list:
        (item_hint,) = get_args(hint)
        return [_converted(item, item_hint) for item in value] if isinstance(value, list) else value or []
    if value is None or hint is object or get_origin(hint) is dict:
        return value
    if isinstance(hint, type) and issubclass(hint, Model):
        return hint(value) if isinstance(value, dict) else value
    return _scalar(value, hint)


def _scalar(value: object, hint: object) -> object:
    try:
        return msgspec.convert(value, cast("type[object]", hint), strict=False)
    except msgspec.ValidationError:
        return value  # a shape this version does not know: better read as it is than not at all


def _untyped(value: object) -> object:
    if isinstance(value, dict):
        return Model(value)
    return [_untyped(item) for item in value] if isinstance(value, list) else value
