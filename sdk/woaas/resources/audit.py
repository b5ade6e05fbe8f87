"""`client.audit`: read the log, fetch its proofs, take it home to verify offline."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Unpack, cast

from woaas._endpoint import endpoint, listing, procedure
from woaas._errors import DownloadError
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, path, post, read, text, write
from woaas._runs import Run
from woaas._transport import Steps
from woaas._wire import Filter, Instant
from woaas.types.audit import (
    Archive,
    AuditEntry,
    AuditKey,
    Checkpoint,
    ConsistencyProof,
    InclusionProof,
    NewAuditExport,
    Retention,
    RetentionPolicy,
)

_PART_BYTES = 16 << 20
_PARTIAL = 206


class AuditExport(Run[M]):
    """A bundle being written. `wait()` for it, then `download(path)` it."""

    collection = "/v1/audit/exports"

    entries_done: int | None
    entries_total: int | None
    sha256: str | None
    expires_at: datetime | None

    @procedure
    def wait(
        self,
        *,
        on_progress: Callable[[AuditExport[M]], None] | None = None,
        timeout: timedelta | float | None = None,
    ) -> Steps[AuditExport[M]]:
        """Until the bundle is there; returns this handle, brought up to date.

        Raises:
            RunFailedError: it failed.
            WaitTimeoutError: it has not ended within `timeout` seconds.
        """
        return self._until_ended(on_progress, timeout)

    @procedure
    def download(self, destination: str | Path) -> Steps[Path]:
        """Write the bundle to a file, whole or not at all; called again after it broke off, it goes on from there.

        Raises:
            DownloadError: its SHA-256 is not the one the export states.
        """
        return self._save(Path(destination))

    def _save(self, destination: Path) -> Steps[Path]:
        partial = destination.with_name(f".{destination.name}.{self.id}.partial")
        with partial.open("ab") as file:
            done = self.sha256 is not None and file.tell() > 0 and _digest(partial) == _plain(self.sha256)
            while not done:
                done = yield from self._fetch(file)
        try:
            _check_digest(partial, self.sha256)
        except DownloadError:
            partial.unlink()
            raise
        return partial.replace(destination)

    def _fetch(self, file: BinaryIO) -> Steps[bool]:
        """Append the next part; says whether it was the last. A service that knows no ranges sends all at once."""
        start = file.seek(0, 2)
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", "Range": f"bytes={start}-{start + _PART_BYTES - 1}"}
        if self.sha256:
            headers["If-Range"] = f'"{self.sha256}"'
        where = path(f"{self.collection}/{{}}/download", self.id)
        with TemporaryFile() as part:
            sink = cast("BinaryIO", part)
            response = yield from self._executor.exchange(
                Request("GET", where, lambda response: response, headers=headers, sink=sink)
            )
            if response.status_code != _PARTIAL:
                file.truncate(0)
            part.seek(0)
            shutil.copyfileobj(part, file)
        total = response.headers.get("content-range", "").rpartition("/")[2]
        return response.status_code != _PARTIAL or file.tell() >= int(total)


class Audit(Bound[M]):
    """The tenant's log."""

    @listing
    def entries(
        self,
        /,
        *,
        since: Instant | None = None,
        until: Instant | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        **filters: Filter,
    ) -> Listing[AuditEntry]:
        """Entries by filter: `work_order_id=…`, `actor=…`, and by time."""
        return listing_of(
            "/v1/audit/entries", AuditEntry, {"from": since, "to": until, "limit": limit, "cursor": cursor, **filters}
        )

    @listing
    def keys(self) -> Listing[AuditKey]:
        """The keys that sign this log's checkpoints. Pin them: keep them where the service cannot change them."""
        return listing_of("/v1/audit/keys", AuditKey)

    @listing
    def checkpoints(self, *, limit: int | None = None, cursor: str | None = None) -> Listing[Checkpoint]:
        """Signed states of the log."""
        return listing_of("/v1/audit/checkpoints", Checkpoint, {"limit": limit, "cursor": cursor})

    @endpoint
    def latest_checkpoint(self) -> Request[str]:
        """The newest signed note, as text. Keep one: a later bundle must be consistent with it."""
        return text("/v1/audit/checkpoints/latest")

    @procedure
    def keep_checkpoint(self, file: str | Path, *, vkeys: Iterable[str], seen: str | None = None) -> Steps[str]:
        """Fetch the newest signed note, see that it continues the one kept in `file`, and keep it there instead.

        `seen` is a note that came by another way, as `event.checkpoint` of a webhook: it is kept in place of a fetched
        one, or, where it is older than the kept one, must be continued by that.

        Run it daily on a machine that the service cannot write to; `woaas.audit.verify` takes the file's content as
        `earlier_checkpoint`.

        Raises:
            woaas.audit.Rejected: the log was rewritten, or you are shown another one; the file stays as it was.
        """
        return self._keep(Path(file), tuple(vkeys), seen)

    def _keep(self, file: Path, vkeys: tuple[str, ...], seen: str | None) -> Steps[str]:
        from woaas.audit import kept  # noqa: PLC0415 - cryptography is for those who verify

        newest = seen or (yield from self._executor.exchange(text("/v1/audit/checkpoints/latest")))
        held = file.read_bytes() if file.exists() else None
        if seen is not None and held is not None and kept.is_older(held, seen.encode(), vkeys):
            old, new = kept.sizes_to_prove(seen.encode(), held, vkeys)
            return kept.check_older(file, seen.encode(), vkeys, (yield from self._growth(old, new)))
        old, new = kept.sizes_to_prove(held, newest.encode(), vkeys)
        return kept.keep(file, newest.encode(), vkeys, (yield from self._growth(old, new)))

    def _growth(self, old: int, new: int) -> Steps[list[str]]:
        if not 0 < old < new:
            return []
        found = yield from self._executor.exchange(
            read("/v1/audit/consistency-proof", ConsistencyProof, {"from": old, "to": new})
        )
        return found.proof

    @endpoint
    def inclusion_proof(self, index: int, *, tree_size: int | None = None) -> Request[InclusionProof]:
        """That entry `index` is in the tree of `tree_size` entries."""
        return read(path("/v1/audit/entries/{}/inclusion-proof", index), InclusionProof, {"tree_size": tree_size})

    @endpoint
    def tlog_proof(self, index: int) -> Request[str]:
        """The proof of entry `index` as the text of a `.tlog-proof` file, for `woaas.audit.verify_entry`."""
        return text(path("/v1/audit/entries/{}/tlog-proof", index))

    @endpoint
    def consistency_proof(self, *, since: int, until: int) -> Request[ConsistencyProof]:
        """That the tree of `until` entries contains the one of `since` entries unchanged."""
        return read("/v1/audit/consistency-proof", ConsistencyProof, {"from": since, "to": until})

    @endpoint
    def export(self, **export: Unpack[NewAuditExport]) -> Request[AuditExport[M]]:
        """Begin a bundle of the log with its proofs, for `woaas.audit.verify`."""
        fields: dict[str, object] = dict(export)
        for ours, theirs in (("since", "from"), ("until", "to")):
            if ours in fields:
                fields[theirs] = fields.pop(ours)
        return post("/v1/audit/exports", self._handle, fields)

    @endpoint
    def retention(self) -> Request[Retention]:
        """How long entries stay at hand before they are archived."""
        return read("/v1/audit/retention", Retention)

    @endpoint
    def set_retention(self, **policy: Unpack[RetentionPolicy]) -> Request[Retention]:
        """Set it; archived entries are in no list and no feed, but in bundles and proofs as before."""
        return write("PUT", "/v1/audit/retention", Retention, policy)

    @listing
    def archives(
        self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter
    ) -> Listing[Archive]:
        """The stretches of the log that were archived."""
        return listing_of("/v1/audit/archives", Archive, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def get_archive(self, id: str) -> Request[Archive]:
        """One by id."""
        return read(path("/v1/audit/archives/{}", id), Archive)

    @endpoint
    def get_export(self, id: str) -> Request[AuditExport[M]]:
        """An export begun earlier."""
        return read(path("/v1/audit/exports/{}", id), self._handle)

    def _handle(self, raw: dict[str, object]) -> AuditExport[M]:
        return cast("AuditExport[M]", AuditExport(raw))._bind(self._executor)  # noqa: SLF001


def _check_digest(file: Path, expected: str | None) -> None:
    if expected is None:
        return
    actual = _digest(file)
    if actual != _plain(expected):
        raise DownloadError(f"the bundle's SHA-256 is {actual}, the export states {expected}")


def _digest(file: Path) -> str:
    with file.open("rb") as bundle:
        return hashlib.file_digest(bundle, "sha256").hexdigest()


def _plain(digest: str) -> str:
    return digest.lower().removeprefix("sha256:")
