"""Use cases of identity: authenticate, sign in and out, make and revoke keys and users."""

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from woaas_core.errors import FieldError, Invalid, NotFound, Unauthenticated
from woaas_core.events.envelope import Actor, event_type
from woaas_core.ids import encode_id, uuid7
from woaas_security.audit.observing import Reads
from woaas_security.authz.lines import SYSTEM_ROLE
from woaas_security.authz.policy import PolicyCache, TenantPolicy
from woaas_security.identity import api_keys, repository
from woaas_security.identity.passwords import hash_password, verify_password
from woaas_security.identity.resources import API_KEY
from woaas_security.permissions import grants
from woaas_security.permissions import repository as permissions
from woaas_security.permissions.service import BUILT_IN_ROLES, require_role
from woaas_security.principal import Principal
from woaas_security.tenants import repository as tenants

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

SESSION_LIFE = timedelta(hours=12)

API_KEY_CREATED = event_type("api_key.created", "An API key was made.")
API_KEY_REVOKED = event_type("api_key.revoked", "An API key was revoked.")
MEMBER_ADDED = event_type("member.added", "A person was given access.")
SESSION_STARTED = event_type("session.started", "A person signed in to the console.")
SESSION_ENDED = event_type("session.ended", "A person signed out of the console.")


class SignedIn(NamedTuple):
    """A started session; the token is shown to the browser once."""

    token: str
    principal: Principal


class Authenticator:
    """Turns credentials into a principal with the policy in force, inside the request's own transaction."""

    def __init__(self, *, pepper: bytes, policies: PolicyCache) -> None:
        self._pepper = pepper
        self._policies = policies

    async def by_key(self, uow: "UnitOfWork", text: str) -> Principal:
        """The principal of an API key.

        Raises:
            Unauthenticated: malformed, unknown, expired or revoked, all alike.
        """
        parsed = api_keys.parse(text, pepper=self._pepper)
        if parsed is None:
            raise Unauthenticated
        row = await repository.by_key(uow, parsed.key_id, parsed.secret_hash)
        if row is None or row["livemode"] != parsed.livemode:
            raise Unauthenticated
        return await self._enter(uow, row, "api_key")

    async def by_session(self, uow: "UnitOfWork", token: str) -> tuple[Principal, UUID]:
        """The principal of a console session and the session's id.

        Raises:
            Unauthenticated: unknown or ended.
        """
        row = await repository.by_session(uow, self._session_hash(token))
        if row is None:
            raise Unauthenticated
        return await self._enter(uow, row, "user"), row["session_id"]

    async def as_system(self, uow: "UnitOfWork", tenant_id: UUID, name: str) -> Principal:
        """A process of ours acting in one tenant (readers, the farm): may do anything, named in the audit."""
        row = await tenants.enter(uow, tenant_id)
        if row is None:
            raise NotFound
        uow.actor = Actor("system", name)
        policy = await self._policy(uow, tenant_id, row["policy_version"])
        return Principal(
            tenant_id=tenant_id,
            kind="system",
            id=tenant_id,
            name=name,
            roles=frozenset({SYSTEM_ROLE}),
            livemode=row["livemode"],
            organisation_id=row["organisation_id"],
            customer=None,
            releases_limited=row["releases_limited"],
            policy=policy,
        )

    async def sign_in(self, uow: "UnitOfWork", email: str, password: str) -> SignedIn:
        """Start a console session.

        Raises:
            Unauthenticated: no such user or wrong password, with the same work done.
        """
        found = await repository.by_email(uow, email.strip().lower())
        candidates: list[Record | None] = [*found] or [None]
        for row in candidates:
            if await verify_password(password, row["password_hash"] if row else None) and row:
                await tenants.enter(uow, row["tenant_id"])
                token = secrets.token_urlsafe(32)
                now = uow.clock.now()
                session_id = uuid7()
                await uow.execute(
                    repository.INSERT_SESSION,
                    tenant_id=row["tenant_id"],
                    id=session_id,
                    user_id=row["id"],
                    token_hash=self._session_hash(token),
                    created_at=now,
                    expires_at=now + SESSION_LIFE,
                )
                principal, _ = await self.by_session(uow, token)
                uow.record(SESSION_STARTED, subject=encode_id("usr", row["id"]))
                return SignedIn(token, principal)
        msg = "The e-mail address or the password is not right."
        raise Unauthenticated(msg)

    async def create_key(
        self,
        uow: "UnitOfWork",
        *,
        name: str,
        roles: list[str],
        customer: str | None = None,
        scope: Mapping[str, Any] | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[dict[str, object], str]:
        """Make a key in the entered tenant; returns its row and the secret text, which is never shown again."""
        await check_roles(uow, roles, customer)
        text = api_keys.mint(livemode=uow.livemode)
        parsed = api_keys.parse(text, pepper=self._pepper)
        assert parsed is not None
        row: dict[str, object] = {
            "tenant_id": uow.tenant,
            "id": uuid7(),
            "name": name,
            "key_id": parsed.key_id,
            "secret_hash": parsed.secret_hash,
            "roles": roles,
            "customer": customer,
            "scope": dict(scope or {}),
            "created_at": uow.clock.now(),
            "expires_at": expires_at,
            "revoked_at": None,
        }
        await uow.execute(repository.INSERT_KEY, **row)
        uow.record(
            API_KEY_CREATED,
            subject=encode_id("key", row["id"]),  # type: ignore[arg-type]  # a fresh UUID
            data={"name": name, "roles": roles},
        )
        return row, text

    async def present(self, uow: "UnitOfWork", kind: str, subject_id: UUID) -> Principal | None:
        """A caller of the entered tenant with the rights he has now, for work done after his request.

        None once his key or account has ended. The transaction's actor stays who does the work.
        """
        row = await repository.present(uow, kind, subject_id)
        return None if row is None else await self._principal(uow, row, kind)

    async def _enter(self, uow: "UnitOfWork", row: "Record", kind: str) -> Principal:
        uow.tenant_id = row["tenant_id"]
        uow.livemode = row["livemode"]
        principal = await self._principal(uow, row, kind)
        uow.actor = principal.actor
        return principal

    async def _principal(self, uow: "UnitOfWork", row: "Record", kind: str) -> Principal:
        policy, roles = await self._policy(uow, row["tenant_id"], row["policy_version"]), frozenset(row["roles"])
        caller = encode_id("key" if kind == "api_key" else "usr", row["subject_id"])
        given = grants.in_force(policy.own, roles, caller, uow.clock.now()) if policy.own.grants else ()
        return Principal(
            tenant_id=row["tenant_id"],
            kind=kind,
            id=row["subject_id"],
            name=row["subject_name"],
            roles=roles,
            livemode=row["livemode"],
            organisation_id=row["organisation_id"],
            customer=row["customer"],
            releases_limited=row["releases_limited"],
            policy=policy,
            grants=given,
            observe=grants.observer(uow) if given else None,
            scope=row["scope"],
            reads=Reads(uow, policy) if policy.own.lines else None,
        )

    async def _policy(self, uow: "UnitOfWork", tenant_id: UUID, version: int) -> TenantPolicy:
        found = self._policies.find(tenant_id, version)
        return found or self._policies.put(tenant_id, version, await permissions.own_policy(uow))

    def _session_hash(self, token: str) -> bytes:
        return hmac.digest(self._pepper, b"session:" + token.encode(), "sha256")


async def check_roles(uow: "UnitOfWork", roles: list[str], customer: str | None = None) -> None:
    """Refuse roles that do not exist, and the customer's without the customer whose orders he may see."""
    if not roles:
        raise Invalid(errors=(FieldError("/roles", "invalid", f"Choose from {', '.join(BUILT_IN_ROLES)}."),))
    held: set[str] = set()
    for role in roles:
        held |= await require_role(uow, role, "/roles")
    if "customer" in held and not customer:
        detail = "Name the customer whose orders this role may see."
        raise Invalid(errors=(FieldError("/customer", "required", detail),))


async def get_key(uow: "UnitOfWork", principal: Principal, key_id: UUID) -> "Record":
    """An API key, revoked ones too; never its secret."""
    principal.require(API_KEY, "read")
    row = await repository.key(uow, key_id)
    if row is None:
        raise NotFound
    return row


async def revoke_key(uow: "UnitOfWork", principal: Principal, key_id: UUID) -> "Record":
    """End an API key; it is refused from the next request on, in every process."""
    principal.require(API_KEY, "revoke")
    row = await repository.revoke_key(uow, key_id, uow.clock.now())
    if row is None:
        raise NotFound
    uow.record(API_KEY_REVOKED, subject=encode_id("key", key_id))
    return row


async def add_user(
    uow: "UnitOfWork",
    *,
    email: str,
    name: str,
    password: str,
    roles: list[str],
    customer: str | None = None,
    scope: Mapping[str, Any] | None = None,
) -> UUID:
    """Give a person access to the entered tenant."""
    await check_roles(uow, roles, customer)
    user_id = uuid7()
    await uow.execute(
        repository.INSERT_USER,
        tenant_id=uow.tenant,
        id=user_id,
        email=email.strip().lower(),
        name=name,
        password_hash=await hash_password(password),
        roles=roles,
        customer=customer,
        scope=dict(scope or {}),
        language="en",
        created_at=uow.clock.now(),
        disabled_at=None,
    )
    uow.record(MEMBER_ADDED, subject=encode_id("usr", user_id), data={"roles": roles})
    return user_id


async def sign_out(uow: "UnitOfWork", principal: Principal, session_id: UUID) -> None:
    """End a console session."""
    await repository.end_session(uow, session_id, uow.clock.now())
    uow.record(SESSION_ENDED, subject=encode_id("usr", principal.id))
