"""The principal of our own processes where a reader's handler calls a service: it has only the unit of work."""

from functools import cache
from typing import TYPE_CHECKING

from woaas_security.authz.lines import SYSTEM_ROLE, BuiltIn
from woaas_security.authz.policy import TenantPolicy
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork


def system_principal(uow: "UnitOfWork") -> Principal:
    """Act as the process that has entered the tenant; the built-in role ``system`` may do anything.

    It neither belongs to an organisation nor takes from the allowance of releases: readers release nothing.
    """
    return Principal(
        tenant_id=uow.tenant,
        kind="system",
        id=uow.tenant,
        name=uow.actor.id,
        roles=frozenset({SYSTEM_ROLE}),
        livemode=uow.livemode,
        organisation_id=uow.tenant,
        customer=None,
        releases_limited=False,
        policy=_policy(),
    )


@cache
def _policy() -> TenantPolicy:
    return TenantPolicy(BuiltIn.read(), version=0)
