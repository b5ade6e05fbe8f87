"""`client.oauth_clients`: applications that sign people in, or act by themselves."""

from __future__ import annotations

from typing import Unpack

from woaas._endpoint import endpoint, listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, path, post, read, write
from woaas._wire import Filter
from woaas.types.oauth import NewOAuthClient, NewSecret, OAuthClient, OAuthClientChange
from woaas.types.work_orders import Command


class OAuthClients(Bound[M]):
    """Applications of the tenant."""

    @endpoint
    def create(self, **client: Unpack[NewOAuthClient]) -> Request[OAuthClient]:
        """Register an application; its `id` is the client_id, its secret is in this answer and never again."""
        return post("/v1/oauth-clients", OAuthClient, client)

    @endpoint
    def get(self, id: str) -> Request[OAuthClient]:
        """One application."""
        return read(path("/v1/oauth-clients/{}", id), OAuthClient)

    @listing
    def list(
        self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter
    ) -> Listing[OAuthClient]:
        """Applications, without their secrets."""
        return listing_of("/v1/oauth-clients", OAuthClient, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def update(self, id: str, **change: Unpack[OAuthClientChange]) -> Request[OAuthClient]:
        """Change the name, redirect URIs or scopes."""
        return write("PATCH", path("/v1/oauth-clients/{}", id), OAuthClient, change)

    @endpoint
    def rotate_secret(self, id: str, **rotation: Unpack[NewSecret]) -> Request[OAuthClient]:
        """A new secret; the one in use goes on for a day, or for `keep_previous_for`."""
        return post(path("/v1/oauth-clients/{}/rotate-secret", id), OAuthClient, rotation)

    @endpoint
    def archive(self, id: str, **command: Unpack[Command]) -> Request[OAuthClient]:
        """Retire an application: its secrets and tokens are refused at once."""
        return post(path("/v1/oauth-clients/{}/archive", id), OAuthClient, command)
