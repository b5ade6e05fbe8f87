"""The end of a tenant: its rows are destroyed by one reviewed function, and only while it is being deleted."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from woaas_core.db.tenancy import APP, DEFINER, OWNER, across_tenants, definer_function, isolate

revision = "0033_tenant_deletion"
down_revision = "0029_exports"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
# What stays of a deleted tenant: `woaas_security.tenant_deletion.retained` says why.
KEPT = (
    *("log", "log_head", "tile", "checkpoint", "cosignature", "reader_cursor", "tenant_deletions"),
    *("billing_periods", "invoices", "invoice_lines", "invoice_series"),
    *("ledger_accounts", "ledger_transactions", "ledger_entries", "settlements"),
)

CHANGED = "state, cancelled_at, started_at, last_event_id, recipient, destroyed_at, destroyed, certificate, finished_at"


def upgrade() -> None:
    op.create_table(
        "tenant_deletions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("requested_at", _INSTANT, nullable=False),
        sa.Column("delete_at", _INSTANT, nullable=False),
        sa.Column("cancelled_at", _INSTANT, nullable=True),
        sa.Column("started_at", _INSTANT, nullable=True),
        sa.Column("last_event_id", sa.Uuid(), nullable=True),
        sa.Column("recipient", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("destroyed", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("destroyed_at", _INSTANT, nullable=True),
        sa.Column("certificate", sa.LargeBinary(), nullable=True),
        sa.Column("finished_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_tenant_deletions")),
        info={"tenant": True},
    )
    op.create_index(
        "uq_tenant_deletions_open",
        "tenant_deletions",
        ["tenant_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'cancelled'"),
    )
    for statement in (
        *isolate("tenant_deletions", app="SELECT, INSERT"),
        f"GRANT UPDATE ({CHANGED}) ON tenant_deletions TO {APP}",
        GUARD,
        "CREATE TRIGGER in_order AFTER INSERT OR UPDATE ON tenant_deletions "
        "FOR EACH ROW EXECUTE FUNCTION guard_deletion()",
        *across_tenants(DEFINER, "tenant_deletions", "SELECT, INSERT"),
        MAY_DESTROY.format(kept=", ".join(f"'{name}'" for name in KEPT), definer=DEFINER),
        IS_DESTROYED,
        REFUSE_CHANGE,
        REQUIRE_ARCHIVED,
        f"REVOKE DELETE ON {', '.join(('tenants', *KEPT))} FROM {DEFINER}",
        *definer_function("destroy_rows(table_name text, at_most integer) RETURNS bigint", DESTROY),
        *definer_function("close_sandboxes(present timestamptz) RETURNS void", CLOSE_SANDBOXES),
        *definer_function("withdraw_from_market() RETURNS void", WITHDRAW),
        *definer_function("tenants_to_delete(present timestamptz) RETURNS SETOF uuid", TO_DELETE),
        f"SET LOCAL ROLE {DEFINER}",
        *(f"CREATE OR REPLACE FUNCTION {signature} SECURITY DEFINER SET search_path = public, pg_temp {body}"
          for signature, body in REPLACED.items()),
        f"SET LOCAL ROLE {OWNER}",
    ):  # fmt: skip
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("what is destroyed does not come back")


# Each table of tenants but those kept; tables made later say so where they are made (`isolate`).
MAY_DESTROY = """
DO $do$
DECLARE one text;
BEGIN
  FOR one IN SELECT c.relname FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
      AND c.relname NOT IN ({kept})
  LOOP
    EXECUTE format('GRANT SELECT, DELETE ON %I TO {definer}', one);
  END LOOP;
END $do$
"""
# Whoever speaks SQL as the application still waits the grace period, and goes through the states in order.
GUARD = """
CREATE FUNCTION guard_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state = 'closing' AND NEW.started_at IS NULL
      AND (current_user = 'woaas_definer' OR NEW.delete_at >= clock_timestamp() + interval '23 hours')
    THEN RETURN NEW; END IF;
  ELSIF (OLD.state, NEW.state) IN (('closing', 'cancelled'), ('destroying', 'destroying'),
    ('destroying', 'certified'))
    OR ((OLD.state, NEW.state) = ('certified', 'finished') AND NEW.recipient IS NULL)
  THEN RETURN NEW;
  ELSIF (OLD.state, NEW.state) = ('closing', 'destroying') AND OLD.delete_at <= clock_timestamp()
    AND NOT EXISTS (SELECT FROM legal_holds h WHERE h.tenant_id = NEW.tenant_id AND h.released_at IS NULL)
  THEN RETURN NEW;
  END IF;
  RAISE EXCEPTION 'a deletion is not due, or not in order' USING ERRCODE = 'insufficient_privilege';
END $$
"""
IS_DESTROYED = """
CREATE FUNCTION is_destroyed(tenant uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM tenant_deletions d
    WHERE d.tenant_id = tenant AND d.state IN ('destroying', 'certified', 'finished'))
$$
"""
# Nothing that is append-only is ever changed, nor deleted but with all of its tenant.
REFUSE_CHANGE = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_user = 'woaas_definer' THEN
    IF is_destroyed(app_tenant()) THEN RETURN OLD; END IF;
  END IF;
  RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$
"""
REQUIRE_ARCHIVED = """
CREATE OR REPLACE FUNCTION require_archived() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_user = 'woaas_definer' THEN
    IF is_destroyed(app_tenant()) THEN RETURN NULL; END IF;
  END IF;
  IF EXISTS (
    SELECT FROM gone g JOIN log l ON l.tenant_id = g.tenant_id AND l.event_id = g.id
    FULL JOIN (
      SELECT a.tenant_id, a.tile * 256 + u.n - 1 AS index, u.payload
      FROM log_archive a, unnest(a.payloads) WITH ORDINALITY AS u (payload, n)
      WHERE (a.tenant_id, a.tile) IN (
        SELECT l.tenant_id, l.index / 256 FROM gone g JOIN log l ON l.tenant_id = g.tenant_id AND l.event_id = g.id)
    ) k ON k.tenant_id = l.tenant_id AND k.index = l.index
    WHERE k.payload IS DISTINCT FROM g.payload
  ) OR (SELECT count(*) FROM gone) <> (
    SELECT count(*) FROM gone g JOIN log l ON l.tenant_id = g.tenant_id AND l.event_id = g.id)
  THEN
    RAISE EXCEPTION 'an entry that is not archived would be lost' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NULL;
END $$
"""
DESTROY = """
LANGUAGE plpgsql VOLATILE AS $$
DECLARE gone bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM tenant_deletions d
    JOIN log l ON l.tenant_id = d.tenant_id AND l.event_id = d.last_event_id
    JOIN log_head h ON h.tenant_id = d.tenant_id AND l.index < h.signed_size
    WHERE d.tenant_id = app_tenant() AND d.state = 'destroying' AND d.delete_at <= clock_timestamp())
  THEN
    RAISE EXCEPTION 'this tenant is not being deleted' USING ERRCODE = 'insufficient_privilege';
  END IF;
  EXECUTE format('DELETE FROM %I WHERE ctid = ANY (ARRAY(SELECT ctid FROM %I WHERE tenant_id = $1 LIMIT $2))'
    ' AND tenant_id = $1', table_name, table_name) USING app_tenant(), at_most;
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END $$
"""
CLOSE_SANDBOXES = """
LANGUAGE sql VOLATILE AS $$
  INSERT INTO tenant_deletions (tenant_id, id, state, requested_at, delete_at, destroyed)
  SELECT s.id, gen_random_uuid(), 'closing', present, present, '{}'
  FROM tenants me JOIN tenants s ON s.organisation_id = me.organisation_id AND NOT s.livemode
  WHERE me.id = app_tenant() AND me.livemode AND is_destroyed(me.id)
    AND NOT EXISTS (SELECT FROM tenants t
      WHERE t.organisation_id = me.organisation_id AND t.livemode AND NOT is_destroyed(t.id))
  ON CONFLICT DO NOTHING
$$
"""
WITHDRAW = """
LANGUAGE sql VOLATILE AS $$
  DELETE FROM market_teasers t USING market_parties p
  WHERE p.tenant_id = app_tenant() AND t.party_id = p.id AND is_destroyed(p.tenant_id)
$$
"""
TO_DELETE = """
LANGUAGE sql STABLE AS $$
  SELECT d.tenant_id FROM tenant_deletions d
  WHERE d.state IN ('closing', 'destroying', 'certified') AND d.delete_at <= present ORDER BY d.delete_at
$$
"""
# Who looks for work does not come to a tenant that is being destroyed, and nobody enters one that is gone.
REPLACED = {
    "enter_tenant(entered uuid) RETURNS TABLE "
    "(tenant_id uuid, livemode boolean, organisation_id uuid, policy_version bigint, releases_limited boolean)": """
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  SELECT t.id, t.livemode, t.organisation_id, t.policy_version, t.release_allowance IS NOT NULL
    INTO tenant_id, livemode, organisation_id, policy_version, releases_limited FROM tenants t WHERE t.id = entered
    AND NOT EXISTS (SELECT FROM tenant_deletions d WHERE d.tenant_id = entered AND d.state = 'finished');
  IF FOUND THEN PERFORM set_config('app.tenant_id', tenant_id::text, true); RETURN NEXT; END IF;
END $$
""",
    "lagging_tenants(reader_name text, max_attempts integer) RETURNS SETOF uuid": """
LANGUAGE sql STABLE AS $$
  SELECT h.tenant_id FROM log_head h
  LEFT JOIN reader_cursor c ON c.tenant_id = h.tenant_id AND c.reader = reader_name
  WHERE h.size > coalesce(c.next_index, 0)
    AND coalesce(c.attempts, 0) < max_attempts AND (c.retry_at IS NULL OR c.retry_at <= clock_timestamp())
    AND NOT is_destroyed(h.tenant_id)
  ORDER BY h.updated_at LIMIT 500
$$
""",
    "live_tenants() RETURNS SETOF uuid": """
LANGUAGE sql STABLE AS $$ SELECT t.id FROM tenants t WHERE NOT is_destroyed(t.id) ORDER BY t.id $$
""",
    "tenants_to_renew(present timestamptz) RETURNS SETOF uuid": """
LANGUAGE sql STABLE AS $$
  SELECT p.tenant_id FROM billing_periods p
  WHERE p.status = 'open' AND p.renews_at <= present AND NOT is_destroyed(p.tenant_id) ORDER BY p.renews_at
$$
""",
}
