"""Word of changes by NOTIFY: wakes those who wait for one thing, so that they need not look all the time."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from woaas_core.db.database import DATABASE_LOST, Database


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
    """What is told on one channel, payload by payload; a process listens once somebody has waited."""

    def __init__(self, database: Database, channel: str) -> None:
        self._listener = database.listener(channel, self._hear)
        self._bells: defaultdict[str, set[Bell]] = defaultdict(set)

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

    async def listen(self) -> None:
        """Listen, again if the connection was lost; while there is none, waits run to their end."""
        with suppress(*DATABASE_LOST):
            await self._listener.open()

    def _hear(self, payload: str) -> None:
        for bell in self._bells.get(payload, ()):
            bell.ring()
