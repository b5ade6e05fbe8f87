"""Which tenants have something due, and how far each reader is in each tenant."""

from alembic import op

from woaas_core.db.tenancy import DEFINER, across_tenants, definer_function

revision = "0008_background_work"
down_revision = "0007_billing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in (
        *across_tenants(DEFINER, "billing_periods", "SELECT"),
        *definer_function("tenants_to_renew(present timestamptz) RETURNS SETOF uuid", TO_RENEW),
        *definer_function("tenants_with_expired_requests(present timestamptz) RETURNS SETOF uuid", TO_EXPIRE),
        *definer_function(f"reader_lag(readers text[]) RETURNS {LAG_ROW}", LAG),
    ):
        op.execute(statement)


def downgrade() -> None:
    for function in ("reader_lag", "tenants_with_expired_requests", "tenants_to_renew"):
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP POLICY definer_all ON billing_periods")
    op.execute(f"REVOKE SELECT ON billing_periods FROM {DEFINER}")  # noqa: S608 - a constant


TO_RENEW = """
LANGUAGE sql STABLE AS $$
  SELECT p.tenant_id FROM billing_periods p WHERE p.status = 'open' AND p.renews_at <= present ORDER BY p.renews_at
$$
"""
TO_EXPIRE = """
LANGUAGE sql STABLE AS $$
  SELECT r.tenant_id FROM market_requests r WHERE r.state IN ('published', 'quoting') AND r.expires_at <= present
  GROUP BY r.tenant_id ORDER BY min(r.expires_at)
$$
"""

# Only where a reader is behind or failing: when all is well there are no rows, however many tenants there are.
LAG_ROW = "TABLE (reader text, tenant_id uuid, next_index bigint, behind bigint, attempts integer)"
LAG = """
LANGUAGE sql STABLE AS $$
  SELECT r.name, h.tenant_id, coalesce(c.next_index, 0), h.size - coalesce(c.next_index, 0), coalesce(c.attempts, 0)
  FROM unnest(readers) WITH ORDINALITY AS r (name, n) CROSS JOIN log_head h
  LEFT JOIN reader_cursor c ON c.tenant_id = h.tenant_id AND c.reader = r.name
  WHERE h.size > coalesce(c.next_index, 0) OR c.attempts > 0
  ORDER BY r.n, h.tenant_id
$$
"""
