"""Files for browsers: the bundled libraries and the console's own, under addresses that change with the content."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from woaas_api.answers import RawResponse
from woaas_core.errors import NotFound

ROOT = Path(__file__).parent / "console" / "static"
_FOREVER = "public, max-age=31536000, immutable"
_WORTH_PACKING = 1024


@dataclass(eq=False)
class StaticFile:
    """A file as it is served."""

    content: bytes
    media_type: str
    version: str

    @cached_property
    def packed(self) -> bytes | None:
        """Its gzip form where that is smaller; made when first asked for, since the libraries take a while."""
        packed = gzip.compress(self.content, 6, mtime=0) if len(self.content) > _WORTH_PACKING else None
        return packed if packed is not None and len(packed) < len(self.content) else None


class StaticFiles:
    """The files below a folder, read once; ``dist`` is what set-up bundles and may be missing."""

    def __init__(self, root: Path = ROOT) -> None:
        self._files = _read_all(root)

    def find(self, name: str) -> StaticFile | None:
        """A file by its path below the folder; nothing outside of it can be named."""
        return self._files.get(name)

    def url(self, name: str) -> str:
        """The address of a file, with its version: caches may keep what is behind it for ever."""
        file = self._files.get(name)
        return f"/static/{name}" + (f"?v={file.version}" if file else "")

    def handler(self) -> HTTPRouteHandler:
        """``GET /static/…``."""

        @get("/static/{name:path}", include_in_schema=False)
        async def static(name: FromPath[str], request: Request[Any, Any, Any]) -> RawResponse:
            file = self.find(str(name).lstrip("/"))
            if file is None:
                raise NotFound
            is_versioned = request.query_params.get("v") == file.version
            headers = {
                "Cache-Control": _FOREVER if is_versioned else "public, no-cache",
                "ETag": f'"{file.version}"',
                "Vary": "Accept-Encoding",
                "X-Content-Type-Options": "nosniff",
            }
            if request.headers.get("if-none-match") == headers["ETag"]:
                return Response(b"", status_code=304, media_type=file.media_type, headers=headers)
            content = file.content
            if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
                headers["Content-Encoding"] = "gzip"
                content = file.packed
            return Response(content, media_type=file.media_type, headers=headers)

        return static


@lru_cache(maxsize=8)
def _read_all(root: Path) -> dict[str, StaticFile]:
    """The files of a folder; apps of one process share them."""
    found = sorted(p for p in root.rglob("*") if p.is_file() and not p.name.startswith("."))
    return {p.relative_to(root).as_posix(): _read(p) for p in found}


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    is_text = kind.startswith("text/") or kind.endswith(("javascript", "json", "svg+xml"))
    return StaticFile(
        content=content,
        media_type=f"{kind}; charset=utf-8" if is_text and not kind.startswith("text/") else kind,
        version=hashlib.sha256(content).hexdigest()[:16],
    )
