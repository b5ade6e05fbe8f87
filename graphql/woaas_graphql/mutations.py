"""How mutations run: each in a savepoint of the request's transaction, once per key, against the tag decided on."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from woaas_core.conditional import encode, require_match
from woaas_core.db.unit_of_work import UnitOfWork
from woaas_graphql.context import Context, Info
from woaas_graphql.nodes import Kind, Node
from woaas_graphql.shapes import input_of, kind_of, plain, struct_of
from woaas_security.once import Rendered, once
from woaas_security.principal import Principal

B = TypeVar("B")


@dataclass(frozen=True)
class Command(Generic[B]):
    """What a caller asks a mutation to do."""

    context: Context
    id: str
    body: B
    if_match: str | None

    @property
    def uow(self) -> UnitOfWork:
        """The request's unit of work."""
        return self.context.uow

    @property
    def principal(self) -> Principal:
        """The caller."""
        return self.context.principal

    def match(self, shown: Callable[[], object]) -> None:
        """Honour ``ifMatch``."""
        require_match(self.if_match, shown)

    def because(self, reason: Any) -> None:
        """Note the reason for the audit entries."""
        self.uow.reason = reason if isinstance(reason, str) and reason else None


Run = Callable[[Command[Any]], Awaitable[Any]]
"""Does it and returns the row to show."""


@dataclass(frozen=True)
class Verb:
    """A mutation: ``<noun><Verb>(id, input, ifMatch, idempotencyKey)`` as far as it takes each.

    ``run`` does what the REST endpoint does and returns the row to show.
    """

    shape: Any
    run: Run
    description: str
    struct: type[msgspec.Struct] | None = None
    takes_id: bool = True
    takes_match: bool = True

    def field(self, name: str) -> StrawberryField:
        """The mutation as a field of the schema."""
        kind = kind_of(self.shape)

        async def resolve(info: Info, **arguments: Any) -> Any:
            return await _perform(name, kind, self, info.context, arguments)

        resolve.__signature__ = self._signature()  # type: ignore[attr-defined]
        resolve.__annotations__ = {p.name: p.annotation for p in self._signature().parameters.values()}
        resolve.__annotations__["return"] = self.shape | None
        return strawberry.field(resolve, description=self.description)

    def _signature(self) -> inspect.Signature:
        found = [_parameter("info", Info)]
        if self.takes_id:
            found.append(_parameter("id", strawberry.ID))
        if self.struct is not None:
            wanted = input_of(self.struct)
            if any(f.required for f in msgspec.structs.fields(self.struct)):
                found.append(_parameter("input", wanted))
            else:
                found.append(_parameter("input", wanted | None, UNSET))
        if self.takes_id and self.takes_match:
            found.append(_parameter("if_match", str | None, UNSET))
        found.append(_parameter("idempotency_key", str | None, UNSET))
        return inspect.Signature(found, return_annotation=self.shape | None)


def _parameter(name: str, kind: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


async def _perform(name: str, kind: Kind, verb: Verb, context: Context, arguments: dict[str, Any]) -> Node:
    """Run a mutation alone: where it fails its effects are taken back, those before it stay."""
    uow, principal = context.uow, context.principal
    key = arguments.get("idempotency_key") or None
    if_match = arguments.get("if_match") or None
    object_id = str(arguments.get("id", ""))
    raw = encode(plain(arguments.get("input") or {}))
    node: Node | None = None

    async def run() -> Rendered:
        nonlocal node
        body = struct_of(raw, verb.struct) if verb.struct is not None else None
        row = await verb.run(Command(context, object_id, body, if_match))
        node = kind.node(principal, row)
        return Rendered(200, {}, encode(node.shown))

    try:
        async with uow.savepoint():
            if key is None:
                await run()
            else:
                asked = encode([object_id, if_match, msgspec.Raw(raw)])
                answer = await once(uow, principal, key, place=f"graphql\n{name}", raw=asked, run=run)
                if node is None:
                    node = Node(kind, principal, None, msgspec.json.decode(answer.body, type=dict[str, Any]))
    finally:
        uow.reason = None
        context.forget()
    assert node is not None
    return node
