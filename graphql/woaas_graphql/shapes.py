"""Types of the graph, derived: from resources what is read, from input structs what is sent.

REST shows and reads the same declarations, so the two doors cannot drift.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from inspect import get_annotations
from typing import Any, TypeVar

import msgspec
import strawberry
from msgspec import inspect
from strawberry import UNSET
from strawberry.types.base import has_object_definition

from woaas_core.wire import decode
from woaas_graphql.nodes import Kind
from woaas_graphql.scalars import JSON, DateTime, Decimal, Duration
from woaas_security.authz.resource import Field

C = TypeVar("C", bound=type)
S = TypeVar("S", bound=msgspec.Struct)

_OF_KIND: Mapping[str, Any] = {
    "text": str,
    "id": strawberry.ID,
    "instant": DateTime,
    "date": str,
    "decimal": Decimal,
    "integer": int,
    "boolean": bool,
    "duration": Duration,
    "json": JSON,
    "texts": list[str],
}
# Structs whose own names say how they are sent rather than what they are.
_NAMES = {"MoneyBody": "Money", "NewOperation": "RoutingOperation"}
_INPUT_NAMES = {
    "MoneyBody": "Money",
    "CommandBody": "WorkOrderCommand",
    "OperationCommandBody": "OperationCommand",
    "AcceptBody": "ProposalAccept",
    "RejectBody": "ProposalReject",
    "ModelCommand": "DurationModelCommand",
    "CancelForecast": "ForecastCancel",
    "MoveRequest": "Move",
}


def shows(kind: Kind, members: Mapping[str, Any] | None = None) -> Callable[[C], C]:
    """Make a class the type of a kind: every field of the resource, then what the class adds.

    All are nullable but ``id``. ``members`` types the fields that are JSON in the database.
    """

    def decorate(cls: C) -> C:
        own = get_annotations(cls)
        fields = {f.name: _annotation(f, members or {}) for f in kind.resource.fields}
        fields |= {"livemode": bool | None, "masked_fields": list[str] | None}
        cls.__annotations__ = {**fields, **own}
        for name in fields:
            if name not in own:
                setattr(cls, name, strawberry.field())
        cls.__kind__ = kind  # type: ignore[attr-defined]
        made: C = strawberry.type(cls, description=cls.__doc__)
        return made

    return decorate


def _annotation(field: Field, members: Mapping[str, Any]) -> Any:
    if field.name == "id":
        return strawberry.ID
    return members.get(field.name, _OF_KIND[field.kind]) | None


def kind_of(shape: Any) -> Kind:
    """The kind that a type shows."""
    kind: Kind = shape.__kind__
    return kind


def members_of(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The types of a struct's members as answers show them."""
    return {f.encode_name: output_of(f.type) for f in _fields(struct)}


def output_of(kind: inspect.Type) -> Any:
    """The type in which a value of a struct's member is read."""
    return _type(kind, struct_type)


@lru_cache
def struct_type(struct: type[msgspec.Struct]) -> Any:
    """The type in which a struct is read."""
    name = _NAMES.get(struct.__name__, struct.__name__)
    annotations = {f.encode_name: output_of(f.type) | None for f in _fields(struct)}
    return strawberry.type(_class(name, struct, annotations, {}), description=struct.__doc__)


@lru_cache
def input_of(struct: type[msgspec.Struct]) -> Any:
    """The input type of a struct; only what the struct requires is required."""
    name = _INPUT_NAMES.get(struct.__name__, struct.__name__)
    fields = _fields(struct)
    annotations: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    for field in sorted(fields, key=lambda f: not f.required):
        kind = _type(field.type, input_of)
        annotations[field.encode_name] = kind if field.required else kind | None
        if not field.required:
            defaults[field.encode_name] = UNSET
    return strawberry.input(_class(f"{name}Input", struct, annotations, defaults), description=struct.__doc__)


def _class(name: str, struct: type, annotations: dict[str, Any], defaults: dict[str, Any]) -> type:
    return type(name, (), {"__annotations__": annotations, "__doc__": struct.__doc__, **defaults})


def _fields(struct: type[msgspec.Struct]) -> Iterable[inspect.Field]:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    return info.fields


def _type(kind: inspect.Type, struct: Callable[[Any], Any]) -> Any:  # noqa: PLR0911 - one return a kind
    title = ""
    while isinstance(kind, inspect.Metadata):
        title = str((kind.extra_json_schema or {}).get("title", title))
        kind = kind.type
    match kind:
        case inspect.StrType() if title in ("decimal", "duration"):
            return Decimal if title == "decimal" else Duration
        case inspect.StrType():
            return str
        case inspect.LiteralType(values=values):
            return int if all(isinstance(v, int) for v in values) else str
        case inspect.IntType():
            return int
        case inspect.FloatType():
            return float
        case inspect.BoolType():
            return bool
        case inspect.DateTimeType():
            return DateTime
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return list[_type(item, struct)]  # type: ignore[misc]  # known when the schema is built
        case inspect.StructType(cls=cls):
            return struct(cls)
        case inspect.UnionType(types=types):
            rest = [t for t in types if not isinstance(t, inspect.NoneType)]
            return _type(rest[0], struct) if len(rest) == 1 else JSON
        case _:
            return JSON


def plain(value: Any) -> Any:
    """An input as plain JSON: what was not sent is not there."""
    if has_object_definition(type(value)):
        fields = type(value).__strawberry_definition__.fields
        found = ((f.python_name, getattr(value, f.python_name)) for f in fields)
        return {name: plain(member) for name, member in found if member is not UNSET}
    return [plain(item) for item in value] if isinstance(value, list) else value


def struct_of(raw: bytes, struct: type[S]) -> S:
    """An input as the struct that REST would have read, with REST's errors."""
    return decode(raw, struct)
