"""Showing once more who one is: what a signature takes beside being signed in (21 CFR 11.200, 11.300).

Attempts count as attempts to sign in do, on the same counters: whoever guesses here is slowed down there too. A refused
one is remembered although the refusal takes the rest of the transaction back.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from msgspec import UNSET, UnsetType

from woaas_core.errors import RateLimited, Unauthenticated
from woaas_core.ids import encode_id
from woaas_core.wire import invalid
from woaas_security.authz.access import Access
from woaas_security.authz.resource import Resource
from woaas_security.identity import events, one_time, repository, second_factor, throttle
from woaas_security.identity.keyring import Keyring
from woaas_security.identity.passwords import verify_password
from woaas_security.identity.service import Origin
from woaas_security.identity.sign_in import counters_of
from woaas_security.principal import Principal
from woaas_security.tenants import repository as tenants

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_WRONG = (
    "The signer, the password or the code is not right. Who has a second factor signs with a code of it (`otp`), "
    "and with each code once."
)


_STALE = "This proof was used, is too old, or is another's; or what is to be signed was changed since. Show it anew."
BY_PROVIDER = "single_sign_on"


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


class Claim(NamedTuple):
    """What somebody gives to show who he is; ``email`` is left out by a person who is signed in."""

    email: str | UnsetType
    password: str | UnsetType
    otp: str | UnsetType
    # What his identity provider's saying so once more was exchanged for.
    proof: str | UnsetType = UNSET


def binding(keyring: Keyring, session: str, about: str) -> str:
    """What a proof holds for: a session, and what is to be done."""
    return f"{keyring.digest('session', session).hex()}:{about}:"


class Prover(NamedTuple):
    """Checks claims that come from one place, and from one console session if there is one."""

    keyring: Keyring
    origin: Origin
    session: str = ""

    async def prove(self, uow: "UnitOfWork", principal: Principal, claim: Claim, about: str = "") -> Signer:
        """The caller himself, or the member named where the caller is a key, after he gave all that signing in takes.

        A proof holds for what it is ``about`` and the caller himself only.

        Raises:
            Unauthenticated: no such member, not his password, or not his code: alike.
            RateLimited: too soon after failures; a request has one.
        """
        if not isinstance(claim.proof, UnsetType):
            return await self._by_proof(uow, principal, claim.proof, about)
        if isinstance(claim.email, UnsetType) and principal.kind != "user":
            raise invalid("/signer", "required", "A key is nobody: name the member who signs by his e-mail address.")
        if isinstance(claim.password, UnsetType):
            raise invalid("/password", "required", "Sign with your password.")
        if uow.kept:
            raise RateLimited(retry_after_s=1)
        named = None if isinstance(claim.email, UnsetType) else claim.email.strip().lower()
        row = await repository.member(uow, user_id=principal.id if named is None else None, email=named)
        counted = counters_of(self.keyring, str(row["email"]) if row else named or "", self.origin)
        await throttle.check(uow, counted)
        is_right = await verify_password(claim.password, row["password_hash"] if row else None)
        # Once more: the failure of an attempt that was under way before this one may be known only now.
        await throttle.check(uow, counted)
        method = await self._second_step(uow, row, claim.otp) if row is not None and is_right else None
        if row is None or method is None:
            _remember(uow, principal, counted, row, "code" if is_right else "password")
            raise Unauthenticated(_WRONG)
        await throttle.succeeded(uow, counted)
        return Signer(row["id"], row["name"], frozenset(row["roles"]), method)

    async def _by_proof(self, uow: "UnitOfWork", principal: Principal, proof: str, about: str) -> Signer:
        row = await repository.member(uow, user_id=principal.id, email=None) if principal.kind == "user" else None
        counted = counters_of(self.keyring, str(row["email"]) if row else "", self.origin)
        await throttle.check(uow, counted)
        bound_to = binding(self.keyring, self.session, about)
        is_good = bool(self.session and about) and row is not None
        if not is_good or not await one_time.redeem(
            uow, self.keyring, principal.id, proof, one_time.Purpose.PROOF, bound_to
        ):
            _remember(uow, principal, counted, row, "proof")
            raise Unauthenticated(_STALE)
        assert row is not None
        return Signer(row["id"], row["name"], frozenset(row["roles"]), BY_PROVIDER)

    async def _second_step(self, uow: "UnitOfWork", row: "Record", otp: str | UnsetType) -> str | None:
        """By what he has proved it, once the password is right; a code that nothing asks for proves nothing."""
        is_asked = (await second_factor.status(uow, row["id"])).is_on
        if isinstance(otp, UnsetType):
            return None if is_asked else "password"
        return await second_factor.check(uow, self.keyring, row["id"], otp) if is_asked else None


def _remember(
    uow: "UnitOfWork", principal: Principal, counted: throttle.Counters, row: "Record | None", reason: str
) -> None:
    subject = None if row is None else encode_id("usr", row["id"])

    async def count(after: "UnitOfWork") -> None:
        await tenants.enter(after, principal.tenant_id)
        after.actor = principal.actor
        await throttle.failed(after, counted)
        if subject is not None:
            after.record(events.SIGN_IN_REFUSED, subject=subject, data={"reason": reason, "at": "signature"})

    uow.keep(count)
