"""The unit of work: one transaction in one tenant, with the events of its changes."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from woaas_core.clock import Clock
from woaas_core.db.statements import Statement
from woaas_core.events.envelope import Actor, Event, EventType, Version
from woaas_core.events.log import append
from woaas_core.ids import encode_id, uuid7

if TYPE_CHECKING:
    from asyncpg import Record
    from asyncpg.connection import Connection
    from asyncpg.pool import PoolConnectionProxy

    from woaas_core.db.database import Database


class UnitOfWork:
    """What a use case works with: statements run on it, events recorded on it commit with the rows.

    Application code never commits: the edge does, by leaving the context of ``Database.unit_of_work``.
    """

    def __init__(
        self, connection: "Connection | PoolConnectionProxy", clock: Clock, database: "Database | None" = None
    ) -> None:
        self.connection = connection
        self.clock = clock
        self._database = database
        self.tenant_id: UUID | None = None
        self.livemode = True
        self.actor = Actor("system", "system")
        self.request_id: str | None = None
        self.reason: str | None = None
        self.events: list[Event] = []
        self.last_event_id: UUID | None = None
        self.kept: list[Callable[[UnitOfWork], Awaitable[None]]] = []
        self._flushed = 0
        self._observed: list[Event] = []
        self._last: tuple[Statement, dict[str, object]] | None = None

    @property
    def tenant(self) -> UUID:
        """The tenant this transaction has entered; asking before that is a defect."""
        if self.tenant_id is None:
            msg = "no tenant entered"
            raise RuntimeError(msg)
        return self.tenant_id

    async def all(self, statement: Statement, **values: object) -> "list[Record]":
        """Every row."""
        rows: list[Record] = await self.connection.fetch(statement.sql, *statement.arguments(values))
        return rows

    async def first(self, statement: Statement, **values: object) -> "Record | None":
        """The first row, or None."""
        return await self.connection.fetchrow(statement.sql, *statement.arguments(values))

    async def value(self, statement: Statement, **values: object) -> Any:
        """The first column of the first row, or None."""
        return await self.connection.fetchval(statement.sql, *statement.arguments(values))

    async def execute(self, statement: Statement, **values: object) -> int:
        """Run it and return the number of rows it touched."""
        status: str = await self.connection.execute(statement.sql, *statement.arguments(values))
        return int(status.rpartition(" ")[2]) if status[-1].isdigit() else 0

    async def execute_many(self, statement: Statement, rows: Iterable[Mapping[str, object]]) -> None:
        """Run it for each row in one round trip."""
        await self.connection.executemany(statement.sql, [statement.arguments(r) for r in rows])

    def record(
        self,
        event_type: EventType,
        *,
        subject: str,
        version: Version = (None, None),
        work_order_id: UUID | None = None,
        data: Mapping[str, object] | None = None,
        changes: Mapping[str, object] | None = None,
    ) -> Event:
        """Note a fact; it is written with the commit and becomes the audit entry.

        ``subject`` is the object's wire id. ``data`` is public within the tenant (webhooks, /v1/events): ids
        and facts, no restricted value. ``changes`` are the new values by field; the log holds only salted
        commitments to them.
        """
        event = Event(
            id=uuid7(),
            type=event_type.name,
            subject=subject,
            version=version,
            work_order_id=work_order_id,
            data=data or {},
            changes=changes or {},
        )
        self.events.append(event)
        self.last_event_id = event.id
        return event

    def observe(
        self,
        event_type: EventType,
        *,
        subject: str,
        data: Mapping[str, object] | None = None,
        changes: Mapping[str, object] | None = None,
    ) -> None:
        """Note that something guarded was read: an entry like any other, but no effect of the use case and in no feed.

        ``data`` and ``changes`` are taken as they are when the transaction ends.
        """
        self._observed.append(Event(uuid7(), event_type.name, subject, (None, None), None, data or {}, changes or {}))

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Part of the work that may fail alone: its rows and events are taken back, the rest goes on."""
        known, last_id, flushed, waiting = len(self.events), self.last_event_id, self._flushed, self._last
        await self.connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            del self.events[known:]
            self.last_event_id, self._flushed, self._last = last_id, flushed, waiting
            # Released as well: else the next one of an enclosing part would only go back to here.
            await self.connection.execute("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")
            raise
        await self.connection.execute("RELEASE SAVEPOINT part")

    @asynccontextmanager
    async def apart(self) -> AsyncIterator["UnitOfWork"]:
        """A transaction of its own, on a second connection, that has entered no tenant yet.

        What it writes is there for others at once and stays whatever becomes of this one: how far long work is, and
        nothing else. It must not write what this one has written or locked, for which it would wait for ever.
        """
        if self._database is None:
            msg = "this unit of work has no pool to take a second connection from"
            raise RuntimeError(msg)
        async with self._database.unit_of_work() as other:
            yield other

    def keep(self, work: "Callable[[UnitOfWork], Awaitable[None]]") -> None:
        """Have something done whatever becomes of the rest: with the commit, or after a rollback in a transaction anew.

        ``work`` enters its tenant itself. It is for what must be remembered of a refusal, such as a failed attempt.
        """
        self.kept.append(work)

    async def at_last(self, statement: Statement, **values: object) -> None:
        """Have a row written when the transaction ends, in one statement with the events: that spares a round trip."""
        await self.do_last()
        self._last = statement, values

    async def do_last(self) -> None:
        """Do what waits for the end of the transaction now, since it is about to be read."""
        if self._last is not None:
            (statement, values), self._last = self._last, None
            await self.execute(statement, **values)

    async def flush_events(self) -> None:
        """Write the events noted so far (the edge does this before it commits)."""
        fresh = [*self._observed, *self.events[self._flushed :]]
        self._observed.clear()
        if fresh:
            self._flushed = len(self.events)
            (last, values), self._last = self._last or (None, {}), None
            await append(self, fresh, last, **values)
        await self.do_last()

    @property
    def last_event_text(self) -> str | None:
        """The wire id of the last event: the value of ``Woaas-Event-Id``."""
        return encode_id("evt", self.last_event_id) if self.last_event_id else None
