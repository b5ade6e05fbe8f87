"""Row-level security as DDL: what migrations run for each tenant table and a test checks on the catalogue.

None of the roles has BYPASSRLS, since a managed Postgres gives none; work across tenants goes through named
policies for the sequencer and through functions of the definer role.
"""

from collections.abc import Iterable

APP = "woaas_app"
SEQUENCER = "woaas_sequencer"
AUDITOR = "woaas_auditor"
DEFINER = "woaas_definer"
OWNER = "woaas_owner"

# Evaluated once a statement as an InitPlan; nullif because a setting once used reads '' and not NULL afterwards.
TENANT_FUNCTION = """
CREATE FUNCTION app_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('app.tenant_id', true), '')::uuid $$
"""


def isolate(table: str, *, app: str = "SELECT, INSERT, UPDATE, DELETE", column: str = "tenant_id") -> list[str]:
    """The statements that close a table to every tenant but the current one and grant it to the app role.

    ``app`` names the rights: an append-only table gets ``SELECT, INSERT``.
    """
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant_isolation ON {table} "
        f"USING ({column} = (SELECT app_tenant())) WITH CHECK ({column} = (SELECT app_tenant()))",
        f"GRANT {app} ON {table} TO {APP}",
        f"GRANT SELECT ON {table} TO {AUDITOR}",
        # A deleted tenant's rows go; what is kept of it takes this back.
        f"GRANT SELECT, DELETE ON {table} TO {DEFINER}",
    ]


def isolate_two_party(table: str, *, app: str = "SELECT, INSERT, UPDATE") -> list[str]:
    """The same for a row two tenants share: each sees it, nobody else does."""
    # Two equalities and no IN over the columns: each side has its index.
    rule = "buyer_tenant_id = (SELECT app_tenant()) OR partner_tenant_id = (SELECT app_tenant())"
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY two_parties ON {table} USING ({rule}) WITH CHECK ({rule})",
        f"GRANT {app} ON {table} TO {APP}",
    ]


def across_tenants(role: str, table: str, rights: str) -> list[str]:
    """Let a process role work on a table in every tenant, with just the rights it needs."""
    return [
        f"CREATE POLICY {role.removeprefix('woaas_')}_all ON {table} TO {role} USING (true) WITH CHECK (true)",
        f"GRANT {rights} ON {table} TO {role}",
    ]


def definer_function(signature: str, body: str, *, callers: Iterable[str] = (APP,)) -> list[str]:
    """A reviewed function that may look across tenants, run with the definer role's rights and a fixed path.

    ``signature`` is ``name(args) RETURNS …``; ``body`` starts with ``LANGUAGE``.
    """
    name = signature.partition(" RETURNS")[0]
    plain = _argument_types(name)
    return [
        f"SET LOCAL ROLE {DEFINER}",
        f"CREATE FUNCTION {signature} SECURITY DEFINER SET search_path = public, pg_temp {body}",
        f"REVOKE ALL ON FUNCTION {plain} FROM PUBLIC",
        *(f"GRANT EXECUTE ON FUNCTION {plain} TO {role}" for role in callers),
        f"SET LOCAL ROLE {OWNER}",
    ]


def _argument_types(signature: str) -> str:
    name, _, arguments = signature.rstrip(")").partition("(")
    types = [a.split()[-1] for a in arguments.split(",") if a.strip()]
    return f"{name}({', '.join(types)})"
