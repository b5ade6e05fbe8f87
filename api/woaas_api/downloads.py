"""Endpoints that hand out large files part by part: bounded memory, and resumable by Range (RFC 9110 section 14).

Each part is a request of its own inside, with its own transaction and authentication: no connection to the database is
held while a slow client reads, and a revoked key ends the download.
"""

import re
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, fields
from typing import Any, NamedTuple
from urllib.parse import quote

from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from woaas_api.answers import Answer, RawResponse
from woaas_api.edge import Call, Edge
from woaas_api.endpoint import Function, Route, route
from woaas_core.db.statements import Row

START, TOTAL = "Woaas-Start", "Woaas-Total"
"""The headers by which an endpoint says where its part begins and how long the file is."""
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
Look = Callable[[int], Awaitable[RawResponse]]


class Span(NamedTuple):
    """The bytes `[start, end)` of a file."""

    start: int
    end: int


@dataclass(frozen=True, eq=False)
class DownloadRoute(Route):
    """A GET whose function answers the part that holds byte ``start``."""

    def handler(self, edge: Edge) -> HTTPRouteHandler:
        """The Litestar handler that joins the parts."""

        async def serve(request: Request[Any, Any, Any]) -> RawResponse | Stream:
            async def look(start: int) -> RawResponse:
                async def endpoint(call: Call) -> Answer[Any]:
                    parameters = {name: call.path(name) for name in self.parameters}
                    return await self.function(call, **parameters, start=start)

                return await edge.serve(request, endpoint, safe=True, name=self.name)

            first = await look(0)
            if first.status_code != 200:
                return first
            headers = {name: value for name, value in first.headers.items() if name not in (START, TOTAL)}
            headers["Accept-Ranges"] = "bytes"
            total = int(first.headers[TOTAL])
            span = _asked(request, headers["ETag"], total)
            if span is None:
                headers = {"Content-Range": f"bytes */{total}"}
                return RawResponse(b"", status_code=416, media_type=self.media_type, headers=headers)
            headers["Content-Length"] = str(span.end - span.start)
            is_part = span != (0, total)
            if is_part:
                headers["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{total}"
            status = 206 if is_part else 200
            return Stream(_parts(look, span, first), status_code=status, media_type=first.media_type, headers=headers)

        return self.registered(serve)


def file_headers(name: str, row: Row, start: int) -> dict[str, str]:
    """The headers of a part, beginning at ``start``, of a stored file with ``sha256`` (hex) and ``size_bytes``.

    The digest is of the whole file also beside a part of it (RFC 9530, section 3). A browser saves it and does not
    guess what it is; were it shown after all, nothing in it would run.
    """
    digest = b64encode(bytes.fromhex(row["sha256"])).decode()
    return {
        "Content-Disposition": _disposition(name),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Repr-Digest": f"sha-256=:{digest}:",
        "ETag": f'"{row["sha256"]}"',
        START: str(start),
        TOTAL: str(row["size_bytes"]),
    }


def _disposition(name: str) -> str:
    """A file's name as RFC 6266 writes it: in ASCII, and in full where that is not all of it."""
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in name)
    full = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{full}'


def download_route(path: str, *, tag: str, media_types: tuple[str, ...]) -> Callable[[Function], Route]:
    """Declare an endpoint whose function takes ``start`` and answers the part of a file that holds this byte.

    It says with `START` and `TOTAL` where that part begins and how long all is, and with `ETag` which file it is.
    """

    def declare(function: Function) -> Route:
        plain = route("GET", path, tag=tag, media_type=media_types[0], also_media=media_types[1:], also=(206,))(
            function
        )
        return DownloadRoute(**{f.name: getattr(plain, f.name) for f in fields(Route)})

    return declare


def _asked(request: Request[Any, Any, Any], etag: str, total: int) -> Span | None:
    """The bytes asked for; all of them where the file is another one by now or the header is not understood."""
    whole = Span(0, total)
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    unchanged = request.headers.get("if-range", etag) == etag
    if match is None or not unchanged or not any(match.groups()):
        return whole
    first, last = match.groups()
    if not first:
        return Span(max(total - int(last), 0), total) if int(last) else None
    end = min(int(last) + 1, total) if last else total
    return Span(int(first), end) if int(first) < end else None


async def _parts(look: Look, span: Span, first: RawResponse) -> AsyncIterator[bytes]:
    place = span.start
    part = first
    while place < span.end:
        begins = int(part.headers[START])
        if not begins <= place < begins + len(part.content):
            part = await look(place)
            if part.status_code != 200 or not part.content:
                # The length was promised: ending early is how the client learns that it has not got all.
                msg = f"a download ended at byte {place} of {span.end}: {part.status_code}"
                raise ConnectionAbortedError(msg)
            begins = int(part.headers[START])
        chunk = part.content[place - begins : span.end - begins]
        yield chunk
        place += len(chunk)
