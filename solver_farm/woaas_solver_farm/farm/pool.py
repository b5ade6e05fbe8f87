"""Worker processes kept between solves: one serves one tenant all its life, and a spare waits for the next one."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from woaas_solver_farm.farm.executor import WorkerLost

Handle = TypeVar("Handle")


@dataclass(eq=False)
class Member(Generic[Handle]):
    """A worker process; without a tenant it has not seen anybody's data yet."""

    handle: Handle
    tenant: str | None = None


class Pool(Generic[Handle]):
    """Busy processes, and up to ``limit`` of all with idle and spare ones; none is shown to a second tenant."""

    def __init__(
        self,
        *,
        start: Callable[[], Awaitable[Handle]],
        is_alive: Callable[[Handle], Awaitable[bool]],
        end: Callable[[Handle], None],
        limit: int,
    ) -> None:
        self._limit = limit
        self._start = start
        self._is_alive = is_alive
        self._end = end
        self._busy: set[Member[Handle]] = set()
        # The one idle for longest comes first.
        self._idle: list[Member[Handle]] = []
        self._spare: Member[Handle] | None = None
        self._starting: asyncio.Task[None] | None = None

    async def take(self, tenant: str) -> Member[Handle]:
        """A process that has worked for this tenant alone, or for nobody."""
        member = await self._known_to(tenant) or await self._unused() or Member(await self._fresh())
        member.tenant = tenant
        self._busy.add(member)
        self._top_up()
        return member

    def give_back(self, member: Member[Handle]) -> None:
        """Keep a process for its tenant's next solve."""
        if member in self._busy:
            self._busy.remove(member)
            self._idle.append(member)
            self._shrink()
            self._top_up()

    def drop(self, member: Member[Handle]) -> None:
        """Forget a process that is lost or not to be trusted any more."""
        if member in self._busy:
            self._busy.remove(member)
            self._end(member.handle)

    def clear(self) -> None:
        """Forget all of them; they end with whatever holds them."""
        if self._starting is not None:
            self._starting.cancel()
        self._starting = self._spare = None
        self._busy.clear()
        self._idle.clear()

    async def _known_to(self, tenant: str) -> Member[Handle] | None:
        for member in [m for m in reversed(self._idle) if m.tenant == tenant]:
            if member in self._idle:
                self._idle.remove(member)
                if await self._is_alive(member.handle):
                    return member
        return None

    async def _unused(self) -> Member[Handle] | None:
        if self._starting is not None:
            # It is nearer to being ready than one begun now.
            await asyncio.wait([self._starting])
        spare, self._spare = self._spare, None
        return spare if spare is not None and await self._is_alive(spare.handle) else None

    async def _fresh(self) -> Handle:
        self._shrink(room=1)
        return await self._start()

    def _count(self) -> int:
        return len(self._busy) + len(self._idle) + (self._spare is not None) + (self._starting is not None)

    def _shrink(self, room: int = 0) -> None:
        while self._idle and self._count() + room > self._limit:
            self._end(self._idle.pop(0).handle)

    def _top_up(self) -> None:
        """See to a spare, in the place of the process idle for longest if need be."""
        if self._spare is not None or self._starting is not None:
            return
        if self._limit > 1:
            self._shrink(room=1)
        if self._count() < self._limit:
            self._starting = asyncio.create_task(self._make_spare(), name="spare-worker")

    async def _make_spare(self) -> None:
        try:
            with suppress(WorkerLost):  # without a spare the next one starts its own
                self._spare = Member(await self._start())
        finally:
            self._starting = None
