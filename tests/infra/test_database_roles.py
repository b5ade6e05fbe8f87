import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from fixtures.database import FreshDatabase, execute, fetch

from woaas_infra.dsn import with_database, with_role
from woaas_infra.errors import CannotStart
from woaas_infra.postgres.binaries import Binaries
from woaas_infra.postgres.server import EmbeddedPostgres
from woaas_infra.roles import ROLES, WORKING, ensure_database

NAMES = [role.name for role in ROLES]


@pytest.fixture(scope="module", params=["embedded", "15"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server without any role of ours, of each version there is."""
    binaries = None
    if request.param == "15":
        folder = Path("/usr/lib/postgresql/15/bin")
        if not folder.exists():
            pytest.skip("no Postgres 15 on this machine")
        binaries = Binaries(folder, 15)
    with EmbeddedPostgres(tmp_path_factory.mktemp("roles"), durable=False, binaries=binaries) as dsn:
        yield dsn


@pytest.fixture(params=["superuser", "managed"])
def admin(request: pytest.FixtureRequest, server: str) -> Iterator[str]:
    """The address of an admin login: all-powerful, or what a managed service hands out."""
    if request.param == "superuser":
        yield server
    else:
        execute(server, "CREATE ROLE managed LOGIN CREATEROLE CREATEDB")
        yield server.replace("postgres@", "managed@")
    execute(server, "DROP DATABASE IF EXISTS woaas WITH (FORCE)", "DROP DATABASE IF EXISTS given WITH (FORCE)")
    execute(server, *(f"DROP ROLE IF EXISTS {name}" for name in [*NAMES, "managed"]))


class TestEnsureDatabase:
    def test_no_role_can_pass_row_level_security_or_make_roles(self, admin: str) -> None:
        asyncio.run(ensure_database(admin))
        rights = fetch(
            admin,
            "SELECT rolname::text, rolcanlogin, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb"
            " FROM pg_roles WHERE rolname LIKE 'woaas%'",
        )
        assert sorted(rights) == sorted((role.name, role.is_login, False) for role in ROLES)

    def test_a_second_time_changes_nothing(self, admin: str) -> None:
        first = asyncio.run(ensure_database(admin))
        state = "SELECT array_agg(r::text ORDER BY r::text) FROM pg_auth_members r"
        before = fetch(admin, state)
        assert asyncio.run(ensure_database(admin)) == first
        assert fetch(admin, state) == before

    def test_several_processes_may_begin_at_once(self, admin: str) -> None:
        async def all_at_once() -> None:
            await asyncio.gather(*(ensure_database(admin) for _ in range(4)))

        asyncio.run(all_at_once())

    def test_the_admin_can_work_as_each_role(self, admin: str) -> None:
        dsn = asyncio.run(ensure_database(admin))
        for name in NAMES:
            assert fetch(with_role(dsn, name), "SELECT current_user::text") == [(name,)]

    def test_owner_and_definer_can_make_what_migrations_make(self, admin: str) -> None:
        dsn = with_role(asyncio.run(ensure_database(admin)), "woaas_owner")
        execute(
            dsn,
            "CREATE EXTENSION btree_gist",
            "CREATE SCHEMA aside",
            "CREATE TABLE things (tenant_id uuid)",
            """
            BEGIN;
            SET LOCAL ROLE woaas_definer;
            CREATE FUNCTION one() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
            SET LOCAL ROLE woaas_owner;
            COMMIT
            """,
        )
        assert fetch(dsn, "SELECT proowner::regrole::text FROM pg_proc WHERE proname = 'one'") == [("woaas_definer",)]

    @pytest.mark.parametrize("name", WORKING)
    def test_working_roles_can_create_nothing(self, admin: str, name: str) -> None:
        dsn = with_role(asyncio.run(ensure_database(admin)), name)
        for statement in ("CREATE TABLE t ()", "CREATE TEMPORARY TABLE t ()", "CREATE SCHEMA s", "CREATE ROLE r"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                execute(dsn, statement)

    def test_a_database_that_was_given_to_us_is_used(self, admin: str) -> None:
        execute(admin, "CREATE DATABASE given")
        dsn = asyncio.run(ensure_database(with_database(admin, "given"), "given"))
        execute(with_role(dsn, "woaas_owner"), "CREATE TABLE things ()")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            execute(with_role(dsn, "woaas_app"), "CREATE TEMPORARY TABLE t ()")

    def test_rights_a_role_must_not_have_are_taken(self, admin: str, server: str) -> None:
        asyncio.run(ensure_database(admin))
        execute(server, "ALTER ROLE woaas_app BYPASSRLS")
        if admin == server:
            asyncio.run(ensure_database(admin))
            query = "SELECT rolbypassrls FROM pg_roles WHERE rolname = 'woaas_app'"
            assert fetch(server, query) == [(False,)]
        else:
            with pytest.raises(CannotStart, match="ALTER ROLE woaas_app NOBYPASSRLS"):
                asyncio.run(ensure_database(admin))


class TestFixture:
    def test_each_test_gets_a_database_of_its_own(self, database: FreshDatabase) -> None:
        execute(database.as_role("woaas_owner"), "CREATE TABLE mine ()")
        assert fetch(database.as_role("woaas_app"), "SELECT current_user::text") == [("woaas_app",)]

    def test_what_another_test_made_is_not_there(self, database: FreshDatabase) -> None:
        assert fetch(database.dsn, "SELECT to_regclass('mine')::text") == [(None,)]
