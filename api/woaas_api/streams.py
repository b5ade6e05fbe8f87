"""Endpoints that go on answering: server-sent events over an ordinary GET endpoint, repeated when there is word.

Each message is the whole state, and its id a hash of it: a client that comes back with ``Last-Event-ID`` hears at once
what has changed meanwhile, and nothing twice. Each look is a request of its own inside, with its own transaction,
authentication and mask: no connection to the database is held between looks, and a revoked key ends the stream.
"""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, fields
from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from woaas_api.answers import Answer, RawResponse
from woaas_api.edge import Call, Edge
from woaas_api.endpoint import Function, Route, route
from woaas_core.db.notices import Notices
from woaas_core.ids import decode_id

# Word of a change comes by NOTIFY; this is for word that was lost.
LOOK_S = 2.0
# A comment now and then keeps proxies from closing a quiet stream.
_COMMENT_EVERY = 5
ENDED = "Woaas-Ended"
"""The header by which an endpoint says that nothing more will come."""


@dataclass(frozen=True, eq=False)
class StreamRoute(Route):
    """A GET whose answer is sent again whenever it changes; ``key`` in its path is an id with this prefix."""

    prefix: str = ""

    def handler(self, edge: Edge) -> HTTPRouteHandler:
        """The Litestar handler that streams it."""

        async def endpoint(call: Call) -> Answer[Any]:
            return await self.function(call, **{name: call.path(name) for name in self.parameters})

        async def serve(request: Request[Any, Any, Any]) -> RawResponse | Stream:
            async def look() -> RawResponse:
                return await edge.serve(request, endpoint, safe=True, name=self.name)

            first = await look()
            if first.status_code != 200:
                return first
            known = request.headers.get("last-event-id", "").encode()
            if ENDED in first.headers and _id_of(first.content) == known:
                return RawResponse(content=b"", status_code=204)  # a browser then stops coming back
            headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
            run_id = str(decode_id(self.prefix, str(request.path_params["key"])))
            messages = _messages(edge.run_notices, run_id, look, known)
            return Stream(messages, media_type="text/event-stream", headers=headers)

        return self.registered(serve)


def stream_route(path: str, *, tag: str, prefix: str) -> Callable[[Function], Route]:
    """Declare an endpoint that streams what its function answers."""

    def declare(function: Function) -> Route:
        plain = route("GET", path, tag=tag, media_type="text/event-stream")(function)
        return StreamRoute(**{f.name: getattr(plain, f.name) for f in fields(Route)}, prefix=prefix)

    return declare


async def _messages(
    notices: Notices, subject: str, look: Callable[[], Awaitable[RawResponse]], known: bytes
) -> AsyncIterator[bytes]:
    quiet = 0
    async with notices.of(subject) as bell:
        while (response := await look()).status_code == 200:
            has_ended, state = ENDED in response.headers, _id_of(response.content)
            quiet += 1
            if state != known:
                known, quiet = state, 0
                name = b"ended" if has_ended else b"progress"
                yield b"id: %s\nevent: %s\ndata: %s\n\n" % (state, name, response.content)
            if has_ended:
                return
            if quiet and quiet % _COMMENT_EVERY == 0:
                yield b": still here\n\n"
            await bell.wait(LOOK_S)


def _id_of(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=8).hexdigest().encode()
