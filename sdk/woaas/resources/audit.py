"""`client.audit`: read the log, fetch its proofs, take it home to verify offline."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, Unpack, cast

from woaas._endpoint import endpoint, listing, procedure
from woaas._errors import DownloadError
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, path, post, read, text
from woaas._runs import Run
from woaas._transport import Steps
from woaas._wire import Filter, Instant
from woaas.types.audit import AuditEntry, AuditKey, Checkpoint, ConsistencyProof, InclusionProof, NewAuditExport


class AuditExport(Run[M]):
    """A bundle being written. `wait()` for it, then `download(path)` it."""

    collection = "/v1/audit/exports"

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
        """Write the bundle to a file, whole or not at all.

        Raises:
            DownloadError: its SHA-256 is not the one the export states.
        """
        return self._save(Path(destination))

    def _save(self, destination: Path) -> Steps[Path]:
        where = path("/v1/audit/exports/{}/download", self.id)
        partial = NamedTemporaryFile(dir=destination.parent, prefix=f".{destination.name}.", delete=False)  # noqa: SIM115
        try:
            with partial as sink:
                yield from self._executor.exchange(
                    Request("GET", where, lambda response: None, headers={"Accept": "*/*"}, sink=cast("BinaryIO", sink))
                )
            _check_digest(Path(partial.name), self.sha256)
            Path(partial.name).replace(destination)
        finally:
            Path(partial.name).unlink(missing_ok=True)
        return destination


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

    @endpoint
    def inclusion_proof(self, index: int, *, tree_size: int | None = None) -> Request[InclusionProof]:
        """That entry `index` is in the tree of `tree_size` entries."""
        return read(path("/v1/audit/entries/{}/inclusion-proof", index), InclusionProof, {"tree_size": tree_size})

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
    def get_export(self, id: str) -> Request[AuditExport[M]]:
        """An export begun earlier."""
        return read(path("/v1/audit/exports/{}", id), self._handle)

    def _handle(self, raw: dict[str, object]) -> AuditExport[M]:
        return cast("AuditExport[M]", AuditExport(raw))._bind(self._executor)  # noqa: SLF001


def _check_digest(file: Path, expected: str | None) -> None:
    if expected is None:
        return
    with file.open("rb") as bundle:
        actual = hashlib.file_digest(bundle, "sha256").hexdigest()
    if actual != expected.lower().removeprefix("sha256:"):
        raise DownloadError(f"the bundle's SHA-256 is {actual}, the export states {expected}")
