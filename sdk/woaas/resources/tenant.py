"""`client.tenant_exports` and `client.tenant_deletion`: everything of the tenant in one file, and its end."""

from __future__ import annotations

from typing import cast

from woaas._endpoint import endpoint, listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, path, post, read
from woaas._wire import Filter
from woaas.resources.audit import AuditExport
from woaas.types.access import TenantDeletion


class TenantExport(AuditExport[M]):
    """A file being written. `wait()` for it, then `download(path)` it."""

    collection = "/v1/tenant/exports"

    rows: int | None


class TenantExports(Bound[M]):
    """Files with everything of the tenant, for its owners."""

    @endpoint
    def create(self, *, password: str, otp: str | None = None, signer: str | None = None) -> Request[TenantExport[M]]:
        """Begin a file with an owner's password; `signer` is his e-mail address where the caller is a key."""
        given = {"password": password, "otp": otp, "signer": signer}
        return post("/v1/tenant/exports", self._handle, {n: v for n, v in given.items() if v is not None})

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


class TenantDeletions(Bound[M]):
    """The end of the tenant, for its owners."""

    @endpoint
    def request(self, *, password: str, otp: str | None = None, signer: str | None = None) -> Request[TenantDeletion]:
        """Ask for it with an owner's password; `signer` is his e-mail address where the caller is a key.

        Raises:
            ConflictError: a legal hold or something unfinished on the market forbids it, or it was asked for before.
        """
        given = {"password": password, "otp": otp, "signer": signer}
        return post("/v1/tenant/deletion", TenantDeletion, {n: v for n, v in given.items() if v is not None})

    @endpoint
    def get(self) -> Request[TenantDeletion]:
        """When the tenant is to be deleted."""
        return read("/v1/tenant/deletion", TenantDeletion)

    @endpoint
    def cancel(self) -> Request[TenantDeletion]:
        """Take it back."""
        return post("/v1/tenant/deletion/cancel", TenantDeletion)
