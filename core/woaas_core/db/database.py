"""The connection pool of a process."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
import msgspec

from woaas_core.clock import Clock, SystemClock
from woaas_core.db.listening import Listener
from woaas_core.db.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from asyncpg.connection import Connection
    from asyncpg.pool import Pool

STATEMENT_TIMEOUT_MS = 30_000

# What a statement or a connect raises while the server is down, going down or coming up; a loop tries again.
DATABASE_LOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    # Between the server's last message and the closed socket a connection knows no better.
    asyncpg.InternalClientError,
)


class Database:
    """A pool whose connections all work as one database role."""

    def __init__(self, pool: "Pool", clock: Clock, *, dsn: str = "", role: str = "", begin: str = "BEGIN") -> None:
        self.pool = pool
        self.clock = clock
        self._dsn, self._role, self._begin = dsn, role, begin
        self._listeners: list[Listener] = []

    @classmethod
    async def connect(
        cls, dsn: str, *, role: str, size: int = 10, clock: Clock | None = None, pooler: str = ""
    ) -> "Database":
        """Open the pool as ``role``; the login behind ``dsn`` must be a member of it.

        ``pooler`` is the address of the same database behind a pooler in transaction mode (pgbouncer). Transactions
        then go there, each saying anew what else its session would know, and nothing is prepared; what needs a session,
        such as listening, stays with ``dsn``.
        """
        sessions = {} if pooler else {"role": role, "jit": "off", "statement_timeout": str(STATEMENT_TIMEOUT_MS)}
        pool = await asyncpg.create_pool(
            pooler or dsn,
            min_size=1,
            max_size=size,
            init=_prepare_pooled if pooler else _prepare,
            reset=_nothing_to_reset,
            statement_cache_size=0 if pooler else 500,
            max_cached_statement_lifetime=0,
            server_settings={"application_name": role, "timezone": "UTC", **sessions},
        )
        begin = (
            f"BEGIN; SET LOCAL ROLE {role}; SET LOCAL jit = off; SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS}"
        )
        return cls(pool, clock or SystemClock(), dsn=dsn, role=role, begin=begin if pooler else "BEGIN")

    def listener(self, channel: str, heard: Callable[[str], None]) -> Listener:
        """What listens on a channel once it is opened; it is closed with the pool at the latest."""
        made = Listener(self._dsn, self._role, channel, heard)
        self._listeners.append(made)
        return made

    async def close(self) -> None:
        """Close every connection, waiting for those in use."""
        for listener in self._listeners:
            await listener.close()
        await self.pool.close()

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[UnitOfWork]:
        """One transaction: recorded events are written and everything committed at the end, or nothing is."""
        async with self.pool.acquire() as connection:
            uow = UnitOfWork(connection, self.clock, self)
            try:
                async with self._transaction(uow):
                    yield uow
                    await _do(uow.kept, uow)
            except BaseException:
                if uow.kept and not connection.is_closed():
                    after = UnitOfWork(connection, self.clock)
                    after.request_id = uow.request_id
                    async with self._transaction(after):
                        await _do(uow.kept, after)
                raise

    @asynccontextmanager
    async def _transaction(self, uow: UnitOfWork) -> AsyncIterator[None]:
        connection = uow.connection
        await connection.execute(self._begin)
        try:
            yield
            await uow.flush_events()
        except BaseException:
            if not connection.is_closed():
                await connection.execute("ROLLBACK")
            raise
        await connection.execute("COMMIT")


async def _do(kept: Iterable[Callable[[UnitOfWork], Awaitable[None]]], uow: UnitOfWork) -> None:
    for work in kept:
        await work(uow)


async def _prepare(connection: "Connection") -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: b"\x01" + msgspec.json.encode(value),
        decoder=lambda data: msgspec.json.decode(data[1:]),
        format="binary",
    )


async def _prepare_pooled(connection: "Connection") -> None:
    # What it asks the server is parsed and run apart, and only a transaction keeps both on one server connection.
    await connection.execute("BEGIN")
    await _prepare(connection)
    await connection.execute("COMMIT")


async def _nothing_to_reset(_connection: "Connection") -> None:
    """Only transaction-local settings are ever made, so a returned connection needs no RESET round trip."""
