"""The capacity market: supply, demand, shared deals, and the few functions that look across tenants."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from woaas_core.db.tenancy import APP, DEFINER, across_tenants, definer_function, isolate, isolate_two_party

revision = "0006_capacity_market"
down_revision = "0005_solver_farm"
branch_labels = None
depends_on = None

TWO_PARTY = ("market_ndas", "market_quotes", "market_contracts", "market_packages", "market_settlements")
OWNED = ("market_parties", "market_listings", "market_commitments", "market_requests")
VIEWS = (
    "market_own_listings",
    "market_own_requests",
    "market_board",
    "market_own_ndas",
    "market_own_quotes",
    "market_own_contracts",
)


def upgrade() -> None:
    op.create_table(
        "market_commitments",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "contract_id", name=op.f("pk_market_commitments")),
        info={"tenant": True},
    )
    op.create_index("ix_market_commitments_listing_id", "market_commitments", ["tenant_id", "listing_id"], unique=False)
    op.create_table(
        "market_contracts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("buyer_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("partner_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_party_id", sa.Uuid(), nullable=False),
        sa.Column("partner_party_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("quote_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_name", sa.Text(), nullable=False),
        sa.Column("partner_name", sa.Text(), nullable=True),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("lead_time", sa.Interval(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("disputed_from", sa.Text(), nullable=True),
        sa.Column("dispute_reason", sa.Text(), nullable=True),
        sa.Column("inspection_result", sa.Text(), nullable=True),
        sa.Column("good", sa.Numeric(), nullable=False),
        sa.Column("scrap", sa.Numeric(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_market_contracts")),
        info={"two_party": True},
    )
    op.create_index("ix_market_contracts_buyer", "market_contracts", ["buyer_tenant_id", "id"], unique=False)
    op.create_index("ix_market_contracts_partner", "market_contracts", ["partner_tenant_id", "id"], unique=False)
    op.create_index(
        "uq_market_contracts_request_id", "market_contracts", ["buyer_tenant_id", "request_id"], unique=True
    )
    op.create_table(
        "market_listings",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("equipment_class", sa.Text(), nullable=True),
        sa.Column("materials", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("envelope", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("tolerance", sa.Text(), nullable=True),
        sa.Column("certificates", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("windows", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("price_amount", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("price_per", sa.Text(), nullable=False),
        sa.Column("min_order", sa.Numeric(), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_market_listings")),
        info={"tenant": True},
    )
    op.create_table(
        "market_ndas",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("buyer_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("partner_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_party_id", sa.Uuid(), nullable=False),
        sa.Column("partner_party_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("signed_by", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_market_ndas")),
        info={"two_party": True},
    )
    op.create_index("ix_market_ndas_buyer", "market_ndas", ["buyer_tenant_id", "id"], unique=False)
    op.create_index("ix_market_ndas_partner", "market_ndas", ["partner_tenant_id", "id"], unique=False)
    op.create_index("uq_market_ndas_request_id", "market_ndas", ["partner_tenant_id", "request_id"], unique=True)
    op.create_table(
        "market_packages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("buyer_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("partner_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_party_id", sa.Uuid(), nullable=False),
        sa.Column("partner_party_id", sa.Uuid(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_market_packages")),
        info={"two_party": True},
    )
    op.create_index("ix_market_packages_buyer", "market_packages", ["buyer_tenant_id", "id"], unique=False)
    op.create_index("ix_market_packages_partner", "market_packages", ["partner_tenant_id", "id"], unique=False)
    op.create_table(
        "market_parties",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_market_parties")),
        info={"tenant": True},
    )
    op.create_table(
        "market_quotes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("buyer_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("partner_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_party_id", sa.Uuid(), nullable=False),
        sa.Column("partner_party_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("lead_time", sa.Interval(), nullable=False),
        sa.Column("offered_by", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_market_quotes")),
        info={"two_party": True},
    )
    op.create_index("ix_market_quotes_buyer", "market_quotes", ["buyer_tenant_id", "id"], unique=False)
    op.create_index("ix_market_quotes_partner", "market_quotes", ["partner_tenant_id", "id"], unique=False)
    op.create_index("ix_market_quotes_request_id", "market_quotes", ["buyer_tenant_id", "request_id"], unique=False)
    op.create_index(
        "uq_market_quotes_open",
        "market_quotes",
        ["partner_tenant_id", "request_id"],
        unique=True,
        postgresql_where="state IN ('submitted', 'countered', 'accepted')",
    )
    op.create_table(
        "market_requests",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("process", sa.Text(), nullable=True),
        sa.Column("equipment_class", sa.Text(), nullable=True),
        sa.Column("material_family", sa.Text(), nullable=True),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("quantity_band", sa.Text(), nullable=False),
        sa.Column("window_start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("max_price_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("disclosure", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("nda_details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_market_requests")),
        info={"tenant": True},
    )
    op.create_index(
        "ix_market_requests_expires_at",
        "market_requests",
        ["tenant_id", "expires_at"],
        unique=False,
        postgresql_where="state IN ('published', 'quoting')",
    )
    op.create_index(
        "uq_market_requests_operation_id",
        "market_requests",
        ["tenant_id", "operation_id"],
        unique=True,
        postgresql_where="state IN ('draft', 'published', 'quoting', 'awarded')",
    )
    op.create_table(
        "market_settlements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("buyer_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("partner_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_party_id", sa.Uuid(), nullable=False),
        sa.Column("partner_party_id", sa.Uuid(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_market_settlements")),
        info={"two_party": True},
    )
    op.create_index("ix_market_settlements_buyer", "market_settlements", ["buyer_tenant_id", "id"], unique=False)
    op.create_index("ix_market_settlements_partner", "market_settlements", ["partner_tenant_id", "id"], unique=False)
    op.create_table(
        "market_teasers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("process", sa.Text(), nullable=True),
        sa.Column("equipment_class", sa.Text(), nullable=True),
        sa.Column("material_family", sa.Text(), nullable=True),
        sa.Column("quantity_band", sa.Text(), nullable=False),
        sa.Column("window_start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_market_teasers")),
        info={"shared": True},
    )
    for statement in (
        *isolate("market_parties", app="SELECT, INSERT, UPDATE"),
        *isolate("market_listings", app="SELECT, INSERT, UPDATE"),
        # Capacity is given and taken back by awards alone, which work through the functions below.
        *isolate("market_commitments", app="SELECT"),
        *isolate("market_requests", app="SELECT, INSERT, UPDATE"),
        *isolate_two_party("market_ndas", app="SELECT, INSERT"),
        *isolate_two_party("market_quotes"),
        *isolate_two_party("market_contracts"),
        *isolate_two_party("market_packages", app="SELECT, INSERT"),
        *isolate_two_party("market_settlements", app="SELECT, INSERT"),
        *TEASERS,
        *(s for table in TWO_PARTY for s in across_tenants(DEFINER, table, "SELECT")),
        *across_tenants(DEFINER, "market_listings", "SELECT, UPDATE"),
        *across_tenants(DEFINER, "market_requests", "SELECT, UPDATE"),
        *across_tenants(DEFINER, "market_teasers", "SELECT, INSERT, DELETE"),
        *across_tenants(DEFINER, "market_commitments", "SELECT, INSERT, UPDATE"),
        *(
            statement
            for table in ("event", "pending")
            for statement in (
                f"CREATE POLICY market_tells ON {table} FOR INSERT TO {DEFINER} WITH CHECK (true)",
                f"GRANT INSERT ON {table} TO {DEFINER}",
            )
        ),
        FREE_WINDOWS,
        *VIEW_STATEMENTS,
        *(f"GRANT SELECT ON {view} TO {APP}" for view in VIEWS),
        *definer_function(
            f"market_open_listings(wanted_process text, wanted_class text) RETURNS {SUPPLY}", OPEN_LISTINGS
        ),
        *definer_function("market_publish_teaser(wanted uuid) RETURNS void", PUBLISH),
        *definer_function("market_remove_teaser(wanted uuid) RETURNS void", REMOVE),
        *definer_function(f"market_meet(wanted uuid, present timestamptz) RETURNS {MET}", MEET),
        *definer_function(
            "market_note_quoting(wanted uuid, quoting_state text, present timestamptz) RETURNS void", NOTE_QUOTING
        ),
        *definer_function(
            "market_commit_capacity(wanted_quote uuid, new_contract uuid, not_before timestamptz, due timestamptz) "
            "RETURNS TABLE (start_at timestamptz, end_at timestamptz)",
            COMMIT,
        ),
        *definer_function("market_release_capacity(wanted uuid, present timestamptz) RETURNS void", RELEASE),
        *definer_function(
            "market_tell(counterparty uuid, shared uuid, event_id uuid, kind text, subject text, actor text, "
            "present timestamptz, payload bytea, leaf bytea) RETURNS void",
            TELL,
        ),
    ):
        op.execute(statement)


def downgrade() -> None:
    for function in (
        "market_tell",
        "market_release_capacity",
        "market_commit_capacity",
        "market_note_quoting",
        "market_meet",
        "market_remove_teaser",
        "market_publish_teaser",
        "market_open_listings",
    ):
        op.execute(f"DROP FUNCTION {function}")
    for view in VIEWS:
        op.execute(f"DROP VIEW {view}")
    op.execute("DROP FUNCTION market_free_windows")
    for table in (*TWO_PARTY, "market_teasers", *OWNED):
        op.drop_table(table)
    for table in ("event", "pending"):
        op.execute(f"DROP POLICY market_tells ON {table}")
        op.execute(f"REVOKE INSERT ON {table} FROM {DEFINER}")


# Every tenant of the same mode reads the copies; only the functions below write them.
TEASERS = (
    "ALTER TABLE market_teasers ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE market_teasers FORCE ROW LEVEL SECURITY",
    "CREATE POLICY same_mode ON market_teasers FOR SELECT "
    "USING (livemode = (SELECT t.livemode FROM tenants t WHERE t.id = (SELECT app_tenant())))",
    f"GRANT SELECT ON market_teasers TO {APP}",
)

# A commitment takes a slot of every window it overlaps, so a listing may be replaced while contracts run. It works
# with the rights of whoever calls it: the owner of a listing through the view, the definer role in matching.
FREE_WINDOWS = """
CREATE FUNCTION market_free_windows(owner_id uuid, wanted_listing uuid, windows jsonb) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('start_at', w.start_at, 'end_at', w.end_at, 'slots', w.slots,
      'free', greatest(w.slots - taken.n, 0)) ORDER BY w.start_at), '[]')
  FROM jsonb_to_recordset(windows) AS w (start_at timestamptz, end_at timestamptz, slots integer),
    LATERAL (SELECT count(*) AS n FROM market_commitments c
      WHERE c.tenant_id = owner_id AND c.listing_id = wanted_listing AND c.released_at IS NULL
        AND c.start_at < w.end_at AND c.end_at > w.start_at) taken
$$
"""


def _side(name: str) -> str:
    """Which side the reader is, and whom it deals with, in a shared row ``name``."""
    return f"""
      app_tenant() AS tenant_id, {name}.id,
      CASE WHEN {name}.buyer_tenant_id = app_tenant() THEN 'buyer' ELSE 'partner' END AS party,
      CASE WHEN {name}.buyer_tenant_id = app_tenant() THEN {name}.partner_party_id ELSE {name}.buyer_party_id END
        AS counterparty_id"""


def _money(minor: str, currency: str) -> str:
    return f"CASE WHEN {minor} IS NOT NULL THEN jsonb_build_object('minor', {minor}, 'currency', {currency}) END"


VIEW_STATEMENTS = (
    """
    CREATE VIEW market_own_listings WITH (security_invoker = true) AS
    SELECT l.tenant_id, l.id, l.process, l.equipment_class, l.materials, l.envelope, l.tolerance, l.certificates,
      market_free_windows(l.tenant_id, l.id, l.windows) AS windows,
      jsonb_build_object('amount', l.price_amount::text, 'currency', l.currency, 'per', l.price_per) AS price,
      l.min_order, l.region, l.state, l.version, l.created_at, l.updated_at
    FROM market_listings l
    """,
    f"""
    CREATE VIEW market_own_requests WITH (security_invoker = true) AS
    SELECT r.tenant_id, r.id, r.operation_id, r.work_order_id, r.process, r.equipment_class, r.material_family,
      r.quantity_band, r.window_start_at, r.due_at, r.region, {_money("r.max_price_minor", "r.currency")} AS max_price,
      r.currency, r.disclosure, r.state,
      (SELECT count(*)::integer FROM market_quotes q WHERE q.buyer_tenant_id = r.tenant_id AND q.request_id = r.id
        AND q.state IN ('submitted', 'countered', 'accepted')) AS open_quotes,
      r.expires_at, r.contract_id, r.version, r.created_at, r.updated_at
    FROM market_requests r
    """,  # noqa: S608 - names of this module
    # One's own teasers are left out: row-level security shows no request but one's own.
    """
    CREATE VIEW market_board WITH (security_invoker = true) AS
    SELECT app_tenant() AS tenant_id, t.id, t.party_id AS counterparty_id, t.process, t.equipment_class,
      t.material_family, t.quantity_band, t.window_start_at, t.due_at, t.region, t.expires_at
    FROM market_teasers t
    WHERE NOT EXISTS (SELECT FROM market_requests r WHERE r.tenant_id = app_tenant() AND r.id = t.id)
    """,
    f"""
    CREATE VIEW market_own_ndas WITH (security_invoker = true) AS
    SELECT {_side("n")}, n.request_id, n.signed_by, n.details, n.signed_at FROM market_ndas n
    """,  # noqa: S608 - names of this module
    f"""
    CREATE VIEW market_own_quotes WITH (security_invoker = true) AS
    SELECT {_side("q")}, q.request_id, q.listing_id, {_money("q.price_minor", "q.currency")} AS price, q.lead_time,
      q.offered_by, q.price_minor <= r.max_price_minor AS within_max_price, q.state, q.version, q.created_at, q.updated_at
    FROM market_quotes q
    LEFT JOIN market_requests r ON r.tenant_id = q.buyer_tenant_id AND r.id = q.request_id
    """,  # noqa: S608 - names of this module
    f"""
    CREATE VIEW market_own_contracts WITH (security_invoker = true) AS
    SELECT {_side("c")},
      CASE WHEN c.accepted_at IS NULL THEN NULL WHEN c.buyer_tenant_id = app_tenant() THEN c.partner_name
        ELSE c.buyer_name END AS counterparty_name,
      c.request_id, c.quote_id, r.operation_id, r.work_order_id, {_money("c.price_minor", "c.currency")} AS price,
      c.lead_time, c.due_at, c.window_start_at, c.window_end_at, c.state, c.inspection_result, c.dispute_reason,
      c.good, c.scrap,
      CASE WHEN p.id IS NOT NULL THEN
        jsonb_build_object('released_at', p.released_at, 'sha256', encode(p.sha256, 'hex')) END AS package,
      CASE WHEN s.id IS NOT NULL THEN jsonb_build_object('gross', s.gross_minor, 'fee', s.fee_minor,
        'net', s.net_minor, 'currency', s.currency) END AS settlement,
      c.accepted_at, c.version, c.created_at, c.updated_at
    FROM market_contracts c
    LEFT JOIN market_requests r ON r.tenant_id = c.buyer_tenant_id AND r.id = c.request_id
    LEFT JOIN market_packages p ON p.id = c.id
    LEFT JOIN market_settlements s ON s.id = c.id
    """,  # noqa: S608 - names of this module
)

# Matching: open listings of others of the same mode, by pseudonym, without their tenants.
SUPPLY = (
    "TABLE (id uuid, party_id uuid, process text, equipment_class text, materials text[], windows jsonb, "
    "price_amount numeric, currency text, price_per text, min_order numeric, region text, quality numeric)"
)
OPEN_LISTINGS = """
LANGUAGE sql STABLE AS $$
  SELECT l.id, l.party_id, l.process, l.equipment_class, l.materials,
    market_free_windows(l.tenant_id, l.id, l.windows), l.price_amount, l.currency, l.price_per, l.min_order, l.region,
    (SELECT avg((c.inspection_result = 'pass')::integer) FROM market_contracts c
      WHERE c.partner_tenant_id = l.tenant_id AND c.inspection_result IS NOT NULL)
  FROM market_listings l JOIN tenants me ON me.id = app_tenant()
  WHERE l.state = 'open' AND l.livemode = me.livemode AND l.tenant_id <> me.id
    AND (wanted_process IS NULL OR lower(l.process) = lower(wanted_process))
    AND (wanted_class IS NULL OR lower(l.equipment_class) = lower(wanted_class))
  ORDER BY l.id LIMIT 1000
$$
"""

# The board holds exactly these columns of a request; nothing else of it is ever copied.
PUBLISH = """
LANGUAGE sql VOLATILE AS $$
  INSERT INTO market_teasers (id, livemode, party_id, process, equipment_class, material_family, quantity_band,
    window_start_at, due_at, region, expires_at)
  SELECT r.id, r.livemode, r.party_id, r.process, r.equipment_class, r.material_family, r.quantity_band,
    r.window_start_at, r.due_at, r.region, r.expires_at
  FROM market_requests r WHERE r.tenant_id = app_tenant() AND r.id = wanted AND r.state = 'published'
$$
"""
REMOVE = """
LANGUAGE sql VOLATILE AS $$
  DELETE FROM market_teasers t USING market_requests r
  WHERE t.id = wanted AND r.id = t.id AND r.tenant_id = app_tenant()
$$
"""

# A partner meets a request that stands on the board in its mode: what it needs to write a shared row, no more.
MET = "TABLE (buyer_tenant_id uuid, buyer_party_id uuid, state text, currency text, nda_details jsonb)"
MEET = """
LANGUAGE sql VOLATILE AS $$
  SELECT r.tenant_id, r.party_id, r.state, r.currency, r.nda_details
  FROM market_requests r JOIN tenants me ON me.id = app_tenant()
  WHERE r.id = wanted AND r.livemode = me.livemode AND r.tenant_id <> me.id
    AND r.state IN ('published', 'quoting') AND r.expires_at > present
  FOR UPDATE OF r
$$
"""
# The version stays: the buyer's log has the sealed quote for it, and no entry that could name two versions.
NOTE_QUOTING = """
LANGUAGE sql VOLATILE AS $$
  UPDATE market_requests r SET state = quoting_state, updated_at = present
  WHERE r.id = wanted AND r.state = 'published' AND quoting_state = 'quoting'
    AND EXISTS (SELECT FROM market_quotes q WHERE q.request_id = r.id AND q.partner_tenant_id = app_tenant()
      AND q.state = 'submitted')
$$
"""

# The listing's row lock makes awards on it take turns; the window is the earliest with a free slot.
COMMIT = """
LANGUAGE plpgsql VOLATILE AS $$
DECLARE listing market_listings;
BEGIN
  SELECT l.* INTO listing FROM market_listings l JOIN market_quotes q
      ON q.listing_id = l.id AND q.partner_tenant_id = l.tenant_id
    WHERE q.id = wanted_quote AND q.buyer_tenant_id = app_tenant() FOR UPDATE OF l;
  IF NOT FOUND OR listing.state = 'closed' THEN RETURN; END IF;
  SELECT (w.value ->> 'start_at')::timestamptz, (w.value ->> 'end_at')::timestamptz INTO start_at, end_at
    FROM jsonb_array_elements(market_free_windows(listing.tenant_id, listing.id, listing.windows)) WITH ORDINALITY w
    WHERE (w.value ->> 'free')::integer > 0 AND (w.value ->> 'end_at')::timestamptz > not_before
      AND (w.value ->> 'start_at')::timestamptz < due
    ORDER BY w.ordinality LIMIT 1;
  IF NOT FOUND THEN RETURN; END IF;
  INSERT INTO market_commitments (tenant_id, contract_id, listing_id, start_at, end_at)
    VALUES (listing.tenant_id, new_contract, listing.id, start_at, end_at);
  RETURN NEXT;
END $$
"""
RELEASE = """
LANGUAGE sql VOLATILE AS $$
  UPDATE market_commitments m SET released_at = present FROM market_contracts c
  WHERE c.id = wanted AND c.buyer_tenant_id = app_tenant()
    AND m.contract_id = c.id AND m.tenant_id = c.partner_tenant_id AND m.released_at IS NULL
$$
"""

# The one way into another tenant's log: only between the two parties of an existing row, only market facts about it,
# and never with openings, a request id or a work order.
TELL = """
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF kind !~ '^(nda|quote|contract|package)[.]' OR counterparty = app_tenant() OR NOT EXISTS (
    SELECT FROM (
      SELECT id, buyer_tenant_id, partner_tenant_id FROM market_ndas
      UNION ALL SELECT id, buyer_tenant_id, partner_tenant_id FROM market_quotes
      UNION ALL SELECT id, buyer_tenant_id, partner_tenant_id FROM market_contracts) s
    WHERE s.id = shared AND app_tenant() IN (s.buyer_tenant_id, s.partner_tenant_id)
      AND counterparty IN (s.buyer_tenant_id, s.partner_tenant_id))
  THEN RAISE EXCEPTION 'not a fact between these parties' USING ERRCODE = 'insufficient_privilege';
  END IF;
  INSERT INTO event (tenant_id, id, type, subject, work_order_id, actor, recorded_at, payload, openings)
    VALUES (counterparty, event_id, kind, subject, NULL, actor, present, payload, NULL);
  INSERT INTO pending (tenant_id, event_id, leaf_hash) VALUES (counterparty, event_id, leaf);
END $$
"""
