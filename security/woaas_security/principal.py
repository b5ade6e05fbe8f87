"""Who is calling: every service's second argument."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from woaas_core.db.statements import Row
from woaas_core.events.envelope import Actor
from woaas_core.ids import encode_id
from woaas_security.authz.access import Access
from woaas_security.authz.policy import TenantPolicy
from woaas_security.authz.resource import Resource

_PREFIX = {"api_key": "key", "user": "usr"}


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller in one tenant, with the policy in force in this very transaction.

    ``customer`` binds a guest of role customer to the orders of one customer code; ``releases_limited`` tells
    that the tenant's allowance counts releases, so that others need not touch its row.
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

    @property
    def actor(self) -> Actor:
        """How audit entries name the caller."""
        return Actor(self.kind, self.name if self.kind == "system" else encode_id(_PREFIX[self.kind], self.id))

    def access(self, resource: Resource) -> Access:
        """What the caller may see, write and do on a kind of object."""
        return self.policy.access(self.roles, resource)

    def guest_roles(self, resource: Resource) -> frozenset[str]:
        """The roles whose rows alone the caller sees; empty where he sees every row of the tenant.

        A role that shows him nothing of the resource does not open its rows either.
        """
        if not resource.scopes:
            return frozenset()
        giving = frozenset(r for r in self.roles if self.policy.access(frozenset({r}), resource).sees_anything)
        return giving if giving <= resource.scopes.keys() else frozenset()

    def show(self, access: Access, row: Row, only: frozenset[str] | None = None) -> dict[str, Any]:
        """The object as the caller may see it, with the mode its tenant is in."""
        shown = access.project(row, only)
        if only is None or "livemode" in only:
            shown["livemode"] = self.livemode
        return shown

    def require(self, resource: Resource, action: str) -> Access:
        """The caller's access, once ``action`` is allowed.

        Raises:
            Forbidden: the roles do not allow it.
        """
        access = self.access(resource)
        access.require(action)
        return access
