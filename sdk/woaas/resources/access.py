"""`client.members`, `client.api_keys`: who may do what."""

from __future__ import annotations

from typing import Unpack

from woaas._endpoint import endpoint, listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, delete, path, post, read, write
from woaas._wire import Filter
from woaas.types.access import APIKey, KeyRotation, Member, MemberFields, NewAPIKey, NewMember, Sessions
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
    def update(self, id: str, **changes: Unpack[MemberFields]) -> Request[Member]:
        """Give other roles, another scope, another name."""
        return write("PATCH", path("/v1/members/{}", id), Member, changes)

    @endpoint
    def invite_again(self, id: str) -> Request[Member]:
        """Send an invited person the link once more."""
        return post(path("/v1/members/{}/invite", id), Member, {})

    @endpoint
    def suspend(self, id: str) -> Request[Member]:
        """Shut somebody out for now, at once."""
        return post(path("/v1/members/{}/suspend", id), Member, {})

    @endpoint
    def reinstate(self, id: str) -> Request[Member]:
        """Let a suspended member in again."""
        return post(path("/v1/members/{}/reinstate", id), Member, {})

    @endpoint
    def remove(self, id: str) -> Request[None]:
        """End a membership, with its sessions and keys."""
        return delete(path("/v1/members/{}", id))

    @endpoint
    def sessions(self) -> Request[Sessions]:
        """Your own console sessions; a key has none."""
        return read("/v1/me/sessions", Sessions)

    @endpoint
    def end_session(self, id: str) -> Request[None]:
        """End one of your console sessions."""
        return post(path("/v1/me/sessions/{}/end", id), _nothing, {})


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
    def get(self, id: str) -> Request[APIKey]:
        """One key, without its secret."""
        return read(path("/v1/api-keys/{}", id), APIKey)

    @endpoint
    def rotate(self, id: str, **rotation: Unpack[KeyRotation]) -> Request[APIKey]:
        """A successor with the same rights; the old key stays good for `overlap`, a day unless said."""
        return post(path("/v1/api-keys/{}/rotate", id), APIKey, rotation)

    @endpoint
    def revoke(self, id: str, **command: Unpack[Command]) -> Request[APIKey]:
        """End a key at once."""
        return post(path("/v1/api-keys/{}/revoke", id), APIKey, command)


def _nothing(_body: dict[str, object]) -> None:
    """What a 204 answers."""
