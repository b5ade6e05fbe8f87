"""Scripts, styles and icons: read once, served under a path that changes with their content."""

import gzip
import hashlib
import mimetypes
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple

from litestar import Request, Response

from woaas_api.answers import RawResponse
from woaas_api.console.protection import HEADERS
from woaas_core.errors import NotFound

PREFIX = "/console/static"
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


class Asset(NamedTuple):
    """A file as it is sent."""

    media_type: str
    body: bytes


class Assets:
    """Every file of ``static``, bundled libraries in its ``dist`` included."""

    def __init__(self) -> None:
        found = dict(_walk(files("woaas_api.console").joinpath("static"), ""))
        self._files = {name: _asset(name, body) for name, body in found.items()}
        digest = hashlib.blake2b(digest_size=6)
        for name, body in sorted(found.items()):
            digest.update(name.encode() + body)
        # One release for all of them, so that modules can import each other by relative paths.
        self.release = digest.hexdigest()
        self._zipped: dict[str, bytes] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def url(self, name: str) -> str:
        """Where a file is served; asking for one that is not there is a defect."""
        if name not in self._files:
            msg = f"no static file {name!r}"
            raise LookupError(msg)
        return f"{PREFIX}/{self.release}/{name}"

    def answer(self, request: Request[Any, Any, Any]) -> RawResponse:
        """Serve a file, for ever where the path names this release.

        Raises:
            NotFound: there is none.
        """
        name = str(request.path_params["name"]).lstrip("/")
        found = self._files.get(name)
        if found is None:
            raise NotFound
        is_current = request.path_params["release"] == self.release
        headers = {
            **HEADERS,
            "Cache-Control": "public, max-age=31536000, immutable" if is_current else "no-cache",
            "Vary": "Accept-Encoding",
        }
        body = found.body
        if "gzip" in request.headers.get("accept-encoding", "") and len(zipped := self._zip(name, body)) < len(body):
            headers["Content-Encoding"], body = "gzip", zipped
        return Response(body, media_type=found.media_type, headers=headers)

    def _zip(self, name: str, body: bytes) -> bytes:
        """A file packed, when it is first asked for: the libraries of the reference pages take a while."""
        found = self._zipped.get(name)
        if found is None:
            found = self._zipped[name] = gzip.compress(body, 9, mtime=0)
        return found


@lru_cache(maxsize=1)
def bundled() -> Assets:
    """The files of this installation, read once a process."""
    return Assets()


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry.read_bytes()


def _asset(name: str, body: bytes) -> Asset:
    suffix = name[name.rfind(".") :]
    media_type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Asset(media_type, body)
