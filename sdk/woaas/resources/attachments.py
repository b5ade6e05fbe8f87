"""`client.attachments`: files under work orders and operations."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
from pathlib import Path
from typing import IO, TYPE_CHECKING

from woaas._endpoint import endpoint, listing, procedure
from woaas._errors import DownloadError
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, json_object, path, post, read
from woaas._transport import Steps
from woaas._wire import Filter
from woaas.types.attachments import AccessClass, Attachment

if TYPE_CHECKING:
    import httpx2

_BLOCK = 1 << 20


class Attachments(Bound[M]):
    """Files with their hashes and versions."""

    @endpoint
    def upload(
        self,
        subject: str,
        file: str | Path | bytes,
        *,
        name: str | None = None,
        access_class: AccessClass = "general",
        media_type: str | None = None,
        idempotency_key: str | None = None,
    ) -> Request[Attachment]:
        """Attach a file, or bytes under a `name`; the same name on the same subject is its next version.

        Raises:
            UnprocessableEntityError: the content is not what `media_type` (by default the name's) says.
        """
        content = file if isinstance(file, bytes) else Path(file).read_bytes()
        known = name or ("" if isinstance(file, bytes) else Path(file).name)
        guessed, packed = mimetypes.guess_type(known)
        kind = media_type or (None if packed else guessed) or "application/octet-stream"
        headers = {"Content-Type": kind} | ({"Idempotency-Key": idempotency_key} if idempotency_key else {})
        query = {"subject": subject, "name": known, "access_class": access_class}
        return Request("POST", "/v1/attachments", _attachment, query=query, content=content, headers=headers)

    @endpoint
    def get(self, id: str) -> Request[Attachment]:
        """What is known of a file."""
        return read(path("/v1/attachments/{}", id), Attachment)

    @listing
    def list(self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter) -> Listing[Attachment]:
        """Files by filter (`state="current"`, `work_order_id=…`), newest first."""
        return listing_of("/v1/attachments", Attachment, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def remove(self, id: str, *, reason: str | None = None) -> Request[Attachment]:
        """Take a file away; its content is destroyed, what it was stays on record."""
        return post(path("/v1/attachments/{}/remove", id), Attachment, {"reason": reason} if reason else {})

    @procedure
    def download(self, id: str, destination: str | Path) -> Steps[Path]:
        """Write a file's content to a place, whole or not at all.

        Raises:
            DownloadError: it is not what the service said it sends.
        """
        return self._save(id, Path(destination))

    def _save(self, id: str, destination: Path) -> Steps[Path]:
        partial = destination.with_name(f".{destination.name}.{id}.partial")
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        where = path("/v1/attachments/{}/download", id)
        try:
            with partial.open("w+b") as file:
                told = yield from self._executor.exchange(Request("GET", where, _told, headers=headers, sink=file))
                found = _digest(file)
            if found != told:
                raise DownloadError(f"{id}: the digest of what came is {found}, the service said {told}")
            return partial.replace(destination)
        finally:
            partial.unlink(missing_ok=True)


def _attachment(response: httpx2.Response) -> Attachment:
    return Attachment(json_object(response))


def _told(response: httpx2.Response) -> str:
    return response.headers.get("repr-digest", "")


def _digest(file: IO[bytes]) -> str:
    """The SHA-256 of a file as `Repr-Digest` writes it (RFC 9530)."""
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    return f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
