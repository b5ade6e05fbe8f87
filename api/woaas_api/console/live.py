"""What changed, as it happens: a server-sent stream of the nouns that have new events.

It carries no data. A page that shows such a noun asks for its part again, under the reader's own mask.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from time import monotonic
from uuid import UUID

from litestar.response import Stream

from woaas_api.console.protection import HEADERS
from woaas_api.edge import SESSION_COOKIE, AnyRequest, Edge
from woaas_core.errors import DomainError, NotReady, Unauthenticated
from woaas_core.events.feed import FeedFilter, read_feed
from woaas_security.principal import Principal

POLL_S = 0.3
_BEAT_S = 15.0
_LIFE_S = 600.0
_MOST_STREAMS = 500
_MOST_EVENTS = 500
_BEYOND = 1 << 62
_EVERYTHING = "*"


class _Tail:
    """The end of one tenant's log as this process last saw it, shared by every stream of the tenant."""

    def __init__(self) -> None:
        self.first_index = -1
        self.next_index = -1
        self.recent: deque[tuple[int, str]] = deque(maxlen=4 * _MOST_EVENTS)
        self.seen_at = 0.0
        self.watchers = 0
        self.turn = asyncio.Lock()


class Live:
    """The streams of a process; a tenant's log is asked once a tick however many are watching."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._tails: dict[UUID, _Tail] = {}
        self._streams = 0

    async def open(self, request: AnyRequest) -> Stream:
        """Start a stream for the reader of a session.

        Raises:
            Unauthenticated: no running session.
            NotReady: this process has as many streams as it will keep; the browser tries again.
        """
        session = request.cookies.get(SESSION_COOKIE, "")
        principal = await self._reader(session)
        if self._streams >= _MOST_STREAMS:
            raise NotReady(retry_after_s=5)
        last = request.headers.get("last-event-id", "")
        start = int(last) if last.isdigit() and len(last) < 19 else None
        headers = {**HEADERS, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return Stream(self._follow(session, principal, start), media_type="text/event-stream", headers=headers)

    async def _follow(self, session: str, principal: Principal, start: int | None) -> AsyncIterator[str]:
        self._streams += 1
        tail = self._tails.setdefault(principal.tenant_id, _Tail())
        tail.watchers += 1
        try:
            yield "retry: 2000\n\n"
            ends_at = monotonic() + _LIFE_S
            beat_at = monotonic() + _BEAT_S
            # How busy a tenant is, is not for its guests to see.
            watches = not principal.is_guest
            while monotonic() < ends_at:
                if watches:
                    next_index, nouns = await self._since(principal.tenant_id, start)
                    if nouns:
                        yield f"id: {next_index}\nevent: change\ndata: {' '.join(nouns)}\n\n"
                    start = next_index
                if monotonic() >= beat_at:
                    await asyncio.shield(self._reader(session))
                    yield ": still here\n\n"
                    beat_at = monotonic() + _BEAT_S
                await asyncio.sleep(POLL_S)
        except DomainError:
            # The session has ended: so does the stream, and the next page asks to sign in.
            yield "event: over\ndata:\n\n"
        finally:
            self._streams -= 1
            tail.watchers -= 1
            if not tail.watchers:
                self._tails.pop(principal.tenant_id, None)

    async def _since(self, tenant_id: UUID, start: int | None) -> tuple[int, list[str]]:
        """The log's end, and the nouns with events from ``start`` on (None: nothing yet)."""
        tail = self._tails[tenant_id]
        # A browser that leaves must not tear the transaction that others wait for.
        await asyncio.shield(self._look(tenant_id, tail))
        if start is None or start >= tail.next_index:
            return tail.next_index, []
        oldest = tail.recent[0][0] if len(tail.recent) == tail.recent.maxlen else tail.first_index
        if start < oldest:
            return tail.next_index, [_EVERYTHING]
        return tail.next_index, sorted({noun for index, noun in tail.recent if index >= start})

    async def _look(self, tenant_id: UUID, tail: _Tail) -> None:
        async with tail.turn:
            if monotonic() - tail.seen_at < POLL_S * 0.9:
                return
            async with self._edge.database.unit_of_work() as uow:
                await self._edge.authenticator.as_system(uow, tenant_id, "console")
                if tail.next_index < 0:
                    end = await read_feed(uow, FeedFilter(), start=_BEYOND, limit=1)
                    tail.first_index = tail.next_index = end.next_index
                feed = await read_feed(uow, FeedFilter(), start=tail.next_index, limit=_MOST_EVENTS)
            tail.recent.extend((e["auditindex"], str(e["type"]).partition(".")[0]) for e in feed.events)
            tail.next_index = max(feed.next_index, tail.next_index)
            tail.seen_at = monotonic()

    async def _reader(self, session: str) -> Principal:
        if not session:
            raise Unauthenticated
        async with self._edge.database.unit_of_work() as uow:
            principal, _ = await self._edge.authenticator.by_session(uow, session)
        return principal
