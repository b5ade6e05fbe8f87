"""The database and its roles: who owns, who works, who may look across tenants.

Runs again on every start and on any Postgres from 15, as superuser or as a login with CREATEROLE and CREATEDB
(what a managed service gives). No role has BYPASSRLS or may create anything but the two that migrations use.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from woaas_core.db.tenancy import APP, AUDITOR, DEFINER, OWNER, SEQUENCER
from woaas_infra.dsn import DATABASE, with_database
from woaas_infra.errors import CannotStart

if TYPE_CHECKING:
    from asyncpg.connection import Connection


@dataclass(frozen=True)
class Role:
    """A role and whether a process may log in as it."""

    name: str
    is_login: bool


ROLES = (Role(OWNER, False), Role(DEFINER, False), Role(APP, True), Role(SEQUENCER, True), Role(AUDITOR, True))
WORKING = (APP, SEQUENCER, AUDITOR)

# Two processes that start at once must not race for the same role; any number that nothing else locks will do.
_LOCK = 7_203_114_201
_PG16 = 16
_RIGHTS = """
SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles WHERE rolname = $1
"""
_WITHOUT = {
    "rolsuper": "NOSUPERUSER",
    "rolbypassrls": "NOBYPASSRLS",
    "rolcreaterole": "NOCREATEROLE",
    "rolcreatedb": "NOCREATEDB",
    "rolreplication": "NOREPLICATION",
}


async def ensure_database(admin_dsn: str, name: str = DATABASE) -> str:
    """See that the roles and the database ``name`` exist with the right rights; its address for the admin login.

    The address's sessions start as the admin: give each connection its role with :func:`woaas_infra.dsn.with_role`
    or asyncpg's ``server_settings``.

    Raises:
        CannotStart: a role of that name has rights it must not have and they cannot be taken from here.
    """
    admin = await asyncpg.connect(admin_dsn)
    try:
        # Held until the connection closes, not by a transaction: CREATE DATABASE runs outside of any.
        await admin.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await ensure_roles(admin)
        if not await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            await admin.execute(f"CREATE DATABASE \"{name}\" OWNER {OWNER} ENCODING 'UTF8' TEMPLATE template0")
        dsn = with_database(admin_dsn, name)
        inside = await asyncpg.connect(dsn)
        try:
            await grant_database(inside)
        finally:
            await inside.close()
        return dsn
    finally:
        await admin.close()


async def ensure_roles(admin: "Connection") -> None:
    """Create the roles that are missing, take from all what they must not have, let the admin take each on."""
    for role in ROLES:
        rights = await admin.fetchrow(_RIGHTS, role.name)
        if rights is None:
            await admin.execute(f"CREATE ROLE {role.name} {'LOGIN' if role.is_login else 'NOLOGIN'}")
        elif any(rights.values()):
            await _tame(admin, role.name, [name for name, held in rights.items() if held])
    member = "SET" if _major(admin) >= _PG16 else "MEMBER"
    for role in ROLES:
        if not await admin.fetchval("SELECT pg_has_role(current_user, $1::text, $2)", role.name, member):
            await admin.execute(f"GRANT {role.name} TO CURRENT_USER {_set_only(admin)}")


async def grant_database(admin: "Connection") -> None:
    """In the connected database: only the owner and the definer role may create, everybody else of ours may use."""
    database = await admin.fetchval("SELECT quote_ident(current_database())")
    ours = ", ".join(role.name for role in ROLES)
    # An external database may belong to the admin login; the owner of the tables then needs what owning would give.
    # The admin, who does not inherit their rights, needs its own to connect; all at once, or it could lock itself out.
    async with _as_holder(admin, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"):
        await admin.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
        await admin.execute(f"GRANT CONNECT ON DATABASE {database} TO {ours}, SESSION_USER")
        await admin.execute(f"GRANT CREATE ON DATABASE {database} TO {OWNER}")
        await admin.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        await admin.execute(f"GRANT USAGE ON SCHEMA public TO {ours}")
        await admin.execute(f"GRANT CREATE ON SCHEMA public TO {OWNER}, {DEFINER}")


@asynccontextmanager
async def _as_holder(admin: "Connection", query: str) -> AsyncIterator[None]:
    async with admin.transaction():
        await admin.execute(f'SET LOCAL ROLE "{await admin.fetchval(query)}"')
        yield


async def _tame(admin: "Connection", name: str, held: list[str]) -> None:
    taken = " ".join(_WITHOUT[right] for right in held)
    try:
        await admin.execute(f"ALTER ROLE {name} {taken}")
    except asyncpg.InsufficientPrivilegeError as error:
        msg = f"the database role {name} has rights it must not have; run ALTER ROLE {name} {taken} as a superuser"
        raise CannotStart(msg) from error


def _major(admin: "Connection") -> int:
    return int(admin.get_server_version().major)


def _set_only(admin: "Connection") -> str:
    # From 16 a login can be allowed to take a role on without having its rights all along.
    return "WITH INHERIT FALSE, SET TRUE" if _major(admin) >= _PG16 else ""
