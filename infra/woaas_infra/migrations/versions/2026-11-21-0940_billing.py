"""Prices, billing periods, usage, invoices, the ledger and settlements."""

from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from woaas_core.db.tenancy import APP, AUDITOR, DEFINER, OWNER, across_tenants, definer_function, isolate

revision = "0007_billing"
down_revision = "0006_capacity_market"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "price_versions",
    "usage_events",
    "invoices",
    "invoice_lines",
    "ledger_accounts",
    "ledger_transactions",
    "ledger_entries",
    "settlements",
)


def upgrade() -> None:
    op.create_table(
        "billing_periods",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("price_id", sa.Uuid(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("renews_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_count", sa.BigInteger(), nullable=True),
        sa.Column("units", sa.Numeric(), nullable=True),
        sa.Column("events_sha256", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "(status = 'closed') = (ends_at IS NOT NULL AND events_sha256 IS NOT NULL)",
            name=op.f("ck_billing_periods_frozen"),
        ),
        sa.CheckConstraint("status IN ('open', 'closed')", name=op.f("ck_billing_periods_status")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_billing_periods")),
        info={"tenant": True},
    )
    op.create_index("uq_billing_periods_number", "billing_periods", ["tenant_id", "number"], unique=True)
    op.create_index(
        "uq_billing_periods_open", "billing_periods", ["tenant_id"], unique=True, postgresql_where="status = 'open'"
    )
    op.create_table(
        "invoice_series",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "series", name=op.f("pk_invoice_series")),
        info={"tenant": True},
    )
    op.create_table(
        "ledger_accounts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_ledger_accounts")),
        info={"tenant": True},
    )
    op.create_index(
        "uq_ledger_accounts_code_currency", "ledger_accounts", ["tenant_id", "code", "currency"], unique=True
    )
    op.create_table(
        "ledger_transactions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_ledger_transactions")),
        info={"tenant": True},
    )
    op.create_index("uq_ledger_transactions_ref", "ledger_transactions", ["tenant_id", "ref"], unique=True)
    op.create_table(
        "price_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("price", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_versions")),
    )
    op.create_index("uq_price_versions_plan_meter_version", "price_versions", ["plan", "meter", "version"], unique=True)
    op.create_table(
        "settlements",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("fee_minor >= 0 AND net_minor >= 0", name=op.f("ck_settlements_signs")),
        sa.CheckConstraint("gross_minor = fee_minor + net_minor", name=op.f("ck_settlements_split")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_settlements")),
        info={"tenant": True},
    )
    op.create_index("uq_settlements_contract_id", "settlements", ["tenant_id", "contract_id"], unique=True)
    op.create_table(
        "spend_limits",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("soft_minor", sa.BigInteger(), nullable=True),
        sa.Column("hard_minor", sa.BigInteger(), nullable=True),
        sa.Column("neared_period_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_spend_limits")),
        info={"tenant": True},
    )
    op.create_table(
        "invoices",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("period_id", sa.Uuid(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "period_id"],
            ["billing_periods.tenant_id", "billing_periods.id"],
            name=op.f("fk_invoices_tenant_id_period_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_invoices")),
        info={"tenant": True},
    )
    op.create_index("uq_invoices_number", "invoices", ["tenant_id", "number"], unique=True)
    op.create_index("uq_invoices_period_id", "invoices", ["tenant_id", "period_id"], unique=True)
    op.create_index("uq_invoices_series_sequence", "invoices", ["tenant_id", "series", "sequence"], unique=True)
    op.create_table(
        "ledger_entries",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["ledger_accounts.tenant_id", "ledger_accounts.id"],
            name=op.f("fk_ledger_entries_tenant_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "transaction_id"],
            ["ledger_transactions.tenant_id", "ledger_transactions.id"],
            name=op.f("fk_ledger_entries_tenant_id_transaction_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_ledger_entries")),
        info={"tenant": True},
    )
    op.create_index(
        "ix_ledger_entries_account_id_id", "ledger_entries", ["tenant_id", "account_id", "id"], unique=False
    )
    op.create_index(
        "ix_ledger_entries_transaction_id_id", "ledger_entries", ["tenant_id", "transaction_id", "id"], unique=False
    )
    op.create_table(
        "usage_events",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("period_id", sa.Uuid(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("payload_hash", sa.LargeBinary(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("audit_index", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "period_id"],
            ["billing_periods.tenant_id", "billing_periods.id"],
            name=op.f("fk_usage_events_tenant_id_period_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_usage_events")),
        info={"tenant": True},
    )
    op.create_index("ix_usage_events_period_id_id", "usage_events", ["tenant_id", "period_id", "id"], unique=False)
    op.create_index("uq_usage_events_identifier", "usage_events", ["tenant_id", "identifier"], unique=True)
    op.create_index(
        "uq_usage_events_work_order_id_meter_kind",
        "usage_events",
        ["tenant_id", "work_order_id", "meter", "kind"],
        unique=True,
    )
    op.create_table(
        "invoice_lines",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("unit_price", sa.Numeric(), nullable=False),
        sa.Column("amount_exact", sa.Numeric(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invoice_id"],
            ["invoices.tenant_id", "invoices.id"],
            name=op.f("fk_invoice_lines_tenant_id_invoice_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_invoice_lines")),
        info={"tenant": True},
    )
    op.create_index(
        "uq_invoice_lines_invoice_id_position", "invoice_lines", ["tenant_id", "invoice_id", "position"], unique=True
    )
    for statement in (
        *isolate("billing_periods", app="SELECT, INSERT, UPDATE"),
        *isolate("usage_events", app="SELECT, INSERT"),
        *isolate("invoices", app="SELECT, INSERT"),
        *isolate("invoice_lines", app="SELECT, INSERT"),
        *isolate("invoice_series", app="SELECT, INSERT, UPDATE"),
        *isolate("ledger_accounts", app="SELECT, INSERT"),
        *isolate("ledger_transactions", app="SELECT, INSERT"),
        *isolate("ledger_entries", app="SELECT, INSERT"),
        *isolate("settlements", app="SELECT, INSERT"),
        *isolate("spend_limits", app="SELECT, INSERT, UPDATE"),
        f"GRANT SELECT ON price_versions TO {APP}, {AUDITOR}",
        "CREATE TRIGGER frozen BEFORE UPDATE ON billing_periods FOR EACH ROW WHEN (OLD.status <> 'open') "
        "EXECUTE FUNCTION refuse_change()",
        "ALTER TABLE billing_periods ENABLE ALWAYS TRIGGER frozen",
        # The balance is looked at with the definer's eyes: row-level security would hide another tenant's entries
        # from the check at the commit of a transaction that has moved on to the next tenant.
        *across_tenants(DEFINER, "ledger_entries", "SELECT"),
        *definer_function("ledger_balanced() RETURNS trigger", BALANCED, callers=(OWNER, APP)),
        "CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger_entries DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION ledger_balanced()",
        "ALTER TABLE ledger_entries ENABLE ALWAYS TRIGGER balanced",
    ):
        op.execute(statement)
    op.bulk_insert(
        sa.table(
            "price_versions",
            sa.column("id", sa.Uuid()),
            sa.column("plan", sa.Text()),
            sa.column("name", sa.Text()),
            sa.column("version", sa.Integer()),
            sa.column("meter", sa.Text()),
            sa.column("price", postgresql.JSONB()),
            sa.column("currency", sa.Text()),
            sa.column("valid_from", sa.DateTime(timezone=True)),
        ),
        PRICES,
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only")


def downgrade() -> None:
    raise NotImplementedError("issued invoices and the ledger are never thrown away")


BALANCED = """
LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT 1 FROM ledger_entries e WHERE e.tenant_id = NEW.tenant_id AND e.transaction_id = NEW.transaction_id
    GROUP BY e.currency HAVING sum(e.amount_minor) <> 0)
  THEN RAISE EXCEPTION 'ledger transaction % does not balance', NEW.transaction_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$
"""

PRICES = [
    {
        "id": UUID("019a9e3c-0000-7000-8000-000000000001"),
        "plan": "standard",
        "name": "Standard",
        "version": 1,
        "meter": "processed_orders",
        "price": {
            "model": "graduated",
            "tiers": [
                {"up_to": "10", "unit": "0"},
                {"up_to": "100", "unit": "2.00"},
                {"up_to": None, "unit": "1.50"},
            ],
        },
        "currency": "CNY",
        "valid_from": datetime(2020, 1, 1, tzinfo=UTC),
    },
    {
        "id": UUID("019a9e3c-0000-7000-8000-000000000002"),
        "plan": "test",
        "name": "Test",
        "version": 1,
        "meter": "processed_orders",
        "price": {"model": "per_unit", "unit": "0"},
        "currency": "CNY",
        "valid_from": datetime(2020, 1, 1, tzinfo=UTC),
    },
]
