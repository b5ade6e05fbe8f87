"""`client.roles`, `client.field_policies`, `client.grants`: what the tenant itself says of permissions."""

from __future__ import annotations

from typing import Unpack

from woaas._endpoint import endpoint, listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, delete, path, post, read, write
from woaas._wire import Filter
from woaas.types.access import FieldPolicy, Grant, NewFieldPolicy, NewGrant, Role, RoleFields
from woaas.types.work_orders import Command


class Roles(Bound[M]):
    """The nine built-in roles and the tenant's own."""

    @endpoint
    def get(self, code: str) -> Request[Role]:
        """One by code."""
        return read(path("/v1/roles/{}", code), Role)

    @listing
    def list(self) -> Listing[Role]:
        """All of them."""
        return listing_of("/v1/roles", Role, {})

    @endpoint
    def put(self, code: str, **role: Unpack[RoleFields]) -> Request[Role]:
        """Create or replace a role of the tenant's own."""
        return write("PUT", path("/v1/roles/{}", code), Role, role)

    @endpoint
    def archive(self, code: str, **command: Unpack[Command]) -> Request[Role]:
        """Retire it: it gives nothing any more."""
        return post(path("/v1/roles/{}/archive", code), Role, command)


class FieldPolicies(Bound[M]):
    """How far roles get with single fields."""

    @endpoint
    def create(self, **policy: Unpack[NewFieldPolicy]) -> Request[FieldPolicy]:
        """Set how far a role gets with a field; the same role, field and data class again replaces it."""
        return post("/v1/field-policies", FieldPolicy, policy)

    @endpoint
    def get(self, id: str) -> Request[FieldPolicy]:
        """One by id."""
        return read(path("/v1/field-policies/{}", id), FieldPolicy)

    @listing
    def list(
        self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter
    ) -> Listing[FieldPolicy]:
        """Policies by filter."""
        return listing_of("/v1/field-policies", FieldPolicy, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def delete(self, id: str) -> Request[None]:
        """Take it away: the role has again what it had before."""
        return delete(path("/v1/field-policies/{}", id))


class Grants(Bound[M]):
    """Fields opened for a purpose and a time."""

    @endpoint
    def create(self, **grant: Unpack[NewGrant]) -> Request[Grant]:
        """Open fields for reading to a role, a member, a key or a contract's partner."""
        return post("/v1/grants", Grant, grant)

    @endpoint
    def get(self, id: str) -> Request[Grant]:
        """One by id."""
        return read(path("/v1/grants/{}", id), Grant)

    @listing
    def list(self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter) -> Listing[Grant]:
        """Grants by filter, those that are over too."""
        return listing_of("/v1/grants", Grant, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def revoke(self, id: str, **command: Unpack[Command]) -> Request[Grant]:
        """End it before its time."""
        return post(path("/v1/grants/{}/revoke", id), Grant, command)
