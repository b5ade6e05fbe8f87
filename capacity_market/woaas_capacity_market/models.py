"""Tables of the market: what one tenant owns, and rows that two tenants share.

Demand and supply belong to their tenant. What the two agree on (NDA, quote, contract, package, settlement) is one
row with ``buyer_tenant_id`` and ``partner_tenant_id``, visible to these two alone. It holds nothing the other party
must not see: the order behind it stays in ``market_requests``, which only its buyer can read.
"""

from sqlalchemy import Boolean, Column, Index, Integer, Interval, LargeBinary, Numeric, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import BigInteger

from woaas_core.db.base import instant, metadata, tenant_index, tenant_table


def two_party_table(name: str, *items: SchemaItem) -> Table:
    """A table whose rows a buyer and a partner share; each is named to the other by its pseudonym."""
    return Table(
        name,
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("buyer_tenant_id", Uuid, nullable=False),
        Column("partner_tenant_id", Uuid, nullable=False),
        Column("buyer_party_id", Uuid, nullable=False),
        Column("partner_party_id", Uuid, nullable=False),
        *items,
        Index(f"ix_{name}_buyer", "buyer_tenant_id", "id"),
        Index(f"ix_{name}_partner", "partner_tenant_id", "id"),
        info={"two_party": True},
    )


# The pseudonym under which the others meet a tenant.
market_parties = tenant_table("market_parties", Column("id", Uuid, nullable=False), instant("created_at"), key=())

market_listings = tenant_table(
    "market_listings",
    Column("id", Uuid, nullable=False),
    Column("party_id", Uuid, nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("process", Text, nullable=False),
    Column("equipment_class", Text),
    Column("materials", ARRAY(Text), nullable=False),
    Column("envelope", JSONB, nullable=False),
    Column("tolerance", Text),
    Column("certificates", ARRAY(Text), nullable=False),
    # [{start_at, end_at, slots}]: in each window so many orders can be taken.
    Column("windows", JSONB, nullable=False),
    Column("price_amount", Numeric, nullable=False),
    Column("currency", Text, nullable=False),
    Column("price_per", Text, nullable=False),
    Column("min_order", Numeric, nullable=False),
    Column("region", Text),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    instant("updated_at"),
)

# Capacity given away by an award; released when the contract is cancelled.
market_commitments = tenant_table(
    "market_commitments",
    Column("contract_id", Uuid, nullable=False),
    Column("listing_id", Uuid, nullable=False),
    instant("start_at"),
    instant("end_at"),
    instant("released_at", nullable=True),
    tenant_index("market_commitments", "listing_id"),
    key=("contract_id",),
)

market_requests = tenant_table(
    "market_requests",
    Column("id", Uuid, nullable=False),
    Column("party_id", Uuid, nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("operation_id", Uuid, nullable=False),
    Column("work_order_id", Uuid, nullable=False),
    Column("process", Text),
    Column("equipment_class", Text),
    Column("material_family", Text),
    Column("quantity", Numeric, nullable=False),
    Column("quantity_band", Text, nullable=False),
    instant("window_start_at"),
    instant("due_at"),
    Column("region", Text),
    Column("max_price_minor", BigInteger),
    Column("currency", Text, nullable=False),
    Column("disclosure", JSONB, nullable=False),
    # What a signed NDA opens, copied here at publishing: the partner's session never reads the order.
    Column("nda_details", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    instant("expires_at"),
    Column("contract_id", Uuid),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    Index(
        "uq_market_requests_operation_id",
        "tenant_id",
        "operation_id",
        unique=True,
        postgresql_where="state IN ('draft', 'published', 'quoting', 'awarded')",
    ),
    Index(
        "ix_market_requests_expires_at", "tenant_id", "expires_at", postgresql_where="state IN ('published', 'quoting')"
    ),
)

# Copies every tenant of the same mode may read; ``id`` is the request's.
market_teasers = Table(
    "market_teasers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("livemode", Boolean, nullable=False),
    Column("party_id", Uuid, nullable=False),
    Column("process", Text),
    Column("equipment_class", Text),
    Column("material_family", Text),
    Column("quantity_band", Text, nullable=False),
    instant("window_start_at"),
    instant("due_at"),
    Column("region", Text),
    instant("expires_at"),
    info={"shared": True},
)

market_ndas = two_party_table(
    "market_ndas",
    Column("request_id", Uuid, nullable=False),
    Column("signed_by", Text, nullable=False),
    Column("details", JSONB, nullable=False),
    instant("signed_at"),
    Index("uq_market_ndas_request_id", "partner_tenant_id", "request_id", unique=True),
)

market_quotes = two_party_table(
    "market_quotes",
    Column("request_id", Uuid, nullable=False),
    Column("listing_id", Uuid, nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("lead_time", Interval, nullable=False),
    # Who made the offer that stands: the other one answers it.
    Column("offered_by", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    Index(
        "uq_market_quotes_open",
        "partner_tenant_id",
        "request_id",
        unique=True,
        postgresql_where="state IN ('submitted', 'countered', 'accepted')",
    ),
    Index("ix_market_quotes_request_id", "buyer_tenant_id", "request_id"),
)

market_contracts = two_party_table(
    "market_contracts",
    Column("request_id", Uuid, nullable=False),
    Column("quote_id", Uuid, nullable=False),
    # Shown to the other side once the partner has accepted.
    Column("buyer_name", Text, nullable=False),
    Column("partner_name", Text),
    Column("price_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("lead_time", Interval, nullable=False),
    instant("due_at"),
    instant("window_start_at"),
    instant("window_end_at"),
    Column("state", Text, nullable=False),
    Column("disputed_from", Text),
    Column("dispute_reason", Text),
    Column("inspection_result", Text),
    Column("good", Numeric, nullable=False),
    Column("scrap", Numeric, nullable=False),
    instant("accepted_at", nullable=True),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    Index("uq_market_contracts_request_id", "buyer_tenant_id", "request_id", unique=True),
)

# ``id`` is the contract's in both.
market_packages = two_party_table(
    "market_packages",
    Column("fields", JSONB, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    instant("released_at"),
)

# Fields of a contract's operation that a grant opens to the partner beside the package; ``id`` is the grant's.
market_openings = two_party_table(
    "market_openings",
    Column("contract_id", Uuid, nullable=False),
    Column("fields", JSONB, nullable=False),
    Column("purpose", Text, nullable=False),
    instant("expires_at"),
    instant("revoked_at", nullable=True),
    Index("ix_market_openings_contract_id", "contract_id"),
)

market_settlements = two_party_table(
    "market_settlements",
    Column("gross_minor", BigInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    Column("net_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    instant("settled_at"),
)
