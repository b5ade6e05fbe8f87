"""What resolvers work with during one request: its transaction, its caller and its loaders."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from strawberry.dataloader import DataLoader
from strawberry.types import Info as StrawberryInfo

from woaas_core.db.notices import Notices
from woaas_core.db.unit_of_work import UnitOfWork
from woaas_core.errors import InvalidLimit
from woaas_core.pagination import CursorCodec
from woaas_graphql.nodes import Kind, Node
from woaas_security.authz.listing import MAX_LIMIT
from woaas_security.authz.related import rows_by
from woaas_security.authz.resource import Resource
from woaas_security.identity.reauthentication import Prover
from woaas_security.principal import Principal


class Link(NamedTuple):
    """Which objects hang on others: those whose ``column`` names them, in ``order``, at most ``each`` of every one."""

    kind: Kind
    column: str = "id"
    order: str = "id"
    newest_first: bool = False
    each: int | None = None


@dataclass(eq=False)
class Context:
    """One request. Statements take turns on its one connection, whatever resolves side by side.

    ``resources`` are what permissions are told about, ``subjects`` find one by the prefix of an id.
    """

    uow: UnitOfWork
    principal: Principal
    prover: Prover
    cursors: CursorCodec
    subjects: Mapping[str, Resource]
    resources: Sequence[Resource]
    request_id: str
    _loaders: dict[object, DataLoader[UUID, Any]] = field(default_factory=dict)

    async def linked(self, link: Link, key: UUID | None) -> list[Node]:
        """The objects on one; all that are asked for at once are one statement."""
        if key is None:
            return []
        found: list[Node] = await self._loader(link, lambda: self._load(link)).load(key)
        return found

    async def loaded(self, load: "Load", key: UUID) -> Any:
        """What a loader of a part gives for a key, again in one statement for all."""
        return await self._loader(load, lambda: partial(load, self)).load(key)

    async def one(self, link: Link, key: UUID | None) -> Node | None:
        """The object of an id; None where it is not there or not the caller's to see."""
        found = await self.linked(link, key)
        return found[0] if found else None

    def forget(self) -> None:
        """Drop what was loaded: a mutation has changed it."""
        self._loaders.clear()

    def _loader(self, name: object, load: Callable[[], Callable[[list[UUID]], Any]]) -> DataLoader[UUID, Any]:
        found = self._loaders.get(name)
        if found is None:
            found = self._loaders[name] = DataLoader(load())
        return found

    def _load(self, link: Link) -> Callable[[list[UUID]], Any]:
        async def load(keys: list[UUID]) -> list[list[Node]]:
            rows = await rows_by(
                self.uow,
                self.principal,
                self.principal.access(link.kind.resource),
                link.column,
                keys,
                order=link.order,
                newest_first=link.newest_first,
                each=link.each,
                columns=link.kind.columns,
            )
            return in_key_order(keys, ((row[link.column], link.kind.node(self.principal, row)) for row in rows))

        return load


Load = Callable[[Context, list[UUID]], Awaitable[Sequence[Any]]]
"""Gives what belongs to keys, in their order."""


@dataclass(eq=False)
class Session:
    """What a subscription looks through: each look is a fresh transaction with the caller authenticated anew."""

    open: Callable[[], AbstractAsyncContextManager[Context]]
    run_notices: Notices

    async def one(self, link: Link, key: UUID | None) -> Node | None:
        """The object of an id, for links of what was sent."""
        async with self.open() as context:
            return await context.one(link, key)


Info = StrawberryInfo[Context, None]


def limit_of(first: int) -> int:
    """A page size.

    Raises:
        InvalidLimit: not what REST's lists take either.
    """
    if not 1 <= first <= MAX_LIMIT:
        raise InvalidLimit
    return first


def in_key_order(keys: Sequence[UUID], found: Iterable[tuple[UUID, Node]]) -> list[list[Node]]:
    """What was found, one list a key, in the order of the keys: a loader answers by position."""
    by_key: dict[UUID, list[Node]] = {key: [] for key in keys}
    for key, node in found:
        by_key[key].append(node)
    return [by_key[key] for key in keys]
