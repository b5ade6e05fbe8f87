"""`client.audit_sources`, `client.external_entries`, `client.erasures`, `client.legal_holds`."""

from __future__ import annotations

from typing import Unpack

from woaas._endpoint import endpoint, listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, path, post, read
from woaas._wire import Filter
from woaas.types.records import (
    AuditSource,
    Erasure,
    ExternalEntry,
    LegalHold,
    NewAuditSource,
    NewErasure,
    NewExternalEntry,
)


class AuditSources(Bound[M]):
    """Keys of other systems that may append entries to the log."""

    @endpoint
    def create(self, **source: Unpack[NewAuditSource]) -> Request[AuditSource]:
        """Register a key; a code may have several."""
        return post("/v1/audit/sources", AuditSource, source)

    @listing
    def list(
        self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter
    ) -> Listing[AuditSource]:
        """Registered keys, revoked ones too."""
        return listing_of("/v1/audit/sources", AuditSource, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def revoke(self, id: str) -> Request[AuditSource]:
        """Take a key no more."""
        return post(path("/v1/audit/sources/{}/revoke", id), AuditSource, {})


class ExternalEntries(Bound[M]):
    """Entries of other systems in the log."""

    @endpoint
    def append(self, **entry: Unpack[NewExternalEntry]) -> Request[ExternalEntry]:
        """Append one; the same payload of a source is refused the second time."""
        return post("/v1/audit/external-entries", ExternalEntry, entry)

    @endpoint
    def get(self, id: str) -> Request[ExternalEntry]:
        """One by id."""
        return read(path("/v1/audit/external-entries/{}", id), ExternalEntry)

    @listing
    def list(
        self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter
    ) -> Listing[ExternalEntry]:
        """Entries by filter."""
        return listing_of("/v1/audit/external-entries", ExternalEntry, {"limit": limit, "cursor": cursor, **filters})


class Erasures(Bound[M]):
    """Destroyed values of persons."""

    @endpoint
    def create(self, **erasure: Unpack[NewErasure]) -> Request[Erasure]:
        """Destroy the values of an operator, a customer or a member; it cannot be undone."""
        return post("/v1/erasures", Erasure, erasure)

    @listing
    def list(self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter) -> Listing[Erasure]:
        """Erasures by filter."""
        return listing_of("/v1/erasures", Erasure, {"limit": limit, "cursor": cursor, **filters})


class LegalHolds(Bound[M]):
    """What must not be erased or removed."""

    @endpoint
    def create(self, **hold: Unpack[NewErasure]) -> Request[LegalHold]:
        """Place a hold on a person, or with `*` on everything."""
        return post("/v1/legal-holds", LegalHold, hold)

    @listing
    def list(self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter) -> Listing[LegalHold]:
        """Holds by filter, those that are over too."""
        return listing_of("/v1/legal-holds", LegalHold, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def release(self, id: str) -> Request[LegalHold]:
        """End a hold."""
        return post(path("/v1/legal-holds/{}/release", id), LegalHold, {})
