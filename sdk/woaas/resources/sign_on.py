"""`client.sso_connections`: identity providers that people sign in by."""

from __future__ import annotations

from typing import Unpack

from woaas._endpoint import endpoint, listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, delete, path, post, read, write
from woaas._wire import Filter
from woaas.types.sign_on import NewSSOConnection, SSOConnection, SSOConnectionChange


class SSOConnections(Bound[M]):
    """Identity providers of the tenant."""

    @endpoint
    def create(self, **connection: Unpack[NewSSOConnection]) -> Request[SSOConnection]:
        """Connect an identity provider; its domains count once their TXT records are set."""
        return post("/v1/sso-connections", SSOConnection, connection)

    @endpoint
    def get(self, id: str) -> Request[SSOConnection]:
        """One connection."""
        return read(path("/v1/sso-connections/{}", id), SSOConnection)

    @listing
    def list(
        self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter
    ) -> Listing[SSOConnection]:
        """Connections, without their secrets."""
        return listing_of("/v1/sso-connections", SSOConnection, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def update(self, id: str, **change: Unpack[SSOConnectionChange]) -> Request[SSOConnection]:
        """Change a connection, switch it on or off, enforce it."""
        return write("PATCH", path("/v1/sso-connections/{}", id), SSOConnection, change)

    @endpoint
    def delete(self, id: str) -> Request[None]:
        """Remove a connection: nobody signs in by it any more."""
        return delete(path("/v1/sso-connections/{}", id))
