"""Room for so many transactions of one tenant at once: his burst waits in a line of its own, and not before others.

Budgets say how much a tenant may ask for, and he may ask for a minute's worth in one moment. Connections are handed out
in the order they are asked for, so without this everybody else would wait until all of that is done.
"""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class Room:
    """What is under way in this process, by who asked for it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lines: dict[Hashable, tuple[asyncio.Semaphore, int]] = {}

    @asynccontextmanager
    async def of(self, whose: Hashable | None) -> AsyncIterator[None]:
        """Wait for room; who is not known yet takes none."""
        if whose is None:
            yield
            return
        line, users = self._lines.get(whose) or (asyncio.Semaphore(self._most), 0)
        self._lines[whose] = line, users + 1
        try:
            async with line:
                yield
        finally:
            _, users = self._lines.pop(whose)
            if users > 1:
                self._lines[whose] = line, users - 1
