"""`client.tenant_exports`: everything of the tenant in one file."""

from __future__ import annotations

from typing import cast

from woaas._endpoint import endpoint, listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, path, post, read
from woaas._wire import Filter
from woaas.resources.audit import AuditExport


class TenantExport(AuditExport[M]):
    """A file being written. `wait()` for it, then `download(path)` it."""

    collection = "/v1/tenant/exports"

    rows: int | None


class TenantExports(Bound[M]):
    """Files with everything of the tenant, for its owners."""

    @endpoint
    def create(self, *, password: str, signer: str | None = None) -> Request[TenantExport[M]]:
        """Begin a file; `signer` is the e-mail address of the owner whose password it is, where the caller is a key."""
        body = {"password": password, **({} if signer is None else {"signer": signer})}
        return post("/v1/tenant/exports", self._handle, body)

    @endpoint
    def get(self, id: str) -> Request[TenantExport[M]]:
        """An export begun earlier."""
        return read(path("/v1/tenant/exports/{}", id), self._handle)

    @listing
    def list(
        self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter
    ) -> Listing[TenantExport[M]]:
        """Exports, newest first."""
        return listing_of("/v1/tenant/exports", self._handle, {"limit": limit, "cursor": cursor, **filters})

    def _handle(self, raw: dict[str, object]) -> TenantExport[M]:
        return cast("TenantExport[M]", TenantExport(raw))._bind(self._executor)  # noqa: SLF001
