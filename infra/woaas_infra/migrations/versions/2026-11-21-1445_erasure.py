"""Erasure: openings can be destroyed, by one reviewed function and in no other way; legal holds; external entries."""

import sqlalchemy as sa
from alembic import op

from woaas_core.db.tenancy import DEFINER, across_tenants, definer_function, isolate

revision = "0021_erasure"
down_revision = "0017_oauth"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("fields", sa.BigInteger(), nullable=False),
        sa.Column("erased_by", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_erasures")),
        info={"tenant": True},
    )
    op.create_table(
        "legal_holds",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_legal_holds")),
        info={"tenant": True},
    )
    op.create_table(
        "audit_sources",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_audit_sources")),
        info={"tenant": True},
    )
    op.create_index("ix_audit_sources_code", "audit_sources", ["tenant_id", "code"], unique=False)
    op.create_table(
        "external_entries",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("payload_sha256", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_external_entries")),
        info={"tenant": True},
    )
    op.create_index(
        "uq_external_entries_source_payload_sha256",
        "external_entries",
        ["tenant_id", "source", "payload_sha256"],
        unique=True,
    )
    for table in ("erasures", "legal_holds"):
        op.create_index(f"ix_{table}_subject", table, ["tenant_id", "subject"], unique=False)
    for statement in (
        *isolate("audit_sources", app="SELECT, INSERT"),
        "GRANT UPDATE (revoked_at) ON audit_sources TO woaas_app",
        *isolate("external_entries", app="SELECT, INSERT"),
        *isolate("erasures", app="SELECT, INSERT"),
        *isolate("legal_holds", app="SELECT, INSERT"),
        "GRANT UPDATE (released_at) ON legal_holds TO woaas_app",
        f"GRANT UPDATE (openings) ON event TO {DEFINER}",
        *across_tenants(DEFINER, "signatures", "SELECT, UPDATE"),
        *across_tenants(DEFINER, "master_data_versions", "SELECT, DELETE"),
        *definer_function("erase_values(about text, person uuid, words text[]) RETURNS bigint", ERASE),
        "DROP TRIGGER append_only ON event",
        "CREATE TRIGGER append_only BEFORE UPDATE OF tenant_id, id, type, subject, work_order_id, actor, recorded_at, "
        "payload OR DELETE OR TRUNCATE ON event EXECUTE FUNCTION refuse_change()",
        "ALTER TABLE event ENABLE ALWAYS TRIGGER append_only",
        ONLY_LESS,
        "CREATE TRIGGER erase_only BEFORE UPDATE OF openings ON event FOR EACH ROW EXECUTE FUNCTION allow_erasure()",
        "ALTER TABLE event ENABLE ALWAYS TRIGGER erase_only",
    ):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("what is erased cannot come back")


ONLY_LESS = """
CREATE FUNCTION allow_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_user <> 'woaas_definer' OR NOT coalesce(OLD.openings, '{}') @> coalesce(NEW.openings, '{}') THEN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$
"""
# All openings of entries about the person, and elsewhere those whose value holds one of the words. A word is compared
# as JSON writes it. Signatures keep who signed by id; the printed name goes.
ERASE = """
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  gone bigint := 0; told int; one record; kept jsonb;
  written text[] := ARRAY(SELECT substr(j, 2, length(j) - 2) FROM unnest(words) w, LATERAL (SELECT to_jsonb(w)::text) x (j));
BEGIN
  FOR one IN SELECT e.id, e.subject, e.openings FROM event e
    WHERE e.tenant_id = app_tenant() AND e.openings IS NOT NULL
      AND (e.subject = about OR EXISTS (SELECT FROM unnest(written) w WHERE position(w IN e.openings::text) > 0))
  LOOP
    SELECT coalesce(jsonb_object_agg(o.key, o.value) FILTER (WHERE o.is_kept), '{}'),
      count(*) FILTER (WHERE NOT o.is_kept) INTO kept, told
    FROM (SELECT key, value, one.subject <> about
        AND NOT EXISTS (SELECT FROM unnest(written) w WHERE position(w IN value::text) > 0) AS is_kept
      FROM jsonb_each(one.openings)) o;
    UPDATE event SET openings = kept WHERE tenant_id = app_tenant() AND id = one.id;
    gone := gone + told;
  END LOOP;
  UPDATE signatures SET signer_name = 'erased' WHERE tenant_id = app_tenant() AND signer_id = person;
  UPDATE signatures SET reason = NULL WHERE tenant_id = app_tenant()
    AND EXISTS (SELECT FROM unnest(words) w WHERE position(w IN reason) > 0);
  DELETE FROM master_data_versions WHERE tenant_id = app_tenant() AND record_id = person;
  RETURN gone;
END $$
"""
