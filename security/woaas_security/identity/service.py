"""Use cases of identity: authenticate, start and end sessions, make and revoke keys and users."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from woaas_core.errors import Conflict, FieldError, Invalid, NotFound, Unauthenticated
from woaas_core.events.envelope import Actor
from woaas_core.ids import encode_id, uuid7
from woaas_core.wire import invalid
from woaas_security.audit.observing import Reads
from woaas_security.authz.lines import SYSTEM_ROLE
from woaas_security.authz.policy import PolicyCache, TenantPolicy
from woaas_security.identity import api_keys, events, repository
from woaas_security.identity.keyring import Keyring
from woaas_security.identity.networks import admit, checked
from woaas_security.identity.passwords import hash_password
from woaas_security.identity.resources import API_KEY
from woaas_security.oauth import repository as oauth
from woaas_security.oauth.tokens import Tokens
from woaas_security.permissions import grants
from woaas_security.permissions import repository as permissions
from woaas_security.permissions.service import BUILT_IN_ROLES, require_role
from woaas_security.principal import ID_PREFIXES, Principal
from woaas_security.tenants import repository as tenants

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

SESSION_LIFE = timedelta(hours=12)
_AGENT_LENGTH = 300
SSO = "sso"
"""The method of a session that an identity provider vouched for."""


class Origin(NamedTuple):
    """Where a sign-in comes from; ``device`` is the mark of a browser that has signed in before."""

    address: str = ""
    agent: str = ""
    device: str = ""


class SignedIn(NamedTuple):
    """A started session; the token is shown to the browser once, the device mark is for it to keep."""

    token: str
    principal: Principal
    device: str = ""


class Authenticator:
    """Turns credentials into a principal with the policy in force, inside the request's own transaction."""

    def __init__(self, *, pepper: bytes, policies: PolicyCache, tokens: Tokens | None = None) -> None:
        self.keyring = Keyring(pepper)
        self._pepper = pepper
        self._policies = policies
        self._tokens = tokens

    async def by_bearer(self, uow: "UnitOfWork", text: str, address: str = "") -> Principal:
        """The principal of whatever an `Authorization: Bearer` header holds: an API key or an access token.

        Raises:
            Unauthenticated: it is neither, or one that is not in force.
        """
        return await (self.by_token(uow, text) if "." in text else self.by_key(uow, text, address))

    async def by_token(self, uow: "UnitOfWork", text: str) -> Principal:
        """The principal of an access token: its user, or the application itself, limited to the token's scopes.

        Raises:
            Unauthenticated: not one of ours, expired or revoked, all alike.
        """
        known = None if self._tokens is None else self._tokens.identify(text)
        row = None if known is None else await oauth.by_token(uow, known.tenant_id, known.token_id)
        if row is None:
            raise Unauthenticated
        return await self._enter(uow, row, row["kind"])

    async def by_key(self, uow: "UnitOfWork", text: str, address: str = "") -> Principal:
        """The principal of an API key that is used from a network address.

        Raises:
            Unauthenticated: malformed, unknown, expired, revoked, or used from elsewhere than it may be, all alike.
        """
        parsed = api_keys.parse(text, pepper=self._pepper)
        if parsed is None:
            raise Unauthenticated
        row = await repository.by_key(uow, parsed.key_id, parsed.secret_hash)
        if row is None or row["livemode"] != parsed.livemode or not admit(row["networks"], address):
            raise Unauthenticated
        return await self._enter(uow, row, "api_key")

    async def by_session(self, uow: "UnitOfWork", token: str) -> tuple[Principal, UUID]:
        """The principal of a console session and the session's id.

        Raises:
            Unauthenticated: unknown or ended.
        """
        row = await repository.by_session(uow, self.keyring.digest("session", token))
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

    async def start_session(
        self, uow: "UnitOfWork", user_id: UUID, origin: Origin, *, method: str, device: str = ""
    ) -> SignedIn:
        """Start a console session of a user of the entered tenant who has proved who he is; ``method`` says how."""
        token, now = secrets.token_urlsafe(32), uow.clock.now()
        await uow.execute(
            repository.INSERT_SESSION,
            tenant_id=uow.tenant,
            id=uuid7(),
            user_id=user_id,
            token_hash=self.keyring.digest("session", token),
            method=method,
            address=origin.address,
            agent=origin.agent[:_AGENT_LENGTH],
            created_at=now,
            expires_at=now + SESSION_LIFE,
        )
        principal, _ = await self.by_session(uow, token)
        uow.record(events.SESSION_STARTED, subject=encode_id("usr", user_id), data={"method": method})
        return SignedIn(token, principal, device)

    async def create_key(
        self,
        uow: "UnitOfWork",
        *,
        name: str,
        roles: list[str],
        customer: str | None = None,
        scope: Mapping[str, Any] | None = None,
        networks: Sequence[str] = (),
        expires_at: datetime | None = None,
        created_by: UUID | None = None,
        replaces: UUID | None = None,
    ) -> tuple[dict[str, object], str]:
        """Make a key in the entered tenant; returns its row and the secret text, which is never shown again."""
        await check_roles(uow, roles, customer)
        if expires_at is not None and expires_at <= uow.clock.now():
            raise invalid("/expires_at", "invalid", "The key would have expired already.")
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
            "networks": checked(networks),
            "created_by": created_by,
            "replaces": replaces,
            "created_at": uow.clock.now(),
            "expires_at": expires_at,
            "revoked_at": None,
        }
        await uow.execute(repository.INSERT_KEY, **row)
        uow.record(
            events.API_KEY_CREATED,
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
        if policy.own.closing not in ("", "closing"):
            raise Unauthenticated
        caller = encode_id(ID_PREFIXES[kind], row["subject_id"])
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
            scopes=None if row.get("scopes") is None else frozenset(row["scopes"]),
            client_id=row.get("client_id"),
            session_id=row.get("session_id"),
            reads=Reads(uow, policy) if policy.own.lines else None,
        )

    async def _policy(self, uow: "UnitOfWork", tenant_id: UUID, version: int) -> TenantPolicy:
        found = self._policies.find(tenant_id, version)
        return found or self._policies.put(tenant_id, version, await permissions.own_policy(uow))


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


async def get_key(uow: "UnitOfWork", principal: Principal, key_id: UUID, *, lock: bool = False) -> "Record":
    """An API key, revoked ones too; never its secret."""
    principal.require(API_KEY, "read")
    row = await repository.key(uow, key_id, lock=lock)
    if row is None:
        raise NotFound
    return row


async def maker(uow: "UnitOfWork", principal: Principal) -> UUID | None:
    """The person behind a caller: himself, or who made the key he comes with."""
    if principal.kind == "user":
        return principal.id
    row = await repository.key(uow, principal.id)
    return row["created_by"] if row else None


async def rotate_key(
    uow: "UnitOfWork",
    authenticator: Authenticator,
    principal: Principal,
    known: "Record",
    *,
    overlap: timedelta,
    expires_at: datetime | None,
) -> tuple[dict[str, object], str]:
    """Make a key's successor with the same rights; the old one stays good for the overlap, so two are live.

    Raises:
        Conflict: the key is not live, or has a live successor.
    """
    now = uow.clock.now()
    is_live = known["revoked_at"] is None and (known["expires_at"] is None or known["expires_at"] > now)
    if not is_live or await repository.has_successor(uow, known["id"]):
        msg = "Only a live key that has no live successor is rotated; make a new one, or revoke the successor first."
        raise Conflict(msg)
    row, text = await authenticator.create_key(
        uow,
        **{n: known[n] for n in ("name", "roles", "customer", "scope", "networks")},
        expires_at=expires_at,
        created_by=await maker(uow, principal),
        replaces=known["id"],
    )
    await repository.let_expire(uow, known["id"], now + overlap)
    uow.record(events.API_KEY_ROTATED, subject=encode_id("key", known["id"]), changes={"expires_at": now + overlap})
    return row, text


async def revoke_key(uow: "UnitOfWork", principal: Principal, key_id: UUID) -> "Record":
    """End an API key; it is refused from the next request on, in every process."""
    principal.require(API_KEY, "revoke")
    row = await repository.revoke_key(uow, key_id, uow.clock.now())
    if row is None:
        raise NotFound
    uow.record(events.API_KEY_REVOKED, subject=encode_id("key", key_id))
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
        access_until=None,
        language="en",
        checkpoint_mail=True,
        state="active",
        email_verified_at=None,
        version=1,
        created_at=uow.clock.now(),
    )
    subject = encode_id("usr", user_id)
    uow.record(events.MEMBER_ADDED, subject=subject, version=(None, 1), data={"roles": roles})
    return user_id


async def signed_in_at(uow: "UnitOfWork", session_id: UUID) -> datetime:
    """When the person of a running session gave his credentials."""
    return await repository.session_began(uow, session_id)


async def person_of(uow: "UnitOfWork", user_id: UUID) -> "Record":
    """What a user of the entered tenant is called and where he gets mail: for those whom he let know."""
    row = await repository.user(uow, user_id)
    if row is None:
        raise NotFound
    return row


async def sign_out(uow: "UnitOfWork", principal: Principal, session_id: UUID) -> None:
    """End a console session."""
    await repository.end_session(uow, principal.id, session_id, uow.clock.now())
    uow.record(events.SESSION_ENDED, subject=encode_id("usr", principal.id))
