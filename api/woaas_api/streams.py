"""Endpoints that go on answering: server-sent events over an ordinary GET endpoint, repeated.

Each look is a request of its own inside, with its own transaction, authentication and mask: no connection to the
database is held between looks, and a revoked key ends the stream.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, fields
from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from woaas_api.answers import Answer, RawResponse
from woaas_api.edge import Call, Edge
from woaas_api.endpoint import Function, Route, route

LOOK_S = 0.25
# A comment now and then keeps proxies from closing a quiet stream.
_COMMENT_EVERY = 40
ENDED = "Woaas-Ended"
"""The header by which an endpoint says that nothing more will come."""


@dataclass(frozen=True, eq=False)
class StreamRoute(Route):
    """A GET whose answer is sent again whenever it changes."""

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
            headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
            return Stream(_messages(first, look), media_type="text/event-stream", headers=headers)

        return self.registered(serve)


def stream_route(path: str, *, tag: str) -> Callable[[Function], Route]:
    """Declare an endpoint that streams what its function answers."""

    def declare(function: Function) -> Route:
        plain = route("GET", path, tag=tag, media_type="text/event-stream")(function)
        return StreamRoute(**{f.name: getattr(plain, f.name) for f in fields(Route)})

    return declare


async def _messages(first: RawResponse, look: Callable[[], Any]) -> AsyncIterator[bytes]:
    response, sent, quiet = first, b"", 0
    while response.status_code == 200:
        ended = ENDED in response.headers
        if response.content != sent:
            sent, quiet = response.content, 0
            yield b"event: %s\ndata: %s\n\n" % (b"ended" if ended else b"progress", sent)
        if ended:
            return
        quiet += 1
        if quiet % _COMMENT_EVERY == 0:
            yield b": still here\n\n"
        await asyncio.sleep(LOOK_S)
        response = await look()
