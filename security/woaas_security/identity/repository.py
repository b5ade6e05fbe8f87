"""All SQL about keys, users and sessions."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import DateTime, Uuid, bindparam, delete, func, null, select, update

from woaas_core.db.statements import Statement, insert_row
from woaas_security.identity.models import api_keys, sessions, users

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_BY_KEY = Statement.text("SELECT * FROM authenticate_key($1, $2)", "key_id", "secret_hash")
_BY_SESSION = Statement.text("SELECT * FROM authenticate_session($1)", "token_hash")
_BY_EMAIL = Statement.text("SELECT * FROM find_login($1)", "email")
_CALLER = """
SELECT t.id AS tenant_id, t.livemode, t.organisation_id, t.policy_version,
  t.release_allowance IS NOT NULL AS releases_limited, c.id AS subject_id, c.name AS subject_name, c.roles, c.customer,
  c.scope
FROM {table} c JOIN tenants t ON t.id = c.tenant_id WHERE c.tenant_id = $1 AND c.id = $2 AND {active}
"""
_PRESENT = {
    "api_key": Statement.text(
        _CALLER.format(table="api_keys", active="c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > $3)"),
        *("tenant", "subject", "now"),
    ),
    "user": Statement.text(
        _CALLER.format(table="users", active="c.state = 'active' AND coalesce(c.access_until > $3, true)"),
        *("tenant", "subject", "now"),
    ),
    "oauth_client": Statement.text(
        _CALLER.format(table="oauth_clients", active="(c.archived_at IS NULL OR c.archived_at > $3)"),
        *("tenant", "subject", "now"),
    ),
}
INSERT_KEY = insert_row(api_keys)
INSERT_USER = insert_row(users)
INSERT_SESSION = insert_row(sessions)
_USER = Statement(select(users).where(users.c.tenant_id == bindparam("tenant"), users.c.id == bindparam("user")))
_BY_ADDRESS = Statement(
    select(users).where(users.c.tenant_id == bindparam("tenant"), users.c.email == bindparam("email"))
)
# What is given to a person, as a whole.
GIVEN = ("name", "roles", "customer", "scope", "access_until", "checkpoint_mail")
_MEMBERSHIP = {n: bindparam(f"new_{n}", type_=users.c[n].type) for n in (*GIVEN, "state")}
_UPDATE_USER = Statement(
    update(users)
    .where(users.c.tenant_id == bindparam("tenant"), users.c.id == bindparam("user"))
    .values(**_MEMBERSHIP, version=users.c.version + 1)
    .returning(*users.c)
)
_REJOIN = Statement(
    update(users)
    .where(users.c.tenant_id == bindparam("tenant"), users.c.id == bindparam("user"))
    .values(
        **_MEMBERSHIP,
        language=bindparam("spoken"),
        password_hash=null(),
        email_verified_at=null(),
        version=users.c.version + 1,
    )
)
_ACTIVATE = Statement(
    update(users)
    .where(users.c.tenant_id == bindparam("tenant"), users.c.id == bindparam("user"))
    .where(users.c.state == bindparam("before", "invited"))
    .values(
        state=bindparam("after", "active"),
        password_hash=bindparam("hash"),
        email_verified_at=bindparam("at"),
        version=users.c.version + 1,
    )
    .returning(users.c.version)
)
_OTHER_OWNER = Statement.text(
    "SELECT EXISTS (SELECT FROM users WHERE tenant_id = $1 AND id <> $2 AND state = 'active' AND access_until IS NULL "
    "AND 'owner' = ANY(roles))",
    "tenant",
    "user",
)
_SET_PASSWORD = Statement(
    update(users)
    .where(users.c.tenant_id == bindparam("tenant"), users.c.id == bindparam("user"))
    .values(password_hash=bindparam("hash"), version=users.c.version + 1)
    .returning(users.c.version)
)
_SET_VERIFIED = Statement(
    update(users)
    .where(users.c.tenant_id == bindparam("tenant"), users.c.id == bindparam("user"))
    .where(users.c.email_verified_at.is_(None))
    .values(email_verified_at=bindparam("at"), version=users.c.version + 1)
    .returning(users.c.version)
)
_SESSIONS_OF = Statement(
    select(*(c for c in sessions.c if c.name != "token_hash"))
    .where(sessions.c.tenant_id == bindparam("tenant"), sessions.c.user_id == bindparam("user"))
    .where(sessions.c.expires_at > bindparam("now"))
    .order_by(sessions.c.created_at.desc())
    .limit(200)
)
_END_ONE_SESSION = Statement(
    update(sessions)
    .where(sessions.c.tenant_id == bindparam("tenant"), sessions.c.user_id == bindparam("user"))
    .where(sessions.c.id == bindparam("session"), sessions.c.expires_at > bindparam("at"))
    .values(expires_at=bindparam("at"))
)
_END_SESSIONS = Statement(
    update(sessions)
    .where(sessions.c.tenant_id == bindparam("tenant"), sessions.c.user_id == bindparam("user"))
    .where(sessions.c.expires_at > bindparam("at"), sessions.c.id.is_distinct_from(bindparam("keep", type_=Uuid)))
    .values(expires_at=bindparam("at"))
)
_KEY_LOCKED = Statement(
    select(api_keys)
    .where(api_keys.c.tenant_id == bindparam("tenant"), api_keys.c.id == bindparam("key"))
    .with_for_update()
)
_HAS_SUCCESSOR = Statement.text(
    "SELECT EXISTS (SELECT FROM api_keys WHERE tenant_id = $1 AND replaces = $2 AND revoked_at IS NULL "
    "AND (expires_at IS NULL OR expires_at > $3))",
    "tenant",
    "key",
    "now",
)
# Rotation makes a line of keys with the same rights.
_LIVE_KEY = Statement.text(
    """
    WITH RECURSIVE line AS (
      SELECT id, revoked_at, expires_at, created_at FROM api_keys WHERE tenant_id = $1 AND id = $2
      UNION ALL
      SELECT k.id, k.revoked_at, k.expires_at, k.created_at FROM api_keys k JOIN line l ON k.replaces = l.id
      WHERE k.tenant_id = $1
    )
    SELECT id FROM line WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)
    ORDER BY created_at DESC, id DESC LIMIT 1
    """,
    *("tenant", "key", "now"),
)
_LET_EXPIRE = Statement(
    update(api_keys)
    .where(api_keys.c.tenant_id == bindparam("tenant"), api_keys.c.id == bindparam("key"))
    .values(expires_at=func.least(api_keys.c.expires_at, bindparam("at", type_=DateTime(timezone=True))))
)
_REVOKE_KEYS_OF = Statement(
    update(api_keys)
    .where(api_keys.c.tenant_id == bindparam("tenant"), api_keys.c.created_by == bindparam("user"))
    .where(api_keys.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
    .returning(api_keys.c.id)
)
_KEY = Statement(select(api_keys).where(api_keys.c.tenant_id == bindparam("tenant"), api_keys.c.id == bindparam("key")))
_SESSION_BEGAN = Statement(
    select(sessions.c.created_at).where(
        sessions.c.tenant_id == bindparam("tenant"), sessions.c.id == bindparam("session")
    )
)
_MEMBER = Statement.text(
    "SELECT id, name, email, roles, password_hash FROM users "
    "WHERE tenant_id = $1 AND (id = $2 OR email = $3) AND state = 'active' "
    "AND coalesce(access_until > clock_timestamp(), true)",
    "tenant_id",
    "user_id",
    "email",
)
_FORGET_SESSIONS = Statement(
    delete(sessions).where(sessions.c.tenant_id == bindparam("tenant"), sessions.c.expires_at <= bindparam("now"))
)
_REVOKE_KEY = Statement(
    update(api_keys)
    .where(api_keys.c.tenant_id == bindparam("tenant"), api_keys.c.id == bindparam("key"))
    .where(api_keys.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
    .returning(*api_keys.c)
)


async def by_key(uow: "UnitOfWork", key_id: str, secret_hash: bytes) -> "Record | None":
    """Look up a live key and enter its tenant, in one round trip."""
    return await uow.first(_BY_KEY, key_id=key_id, secret_hash=secret_hash)


async def by_session(uow: "UnitOfWork", token_hash: bytes) -> "Record | None":
    """Look up a running session and enter its tenant, in one round trip."""
    return await uow.first(_BY_SESSION, token_hash=token_hash)


async def present(uow: "UnitOfWork", kind: str, subject_id: UUID) -> "Record | None":
    """A key, user or application of the entered tenant as it is now; None once it has ended."""
    statement = _PRESENT.get(kind)
    if statement is None:
        return None
    return await uow.first(statement, tenant=uow.tenant, subject=subject_id, now=uow.clock.now())


async def by_email(uow: "UnitOfWork", email: str) -> "list[Record]":
    """The users of that address in every tenant, for signing in."""
    return await uow.all(_BY_EMAIL, email=email)


async def user(uow: "UnitOfWork", user_id: UUID) -> "Record | None":
    """A user of the entered tenant."""
    return await uow.first(_USER, tenant=uow.tenant, user=user_id)


async def session_began(uow: "UnitOfWork", session_id: UUID) -> datetime:
    """When the person of a session signed in."""
    began: datetime = await uow.value(_SESSION_BEGAN, tenant=uow.tenant, session=session_id)
    return began


async def user_by_email(uow: "UnitOfWork", email: str) -> "Record | None":
    """The user of the entered tenant with an address, removed ones too."""
    return await uow.first(_BY_ADDRESS, tenant=uow.tenant, email=email)


async def insert_user(uow: "UnitOfWork", values: Mapping[str, object]) -> None:
    """Add a person without a password."""
    fixed = {"tenant_id": uow.tenant, "password_hash": None, "version": 1, "created_at": uow.clock.now()}
    usual = {"email_verified_at": None, "access_until": None, "checkpoint_mail": True}
    await uow.execute(INSERT_USER, **{**fixed, **usual, **values})


async def update_user(uow: "UnitOfWork", user_id: UUID, values: Mapping[str, object]) -> "Record":
    """Set what is given to him, and his state."""
    new = {f"new_{n}": v for n, v in values.items()}
    row = await uow.first(_UPDATE_USER, tenant=uow.tenant, user=user_id, **new)
    assert row is not None
    return row


async def rejoin(uow: "UnitOfWork", user_id: UUID, values: Mapping[str, object]) -> None:
    """Make an invited person of one who was removed: nothing by which he got in before is left."""
    new = {f"new_{n}": v for n, v in values.items() if n != "language"}
    await uow.execute(_REJOIN, tenant=uow.tenant, user=user_id, spoken=values["language"], **new)


async def activate(uow: "UnitOfWork", user_id: UUID, password_hash: str | None) -> "Record | None":
    """Let an invited person in; None where he is none."""
    now = uow.clock.now()
    return await uow.first(_ACTIVATE, tenant=uow.tenant, user=user_id, hash=password_hash, at=now)


async def has_other_owner(uow: "UnitOfWork", user_id: UUID) -> bool:
    """Whether another active person is an owner for good."""
    return bool(await uow.value(_OTHER_OWNER, tenant=uow.tenant, user=user_id))


async def set_password(uow: "UnitOfWork", user_id: UUID, password_hash: str) -> int:
    """Keep the hash of a new password; returns the user's version."""
    return int(await uow.value(_SET_PASSWORD, tenant=uow.tenant, user=user_id, hash=password_hash))


async def set_email_verified(uow: "UnitOfWork", user_id: UUID, at: datetime) -> int | None:
    """Note when an address was proved; returns the user's version, None where it had been."""
    version: int | None = await uow.value(_SET_VERIFIED, tenant=uow.tenant, user=user_id, at=at)
    return version


async def sessions_of(uow: "UnitOfWork", user_id: UUID) -> "list[Record]":
    """The running sessions of a user, newest first."""
    return await uow.all(_SESSIONS_OF, tenant=uow.tenant, user=user_id, now=uow.clock.now())


async def end_session(uow: "UnitOfWork", user_id: UUID, session_id: UUID, at: datetime) -> bool:
    """Let a user's session end now; False where he has no such running one."""
    ended = await uow.execute(_END_ONE_SESSION, tenant=uow.tenant, user=user_id, session=session_id, at=at)
    return ended == 1


async def end_sessions(uow: "UnitOfWork", user_id: UUID, *, keep: UUID | None = None) -> int:
    """Let every session of a user end now, but one; returns how many did."""
    return await uow.execute(_END_SESSIONS, tenant=uow.tenant, user=user_id, at=uow.clock.now(), keep=keep)


async def key(uow: "UnitOfWork", key_id: UUID, *, lock: bool = False) -> "Record | None":
    """A key of the entered tenant, revoked ones too."""
    return await uow.first(_KEY_LOCKED if lock else _KEY, tenant=uow.tenant, key=key_id)


async def has_successor(uow: "UnitOfWork", key_id: UUID) -> bool:
    """Whether a live key has taken this one's place."""
    return bool(await uow.value(_HAS_SUCCESSOR, tenant=uow.tenant, key=key_id, now=uow.clock.now()))


async def live_key(uow: "UnitOfWork", key_id: UUID) -> UUID | None:
    """The key itself or whichever has taken its place; None where the line has ended."""
    found: UUID | None = await uow.value(_LIVE_KEY, tenant=uow.tenant, key=key_id, now=uow.clock.now())
    return found


async def let_expire(uow: "UnitOfWork", key_id: UUID, at: datetime) -> None:
    """Let a key end at an instant, if it does not end before."""
    await uow.execute(_LET_EXPIRE, tenant=uow.tenant, key=key_id, at=at)


async def revoke_keys_of(uow: "UnitOfWork", user_id: UUID) -> "list[Record]":
    """End the keys that a person made; returns their ids."""
    return await uow.all(_REVOKE_KEYS_OF, tenant=uow.tenant, user=user_id, at=uow.clock.now())


async def member(uow: "UnitOfWork", *, user_id: UUID | None, email: str | None) -> "Record | None":
    """A member of the entered tenant who may sign in, by id or address."""
    return await uow.first(_MEMBER, tenant_id=uow.tenant, user_id=user_id, email=email)


async def forget_ended_sessions(uow: "UnitOfWork") -> int:
    """Delete sessions that have ended or run out; returns how many."""
    return await uow.execute(_FORGET_SESSIONS, tenant=uow.tenant, now=uow.clock.now())


async def revoke_key(uow: "UnitOfWork", key_id: UUID, at: datetime) -> "Record | None":
    """End a key; None if it is not there or already ended."""
    return await uow.first(_REVOKE_KEY, tenant=uow.tenant, key=key_id, at=at)
