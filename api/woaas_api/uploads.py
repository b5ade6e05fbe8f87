"""Endpoints that take a file as the body: authenticated and allowed before its bytes come, in bounded memory.

The bytes wait in a temporary file, so no transaction stays open while a slow client sends. Nothing is unpacked: what a
file would become is the business of whoever opens it.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields, replace
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler

from woaas_api.answers import Answer, RawResponse
from woaas_api.edge import Call, Edge
from woaas_api.endpoint import Function, Query, Route, route

_IN_MEMORY = 1 << 20
_HEAD_BYTES = 4096


class Upload:
    """A body that has been taken in: its bytes in a file, and what they are known by."""

    def __init__(self, file: IO[bytes], declared: str) -> None:
        self.file = file
        self.declared = declared
        self.size_bytes = 0
        self.head = b""
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """The SHA-256 of all, in hex."""
        return self._digest.hexdigest()

    async def take(self, request: Request[Any, Any, Any]) -> bytes:
        """Read the body of a request; Litestar ends it where it is larger than the endpoint takes.

        Returns what stands for it where requests are compared: what it is named, and its hash.
        """
        async for chunk in request.stream():
            self.size_bytes += len(chunk)
            self.head += chunk[: _HEAD_BYTES - len(self.head)]
            self._digest.update(chunk)
            self.file.write(chunk)
        self.file.seek(0)
        return f"{request.url.query}\n{self.declared}\n{self.size_bytes}\n{self.sha256}".encode()


@dataclass(frozen=True, eq=False)
class UploadRoute(Route):
    """A POST whose function takes ``upload``; ``admit`` refuses it before the body is read."""

    admit: Callable[..., Awaitable[None]] | None = None

    def handler(self, edge: Edge) -> HTTPRouteHandler:
        """The Litestar handler that takes the body in."""

        async def serve(request: Request[Any, Any, Any]) -> RawResponse:
            with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
                upload = Upload(file, request.headers.get("content-type", ""))

                def parameters(call: Call) -> dict[str, str]:
                    return {name: call.path(name) for name in self.parameters}

                async def check(call: Call) -> None:
                    assert self.admit is not None
                    await self.admit(call, **parameters(call))

                async def read(request: Request[Any, Any, Any]) -> bytes:
                    await edge.preview(request, check)
                    return await upload.take(request)

                async def endpoint(call: Call) -> Answer[Any]:
                    return await self.function(call, **parameters(call), upload=upload)

                return await edge.serve(request, endpoint, name=self.name, safe=False, read=read)

        return replace(self, max_body_bytes=edge.settings.attachment_max_bytes).registered(serve)


def upload_route(
    path: str, *, tag: str, admit: Callable[..., Awaitable[None]], query: tuple[Query, ...]
) -> Callable[[Function], Route]:
    """Declare an endpoint that makes an object of the body's bytes, of any media type."""

    def declare(function: Function) -> Route:
        plain = route("POST", path, tag=tag, status=201, query=query)(function)
        known = {f.name: getattr(plain, f.name) for f in fields(Route)}
        return UploadRoute(**{**known, "reads_bytes": True}, admit=admit)

    return declare
