"""`client.members`, `client.api_keys`: who may do what."""

from __future__ import annotations

from typing import Unpack

from woaas._endpoint import endpoint, listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, delete, path, post, read, write
from woaas._wire import Filter
from woaas.types.access import APIKey, Member, NewAPIKey, NewMember
from woaas.types.work_orders import Command


class Members(Bound[M]):
    """People of the tenant."""

    @endpoint
    def create(self, **member: Unpack[NewMember]) -> Request[Member]:
        """Invite somebody."""
        return post("/v1/members", Member, member)

    @endpoint
    def get(self, id: str) -> Request[Member]:
        """One member."""
        return read(path("/v1/members/{}", id), Member)

    @listing
    def list(self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter) -> Listing[Member]:
        """Members by filter."""
        return listing_of("/v1/members", Member, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def update(self, id: str, *, role: str) -> Request[Member]:
        """Give another role."""
        return write("PATCH", path("/v1/members/{}", id), Member, {"role": role})

    @endpoint
    def remove(self, id: str) -> Request[None]:
        """Take all rights away."""
        return delete(path("/v1/members/{}", id))


class APIKeys(Bound[M]):
    """Keys of the tenant."""

    @endpoint
    def create(self, **key: Unpack[NewAPIKey]) -> Request[APIKey]:
        """A new key; its secret is in this answer and never again."""
        return post("/v1/api-keys", APIKey, key)

    @listing
    def list(self, *, limit: int | None = None, cursor: str | None = None) -> Listing[APIKey]:
        """Keys, without their secrets."""
        return listing_of("/v1/api-keys", APIKey, {"limit": limit, "cursor": cursor})

    @endpoint
    def revoke(self, id: str, **command: Unpack[Command]) -> Request[APIKey]:
        """End a key at once."""
        return post(path("/v1/api-keys/{}/revoke", id), APIKey, command)
