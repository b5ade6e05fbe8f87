"""Tables of billing. Money is bigint minor units beside its currency; unit prices are numeric; nothing is a float."""

from sqlalchemy import (  # fmt: skip
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from woaas_core.db.base import instant, metadata, tenant_index, tenant_table

# What plans cost belongs to no tenant: everybody reads it, only migrations write it.
price_versions = Table(
    "price_versions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("plan", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("meter", Text, nullable=False),
    Column("price", JSONB, nullable=False),
    Column("currency", Text, nullable=False),
    instant("valid_from"),
    Index("uq_price_versions_plan_meter_version", "plan", "meter", "version", unique=True),
)

billing_periods = tenant_table(
    "billing_periods",
    Column("id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("plan", Text, nullable=False),
    # The price is frozen with the period: a new version takes effect with the next one.
    Column("price_id", Uuid, nullable=False),
    Column("time_zone", Text, nullable=False),
    instant("starts_at"),
    # When it is due to be closed; ends_at is when it was, and where the next one starts.
    instant("renews_at"),
    instant("ends_at", nullable=True),
    Column("event_count", BigInteger),
    Column("units", Numeric),
    Column("events_sha256", LargeBinary),
    CheckConstraint("status IN ('open', 'closed')", name="status"),
    CheckConstraint("(status = 'closed') = (ends_at IS NOT NULL AND events_sha256 IS NOT NULL)", name="frozen"),
    tenant_index("billing_periods", "number", unique=True),
    Index("uq_billing_periods_open", "tenant_id", unique=True, postgresql_where="status = 'open'"),
)

usage_events = tenant_table(
    "usage_events",
    Column("id", Uuid, nullable=False),
    # `{work_order_id}:processed`: made from the fact, so that no retry can mint another.
    Column("identifier", Text, nullable=False),
    Column("period_id", Uuid, nullable=False),
    Column("meter", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("work_order_id", Uuid, nullable=False),
    Column("number", Text, nullable=False),
    Column("quantity", Numeric, nullable=False),
    Column("payload_hash", LargeBinary, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("audit_index", BigInteger, nullable=False),
    instant("occurred_at"),
    instant("recorded_at"),
    ForeignKeyConstraint(["tenant_id", "period_id"], ["billing_periods.tenant_id", "billing_periods.id"]),
    # The business fact, with no time, status or period in it: whatever repeats, it is billed once.
    tenant_index("usage_events", "work_order_id", "meter", "kind", unique=True),
    tenant_index("usage_events", "identifier", unique=True),
    tenant_index("usage_events", "period_id", "id"),
)

invoices = tenant_table(
    "invoices",
    Column("id", Uuid, nullable=False),
    Column("period_id", Uuid, nullable=False),
    Column("series", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("number", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    # The canonical bytes of the whole invoice: what the hash is over and what can be rebuilt from the usage.
    Column("content", LargeBinary, nullable=False),
    Column("content_sha256", LargeBinary, nullable=False),
    instant("issued_at"),
    ForeignKeyConstraint(["tenant_id", "period_id"], ["billing_periods.tenant_id", "billing_periods.id"]),
    tenant_index("invoices", "period_id", unique=True),
    tenant_index("invoices", "number", unique=True),
    tenant_index("invoices", "series", "sequence", unique=True),
)

invoice_lines = tenant_table(
    "invoice_lines",
    Column("id", Uuid, nullable=False),
    Column("invoice_id", Uuid, nullable=False),
    Column("position", Integer, nullable=False),
    Column("meter", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("quantity", Numeric, nullable=False),
    Column("unit_price", Numeric, nullable=False),
    Column("amount_exact", Numeric, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    ForeignKeyConstraint(["tenant_id", "invoice_id"], ["invoices.tenant_id", "invoices.id"]),
    tenant_index("invoice_lines", "invoice_id", "position", unique=True),
)

invoice_series = tenant_table(
    "invoice_series",
    Column("series", Text, nullable=False),
    Column("last", Integer, nullable=False),
    key=("series",),
)

ledger_accounts = tenant_table(
    "ledger_accounts",
    Column("id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("currency", Text, nullable=False),
    tenant_index("ledger_accounts", "code", "currency", unique=True),
)

ledger_transactions = tenant_table(
    "ledger_transactions",
    Column("id", Uuid, nullable=False),
    Column("ref", Text, nullable=False),
    instant("created_at"),
    tenant_index("ledger_transactions", "ref", unique=True),
)

ledger_entries = tenant_table(
    "ledger_entries",
    Column("id", Uuid, nullable=False),
    Column("transaction_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("currency", Text, nullable=False),
    # Debits are positive, credits negative; the entries of a transaction sum to zero per currency.
    Column("amount_minor", BigInteger, nullable=False),
    ForeignKeyConstraint(["tenant_id", "transaction_id"], ["ledger_transactions.tenant_id", "ledger_transactions.id"]),
    ForeignKeyConstraint(["tenant_id", "account_id"], ["ledger_accounts.tenant_id", "ledger_accounts.id"]),
    tenant_index("ledger_entries", "transaction_id", "id"),
    tenant_index("ledger_entries", "account_id", "id"),
)

settlements = tenant_table(
    "settlements",
    Column("id", Uuid, nullable=False),
    Column("contract_id", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("gross_minor", BigInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    Column("net_minor", BigInteger, nullable=False),
    instant("settled_at"),
    CheckConstraint("gross_minor = fee_minor + net_minor", name="split"),
    CheckConstraint("fee_minor >= 0 AND net_minor >= 0", name="signs"),
    tenant_index("settlements", "contract_id", unique=True),
)

spend_limits = tenant_table(
    "spend_limits",
    Column("id", Uuid, nullable=False),
    Column("currency", Text, nullable=False),
    Column("soft_minor", BigInteger),
    Column("hard_minor", BigInteger),
    # The period in which the soft limit was last told of: once a period is enough.
    Column("neared_period_id", Uuid),
    Column("version", Integer, nullable=False),
    instant("updated_at"),
    key=(),
)
