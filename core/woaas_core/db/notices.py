"""Word of changes by NOTIFY: wakes those who wait for one thing, so that they need not look all the time."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from woaas_core.db.database import DATABASE_LOST, Database

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy


class Bell:
    """Rings when there is word of the thing it was made for."""

    def __init__(self, notices: "Notices") -> None:
        self._notices = notices
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake whoever waits, now or next."""
        self._rung.set()

    async def wait(self, longest_s: float) -> None:
        """Until there is word since the last wait, or the time is over: word may be lost with a connection."""
        await self._notices.listen()
        try:
            async with asyncio.timeout(longest_s):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()


class Notices:
    """What is told on one channel, payload by payload; one connection a process, only while somebody waits."""

    def __init__(self, database: Database, channel: str) -> None:
        self._database = database
        self._channel = channel
        self._bells: defaultdict[str, set[Bell]] = defaultdict(set)
        self._connection: PoolConnectionProxy | None = None
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def of(self, payload: str) -> AsyncIterator[Bell]:
        """A bell for one payload."""
        bell = Bell(self)
        self._bells[payload].add(bell)
        try:
            await self.listen()
            yield bell
        finally:
            self._bells[payload].discard(bell)
            if not self._bells[payload]:
                del self._bells[payload]
            await self._rest()

    async def listen(self) -> None:
        """Hold a connection that listens; without one, waits run to their end."""
        async with self._lock:
            if self._connection is not None and not self._connection.is_closed():
                return
            await self._let_go()
            try:
                self._connection = await self._database.pool.acquire()
                await self._connection.add_listener(self._channel, self._hear)
            except DATABASE_LOST:
                await self._let_go()

    async def _rest(self) -> None:
        async with self._lock:
            if not self._bells:
                await self._let_go()

    async def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            if not connection.is_closed():
                await connection.remove_listener(self._channel, self._hear)
            await self._database.pool.release(connection)

    def _hear(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        for bell in self._bells.get(str(payload), ()):
            bell.ring()
