"""The migrated database itself: what isolates tenants is checked on the catalogue, table by table.

Everything here is found, nothing is listed but the exceptions: a new table is checked from the day it is there.
"""

from collections.abc import Iterator

import asyncpg
import pytest
from fixtures.database import FreshDatabase, execute, fetch

from woaas_infra import migrate
from woaas_infra.dsn import with_database

ROLES = ("woaas_app", "woaas_sequencer", "woaas_auditor")

# Tables of the whole installation, which hold nothing of a tenant: price lists are the seller's own.
WITHOUT_TENANT = {
    "audit_key", "sequencer_fence", "price_versions", "plan_limits", "rate_buckets", "sign_in_failures",
}  # fmt: skip
# Rows that two tenants share, or copies every tenant may read; their policies are checked by the market's own tests.
SHARED_PREFIX = "market_"
# The tenant's own row: its key is the tenant.
TENANT_COLUMN = {"tenants": "id"}
# Look-ups before a tenant is known, by a hash or a name that only its holder has; and the sequencer's queue, which is
# taken in the order of arrival across tenants.
NOT_LED_BY_TENANT = {
    "ix_api_keys_key_id",
    "ix_oauth_clients_id",
    "ix_sso_connections_id",
    "ix_sso_connections_verified_domains",
    "ix_sessions_token_hash",
    "ix_users_email",
    "ix_user_tokens_token_hash",
    "pk_pending",
    "pk_tenants",
}
APPEND_ONLY = ("event", "log", "log_archive", "tile", "checkpoint", "cosignature")
ONLY_APPENDED_BY_APP = ("reports", "inspections", "receipts")


@pytest.fixture(scope="module")
def dsn(postgres_server: str, template_database: str) -> Iterator[str]:
    """One migrated database for the module: its tests only read the catalogue or fail to write."""
    execute(postgres_server, "CREATE DATABASE woaas_catalogue TEMPLATE woaas_template OWNER woaas_owner")
    yield with_database(postgres_server, "woaas_catalogue")
    execute(postgres_server, "DROP DATABASE woaas_catalogue WITH (FORCE)")


def tables(dsn: str) -> dict[str, list[str]]:
    """Every table of ours with its columns."""
    rows = fetch(
        dsn,
        "SELECT c.relname::text, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class c "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') GROUP BY 1",
    )
    found = {str(name): list(columns) for name, columns in rows}  # type: ignore[call-overload]
    assert len(found) > 10
    return found


def tenant_tables(dsn: str) -> dict[str, str]:
    """Every table of tenants' rows with the column that names the tenant."""
    return {
        name: TENANT_COLUMN.get(name, "tenant_id")
        for name in tables(dsn)
        if name not in WITHOUT_TENANT and not name.startswith(SHARED_PREFIX) and not name.startswith("pgqueuer")
    }


class TestRowLevelSecurity:
    def test_every_table_names_its_tenant_or_is_on_the_list(self, dsn: str) -> None:
        found = tables(dsn)
        assert {t for t, column in tenant_tables(dsn).items() if column not in found[t]} == set()

    def test_every_table_with_tenants_has_it_enabled_and_forced(self, dsn: str) -> None:
        query = "SELECT relname::text, relrowsecurity AND relforcerowsecurity FROM pg_class WHERE relkind IN ('r','p')"
        secured = dict(fetch(dsn, query))
        open_ones = {t for t in tables(dsn) if not secured[t]}
        assert open_ones <= WITHOUT_TENANT | {t for t in open_ones if t.startswith("pgqueuer")}

    def test_each_has_one_policy_for_everybody_that_holds_for_reading_and_writing(self, dsn: str) -> None:
        rows = fetch(
            dsn,
            "SELECT tablename::text, roles::text[], cmd, permissive, qual, with_check FROM pg_policies "
            "WHERE schemaname = 'public'",
        )
        for table, column in tenant_tables(dsn).items():
            everybody = [r for r in rows if r[0] == table and r[1] == ["public"]]
            assert len(everybody) == 1, table
            _, _, command, permissive, using, check = everybody[0]
            assert (command, permissive) == ("ALL", "PERMISSIVE"), table
            rule = f"({column} = ( SELECT app_tenant() AS app_tenant))"
            assert (using, check) == (rule, rule), table

    def test_other_policies_are_those_of_the_process_roles(self, dsn: str) -> None:
        query = "SELECT DISTINCT unnest(roles)::text FROM pg_policies WHERE schemaname = 'public'"
        named = {r[0] for r in fetch(dsn, query)} - {"public"}
        assert named <= {"woaas_sequencer", "woaas_definer"}

    @pytest.mark.parametrize("role", ["woaas_app", "woaas_auditor", "woaas_owner"])
    def test_without_a_tenant_no_row_is_seen(self, database: FreshDatabase, role: str) -> None:
        fill(database.dsn)
        for table in tenant_tables(database.dsn):
            if fetch(database.dsn, "SELECT has_table_privilege($1, $2, 'SELECT')", role, table) == [(True,)]:
                assert fetch(database.as_role(role), f"SELECT count(*) FROM {table}") == [(0,)], table

    def test_a_setting_that_is_no_tenant_shows_nothing(self, database: FreshDatabase) -> None:
        fill(database.dsn)
        for value in ("", "00000000-0000-0000-0000-000000000000"):
            query = f"SELECT count(*) FROM tenants, set_config('app.tenant_id', '{value}', false)"
            assert fetch(database.as_role("woaas_app"), query) == [(0,)]

    @pytest.mark.parametrize("role", ROLES)
    def test_a_row_of_another_tenant_cannot_be_written(self, database: FreshDatabase, role: str) -> None:
        mine, other = fill(database.dsn)
        for table, column in tenant_tables(database.dsn).items():
            may = fetch(database.dsn, "SELECT has_table_privilege($1, $2, 'INSERT')", role, table)
            query = "SELECT count(*) FROM pg_policies WHERE tablename = $1 AND roles::text[] @> $2"
            crosses = fetch(database.dsn, query, table, [role])
            if may == [(True,)] and crosses == [(0,)]:
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                    execute(database.as_role(role), *insert_as(mine, table, column, other))

    def test_a_row_of_another_tenant_cannot_be_changed(self, database: FreshDatabase) -> None:
        mine, other = fill(database.dsn)
        for table, column in tenant_tables(database.dsn).items():
            if fetch(database.dsn, "SELECT has_table_privilege('woaas_app', $1, 'UPDATE')", table) == [(True,)]:
                query = (
                    f"WITH entered AS MATERIALIZED (SELECT set_config('app.tenant_id', '{mine}', false)), "
                    f"moved AS (UPDATE {table} SET {column} = {column} FROM entered "
                    f"WHERE {column} = '{other}' RETURNING 1) SELECT count(*) FROM moved"
                )
                assert fetch(database.as_role("woaas_app"), query) == [(0,)], table


def fill(dsn: str) -> tuple[str, str]:
    """Two tenants with a row in every tenant table, written past all constraints of others."""
    ids = ("11111111-1111-7111-8111-111111111111", "22222222-2222-7222-8222-222222222222")
    checks = "SELECT conrelid::regclass::text, conname::text FROM pg_constraint WHERE contype = 'c' AND conrelid > 0"
    owned = [c for c in fetch(dsn, checks) if c[0] in tables(dsn)]
    statements = [f"ALTER TABLE {table} DROP CONSTRAINT {name}" for table, name in owned]
    statements.append("SET session_replication_role = replica")
    for table, column in tenant_tables(dsn).items():
        for tenant in ids:
            statements.append(insert(dsn, table, column, tenant))
    execute(dsn, ";".join(statements))
    return ids


def insert(dsn: str, table: str, column: str, tenant: str) -> str:
    """An INSERT with a value of the right type in each column that needs one."""
    samples = {
        "uuid": "gen_random_uuid()", "text": "'x'", "boolean": "false", "bytea": "'\\x00'", "bigint": "0",
        "integer": "0", "smallint": "0", "numeric": "0", "jsonb": "'{}'", "interval": "'0'", "date": "'2026-01-01'",
        "timestamp with time zone": "'2026-01-01Z'", "text[]": "'{}'", "integer[]": "'{}'", "uuid[]": "'{}'",
        "jsonb[]": "'{}'", "double precision": "0", "bytea[]": "'{}'", "timestamp with time zone[]": "'{}'",
    }  # fmt: skip
    rows = fetch(
        dsn,
        "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = $1::text::regclass "
        "AND attnum > 0 AND NOT attisdropped AND attnotnull AND attidentity = '' AND NOT atthasdef",
        table,
    )
    values = {f'"{name}"': samples[str(kind)] for name, kind in rows if name != column}
    values[f'"{column}"'] = f"'{tenant}'"
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(values.values())})"


def insert_as(mine: str, table: str, column: str, other: str) -> list[str]:
    """The same from inside another tenant; only the tenant is given, since the policy is checked first."""
    return [f"SET app.tenant_id = '{mine}'; INSERT INTO {table} ({column}) VALUES ('{other}')"]


class TestConstraints:
    def test_every_index_leads_with_the_tenant(self, dsn: str) -> None:
        """A constraint across tenants would tell one of another's values; an index would mix their statistics."""
        rows = fetch(
            dsn,
            "SELECT t.relname::text, i.relname::text, a.attname::text FROM pg_index x "
            "JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid "
            "LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0] "
            "WHERE t.relnamespace = 'public'::regnamespace",
        )
        known = tenant_tables(dsn)
        wrong = {index for table, index, first in rows if table in known and first != known[str(table)]}
        assert wrong - {"pk_tenants"} <= NOT_LED_BY_TENANT
        assert {i for _, i, _ in rows} >= NOT_LED_BY_TENANT, "the list of exceptions has dead entries"

    def test_every_foreign_key_is_between_rows_of_one_tenant(self, dsn: str) -> None:
        rows = fetch(
            dsn,
            "SELECT c.conname::text, c.conrelid::regclass::text, a.attname::text, b.attname::text FROM pg_constraint c "
            "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] "
            "JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = c.confkey[1] "
            "WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace",
        )
        assert rows
        for name, table, own, referred in rows:
            if not str(table).startswith(SHARED_PREFIX):
                assert (own, referred) == ("tenant_id", "tenant_id"), name


class TestRights:
    def test_no_role_can_step_around_row_level_security(self, dsn: str) -> None:
        rows = fetch(
            dsn,
            "SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'woaas%' "
            "AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)",
        )
        assert rows == []

    @pytest.mark.parametrize("role", ROLES)
    def test_working_roles_own_and_create_nothing_and_become_nobody_else(self, dsn: str, role: str) -> None:
        assert fetch(dsn, "SELECT relname::text FROM pg_class WHERE relowner = $1::text::regrole", role) == []
        assert fetch(dsn, "SELECT proname::text FROM pg_proc WHERE proowner = $1::text::regrole", role) == []
        assert fetch(dsn, "SELECT has_schema_privilege($1, 'public', 'CREATE')", role) == [(False,)]
        assert fetch(dsn, "SELECT has_database_privilege($1, current_database(), 'CREATE')", role) == [(False,)]
        assert fetch(dsn, "SELECT 1 FROM pg_auth_members WHERE member = $1::text::regrole", role) == []

    @pytest.mark.parametrize("role", ROLES)
    @pytest.mark.parametrize("table", APPEND_ONLY)
    def test_what_is_append_only_cannot_be_changed(self, dsn: str, role: str, table: str) -> None:
        for statement in (
            f"UPDATE {table} SET tenant_id = tenant_id",
            f"DELETE FROM {table}",
            f"TRUNCATE {table} CASCADE",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                execute(with_role_of(dsn, role), statement)

    @pytest.mark.parametrize("table", APPEND_ONLY)
    def test_not_even_the_owner_or_an_administrator_changes_it_by_mistake(self, dsn: str, table: str) -> None:
        for login in (dsn, with_role_of(dsn, "woaas_owner")):
            for statement in (f"UPDATE {table} SET tenant_id = tenant_id", f"DELETE FROM {table}"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="never changed"):
                    execute(login, statement)

    @pytest.mark.parametrize("table", ONLY_APPENDED_BY_APP)
    def test_what_happened_on_the_floor_is_only_added_to(self, dsn: str, table: str) -> None:
        for statement in (f"UPDATE {table} SET tenant_id = tenant_id", f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                execute(with_role_of(dsn, "woaas_app"), statement)

    def test_only_the_sequencer_writes_the_log(self, dsn: str) -> None:
        for role in ("woaas_app", "woaas_auditor"):
            for table in (
                *(
                    "log",
                    "log_head",
                    "log_archive",
                    "tile",
                    "checkpoint",
                    "cosignature",
                    "sequencer_fence",
                    "audit_key",
                ),
            ):
                query = "SELECT has_table_privilege($1, $2, 'INSERT, UPDATE, DELETE, TRUNCATE')"
                assert fetch(dsn, query, role, table) == [(False,)], (role, table)

    def test_the_auditor_only_reads(self, dsn: str) -> None:
        for table in tables(dsn):
            query = "SELECT has_table_privilege('woaas_auditor', $1, 'INSERT, UPDATE, DELETE, TRUNCATE')"
            assert fetch(dsn, query, table) == [(False,)], table

    def test_the_app_cannot_read_what_waits_for_the_sequencer(self, dsn: str) -> None:
        assert fetch(dsn, "SELECT has_table_privilege('woaas_app', 'pending', 'SELECT, DELETE')") == [(False,)]


class TestFunctions:
    def test_those_that_look_across_tenants_belong_to_the_definer_and_fix_their_path(self, dsn: str) -> None:
        rows = fetch(
            dsn,
            "SELECT proname::text, proowner::regrole::text, proconfig FROM pg_proc "
            "WHERE prosecdef AND pronamespace = 'public'::regnamespace",
        )
        assert rows
        for name, owner, config in rows:
            assert owner == "woaas_definer", name
            paths = [setting for setting in config if setting.startswith("search_path=")]  # type: ignore[attr-defined]
            assert paths == ["search_path=public, pg_temp"], name

    def test_only_the_roles_named_may_call_them(self, dsn: str) -> None:
        rows = fetch(
            dsn,
            "SELECT p.oid::regprocedure::text, array_agg(DISTINCT a.grantee::regrole::text) FROM pg_proc p, "
            "aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a "
            "WHERE prosecdef AND pronamespace = 'public'::regnamespace GROUP BY 1",
        )
        for function, grantees in rows:
            assert set(grantees) <= {"woaas_app", "woaas_sequencer", "woaas_definer", "woaas_owner"}, function  # type: ignore[call-overload]


def test_the_models_and_the_history_agree(database: FreshDatabase) -> None:
    migrate.check(database.dsn)


def test_no_view_or_materialized_view_reads_around_the_policies(dsn: str) -> None:
    rows = fetch(
        dsn,
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND (relkind = 'm' "
        "OR relkind = 'v' AND NOT coalesce(reloptions @> '{security_invoker=true}', false))",
    )
    assert rows == []


def with_role_of(dsn: str, role: str) -> str:
    return FreshDatabase(dsn).as_role(role)
