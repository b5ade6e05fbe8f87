"""Showing once more who one is: what a signature takes beside being signed in (21 CFR 11.200)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import UNSET, UnsetType

from woaas_core.errors import Unauthenticated
from woaas_core.wire import invalid
from woaas_security.authz.access import Access
from woaas_security.authz.resource import Resource
from woaas_security.identity import repository
from woaas_security.identity.passwords import verify_password
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Signer:
    """A member who has just shown to be himself, and by what."""

    id: UUID
    name: str
    roles: frozenset[str]
    method: str

    def access(self, principal: Principal, resource: Resource) -> Access:
        """What he may do, under the policy of the caller's tenant."""
        return principal.policy.access(self.roles, resource)


async def prove(
    uow: "UnitOfWork",
    principal: Principal,
    *,
    email: str | UnsetType,
    password: str | UnsetType,
    otp: str | UnsetType,
) -> Signer:
    """The caller himself, or the member named where the caller is a key, after he gave his password again.

    Raises:
        Unauthenticated: no such member, or not his password: alike, with the same work done.
    """
    if isinstance(email, UnsetType) and principal.kind != "user":
        raise invalid("/signer", "required", "A key is nobody: name the member who signs by his e-mail address.")
    if isinstance(password, UnsetType):
        raise invalid("/password", "required", "Sign with your password.")
    named = None if isinstance(email, UnsetType) else email.strip().lower()
    row = await repository.member(uow, user_id=principal.id if named is None else None, email=named)
    is_right = await verify_password(password, row["password_hash"] if row else None)
    if row is None or not is_right or otp is not UNSET:
        msg = "The signer or the password is not right."
        raise Unauthenticated(msg)
    return Signer(row["id"], row["name"], frozenset(row["roles"]), "password")
