"""Who is calling: every service's second argument."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from woaas_core.db.statements import Row
from woaas_core.errors import TenantClosing
from woaas_core.events.envelope import Actor
from woaas_core.ids import encode_id
from woaas_security.authz.access import Access, no_access
from woaas_security.authz.lines import OWNER_ROLE, GrantLine
from woaas_security.authz.policy import TenantPolicy
from woaas_security.authz.resource import Resource
from woaas_security.oauth.scopes import limited
from woaas_security.scope import values_of

if TYPE_CHECKING:
    from woaas_security.audit.observing import Reads

OPEN_TO_THE_END: Mapping[str, frozenset[str]] = {
    "tenant_deletion": frozenset({"create", "cancel"}),
    **dict.fromkeys(("data_export", "export", "audit_export"), frozenset({"create", "stop"})),
    "legal_hold": frozenset({"create", "release"}),
    **dict.fromkeys(("api_key", "grant", "audit_source"), frozenset({"revoke"})),
    "member": frozenset({"suspend", "remove"}),
    "oauth_client": frozenset({"archive"}),
    "webhook_endpoint": frozenset({"pause", "archive"}),
    "sso_connection": frozenset({"delete"}),
}
"""What is still done in a tenant that is to be deleted: taking that back or everything with one, and access away."""
ID_PREFIXES = {"api_key": "key", "user": "usr", "oauth_client": "oac"}


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller in one tenant, with the policy in force in this very transaction.

    ``customer`` binds a guest of role customer to the orders of one customer code; ``releases_limited`` tells
    that the tenant's allowance counts releases, so that others need not touch its row. ``grants`` are in force for him
    at this moment; each is noted as used with ``observe`` when it opens something. ``scope`` limits him to a part of
    the tenant, ``scopes`` to what the application ``client_id`` was given; None is no such limit. ``session_id`` is the
    console session he came with. ``reads`` takes down what he is shown of restricted fields, where the tenant has
    restricted any.
    """

    tenant_id: UUID
    kind: str
    id: UUID
    name: str
    roles: frozenset[str]
    livemode: bool
    organisation_id: UUID
    customer: str | None
    releases_limited: bool
    policy: TenantPolicy
    grants: tuple[GrantLine, ...] = ()
    observe: Callable[[GrantLine], None] | None = None
    scope: Mapping[str, Any] = field(default_factory=dict)
    scopes: frozenset[str] | None = None
    client_id: UUID | None = None
    reads: "Reads | None" = None
    session_id: UUID | None = None

    @property
    def actor(self) -> Actor:
        """How audit entries name the caller."""
        if self.kind == "system":
            return Actor(self.kind, self.name)
        # Keys and machines are their own clients; people act through the console, or an application of theirs.
        through = encode_id("oac", self.client_id) if self.client_id else "console" if self.kind == "user" else "api"
        return Actor(self.kind, encode_id(ID_PREFIXES[self.kind], self.id), through)

    @property
    def is_owner(self) -> bool:
        """Whether the caller may do anything in the tenant, and not only by an application of limited scopes."""
        return OWNER_ROLE in self.roles and self.scopes is None

    @property
    def lasting(self) -> "Principal":
        """The caller without what is open to him for a while only: what he hands on to others is measured by this."""
        return replace(self, grants=())

    @property
    def is_guest(self) -> bool:
        """Whether the caller is an outsider in the tenant: a partner or customer, by whatever role of theirs."""
        return self.policy.are_guests(self.roles)

    def access(self, resource: Resource) -> Access:
        """What the caller may see, write and do on a kind of object."""
        if self.scope and not (resource.bounds or resource.is_reference):
            return no_access(resource)
        found = self._access(resource)
        found = found if self.scopes is None else limited(found, self.scopes)
        return found.reading(OPEN_TO_THE_END.get(resource.name, frozenset())) if self._is_in_closing else found

    @property
    def _is_in_closing(self) -> bool:
        """Whether he is in a tenant that is to be deleted; processes of ours go on until then."""
        return bool(self.policy.own.closing) and self.kind != "system"

    def _access(self, resource: Resource) -> Access:
        if not self.grants:
            return self.policy.access(self.roles, resource)
        for grant in self.grants:
            if grant.resource == resource.name and self.observe is not None:
                self.observe(grant)
        return self.policy.access(self.roles, resource, self.grants)

    def guest_roles(self, resource: Resource) -> frozenset[str]:
        """The roles whose rows alone the caller sees; empty where he sees every row of the tenant."""
        if not resource.scopes:
            return frozenset()
        return self.policy.guest_roles(self.roles, resource, self.grants)

    @property
    def row_values(self) -> dict[str, Any]:
        """What the predicates of row scopes compare with."""
        found: dict[str, Any] = {"principal_customer": self.customer, "scope_participant": None}
        return found | values_of(self.scope) if self.scope else found

    def project(self, access: Access, row: Row, only: frozenset[str] | None = None) -> dict[str, Any]:
        """The object as the caller may see it; that he saw restricted fields of it is noted."""
        shown = access.of(row).project(row, only)
        if self.reads is not None:
            self.reads.note(access.resource, row, shown)
        return shown

    def show(self, access: Access, row: Row, only: frozenset[str] | None = None) -> dict[str, Any]:
        """The same with the mode its tenant is in."""
        shown = self.project(access, row, only)
        if only is None or "livemode" in only:
            shown["livemode"] = self.livemode
        return shown

    def require(self, resource: Resource, action: str) -> Access:
        """The caller's access, once ``action`` is allowed.

        Raises:
            Forbidden: the roles do not allow it.
            TenantClosing: the tenant is to be deleted.
        """
        access = self.access(resource)
        if action not in access.actions and self._is_in_closing and action in self._access(resource).actions:
            raise TenantClosing
        access.require(action)
        return access
