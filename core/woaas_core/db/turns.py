"""One connection, many askers: statements of a transaction that run at once take turns."""

import asyncio
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from asyncpg.connection import Connection
    from asyncpg.pool import PoolConnectionProxy

    from woaas_core.db.unit_of_work import UnitOfWork


class Turns:
    """Stands before a connection in a unit of work; GraphQL resolves fields side by side, Postgres does not."""

    def __init__(self, connection: "Connection | PoolConnectionProxy") -> None:
        self._connection = connection
        self._lock = asyncio.Lock()
        self.statements = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._connection, name)
        if name not in ("fetch", "fetchrow", "fetchval", "execute", "executemany"):
            return method

        async def in_turn(*arguments: Any, **options: Any) -> Any:
            async with self._lock:
                self.statements += 1
                return await method(*arguments, **options)

        return in_turn


def take_turns(uow: "UnitOfWork") -> Turns:
    """Let several tasks use a unit of work from here on; returns what counts their statements."""
    turns = Turns(uow.connection)
    uow.connection = cast("Any", turns)  # it has the five methods that a unit of work calls
    return turns
