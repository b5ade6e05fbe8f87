"""Retention: old entries leave the table of events for an archive, by one reviewed function; access that ends."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from woaas_core.db.tenancy import DEFINER, OWNER, across_tenants, definer_function, isolate

revision = "0025_retention"
down_revision = "0023_tool_groups"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_archive",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("tile", sa.BigInteger(), nullable=False),
        sa.Column("types", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("subjects", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("work_order_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("actors", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("recorded", postgresql.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("payloads", postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("openings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "tile", name=op.f("pk_log_archive")),
        info={"tenant": True},
    )
    op.create_table(
        "audit_archives",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("first_index", sa.BigInteger(), nullable=False),
        sa.Column("end_index", sa.BigInteger(), nullable=False),
        sa.Column("recorded_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_audit_archives")),
        info={"tenant": True},
    )
    op.create_table(
        "audit_retention",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("archive_after_days", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_audit_retention")),
        info={"tenant": True},
    )
    op.add_column("users", sa.Column("access_until", sa.DateTime(timezone=True), nullable=True))
    for statement in (
        *isolate("log_archive", app="SELECT"),
        *isolate("audit_archives", app="SELECT, INSERT"),
        *isolate("audit_retention", app="SELECT, INSERT, UPDATE"),
        *across_tenants(DEFINER, "log_archive", "SELECT, INSERT"),
        f"GRANT UPDATE (openings) ON log_archive TO {DEFINER}",
        *across_tenants(DEFINER, "log", "SELECT"),
        *across_tenants(DEFINER, "legal_holds", "SELECT"),
        *across_tenants(DEFINER, "audit_retention", "SELECT"),
        f"GRANT DELETE ON event TO {DEFINER}",
        # Nothing leaves the archive, and of its rows only openings go.
        "CREATE TRIGGER append_only BEFORE UPDATE OF tenant_id, tile, types, subjects, work_order_ids, actors, "
        "recorded, payloads, first_at, last_at OR DELETE OR TRUNCATE ON log_archive EXECUTE FUNCTION refuse_change()",
        "ALTER TABLE log_archive ENABLE ALWAYS TRIGGER append_only",
        "CREATE TRIGGER erase_only BEFORE UPDATE OF openings ON log_archive "
        "FOR EACH ROW EXECUTE FUNCTION allow_erasure()",
        "ALTER TABLE log_archive ENABLE ALWAYS TRIGGER erase_only",
        # What leaves the table of events is in the archive, byte for byte.
        "DROP TRIGGER append_only ON event",
        "CREATE TRIGGER append_only BEFORE UPDATE OF tenant_id, id, type, subject, work_order_id, actor, recorded_at, "
        "payload OR TRUNCATE ON event EXECUTE FUNCTION refuse_change()",
        "ALTER TABLE event ENABLE ALWAYS TRIGGER append_only",
        ONLY_ARCHIVING,
        "CREATE TRIGGER archive_only BEFORE DELETE ON event EXECUTE FUNCTION allow_archiving()",
        "ALTER TABLE event ENABLE ALWAYS TRIGGER archive_only",
        ONLY_ARCHIVED,
        "CREATE TRIGGER archived_only AFTER DELETE ON event REFERENCING OLD TABLE AS gone "
        "FOR EACH STATEMENT EXECUTE FUNCTION require_archived()",
        "ALTER TABLE event ENABLE ALWAYS TRIGGER archived_only",
        *definer_function(ARCHIVE_NAME, ARCHIVE),
        *definer_function("tenants_with_retention() RETURNS SETOF uuid", TENANTS),
        f"SET LOCAL ROLE {DEFINER}",
        LET_END,
        WITHOUT,
        "REVOKE ALL ON FUNCTION openings_without(jsonb, boolean, text[]) FROM PUBLIC",
        "CREATE OR REPLACE FUNCTION erase_values(about text, person uuid, words text[]) RETURNS bigint "
        f"SECURITY DEFINER SET search_path = public, pg_temp {ERASE}",
        f"SET LOCAL ROLE {OWNER}",
    ):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("what is archived does not come back by itself")


ONLY_ARCHIVING = """
CREATE FUNCTION allow_archiving() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_user <> 'woaas_definer' THEN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NULL;
END $$
"""
ONLY_ARCHIVED = """
CREATE FUNCTION require_archived() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
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
# Full tiles from the oldest on, until one that is not signed, too young, held, or ahead of a reader. What is moved is
# what the tree has: an entry that does not give its leaf hash stops it all.
ARCHIVE_NAME = (
    "archive_entries(recorded_before timestamptz, at_most integer, readers text[]) "
    "RETURNS TABLE (first_index bigint, end_index bigint, recorded_from timestamptz, recorded_to timestamptz)"
)
ARCHIVE = """
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  tenant uuid := app_tenant(); began bigint; place bigint; ends bigint; held text[];
  kept log_archive; hashes bytea[];
BEGIN
  PERFORM FROM audit_retention r WHERE r.tenant_id = tenant AND r.archive_after_days IS NOT NULL;
  IF NOT FOUND THEN RETURN; END IF;
  SELECT coalesce(max(a.tile) + 1, 0) INTO began FROM log_archive a WHERE a.tenant_id = tenant;
  SELECT least(h.signed_size, (SELECT min(coalesce(c.next_index, 0)) FROM unnest(readers) r (name)
      LEFT JOIN reader_cursor c ON c.tenant_id = tenant AND c.reader = r.name)) / 256
    INTO ends FROM log_head h WHERE h.tenant_id = tenant;
  held := ARRAY(SELECT s.subject FROM legal_holds s WHERE s.tenant_id = tenant AND s.released_at IS NULL);
  IF '*' = ANY(held) THEN RETURN; END IF;
  place := began;
  WHILE place < least(ends, began + at_most) LOOP
    SELECT tenant, place, array_agg(e.type ORDER BY l.index), array_agg(e.subject ORDER BY l.index),
        array_agg(e.work_order_id ORDER BY l.index), array_agg(e.actor ORDER BY l.index),
        array_agg(e.recorded_at ORDER BY l.index), array_agg(e.payload ORDER BY l.index),
        coalesce(jsonb_object_agg(l.index % 256, e.openings) FILTER (WHERE e.openings IS NOT NULL), '{}'),
        min(e.recorded_at), max(e.recorded_at)
      INTO kept
      FROM log l JOIN event e ON e.tenant_id = l.tenant_id AND e.id = l.event_id
      WHERE l.tenant_id = tenant AND l.index >= place * 256 AND l.index < place * 256 + 256;
    EXIT WHEN kept.last_at >= recorded_before;
    EXIT WHEN EXISTS (SELECT FROM unnest(held) s WHERE s = ANY(kept.subjects) OR s = ANY(kept.actors)
      OR position(to_json(s)::text IN kept.openings::text) > 0
      OR EXISTS (SELECT FROM unnest(kept.payloads) p WHERE position(convert_to(to_json(s)::text, 'UTF8') IN p) > 0));
    hashes := ARRAY(SELECT sha256('\\x00' || p) FROM unnest(kept.payloads) WITH ORDINALITY u (p, n) ORDER BY n);
    IF hashes <> ARRAY(SELECT l.leaf_hash FROM log l WHERE l.tenant_id = tenant
        AND l.index >= place * 256 AND l.index < place * 256 + 256 ORDER BY l.index) OR cardinality(hashes) <> 256 THEN
      RAISE EXCEPTION 'the entries of tile % are not those of the log', place USING ERRCODE = 'data_corrupted';
    END IF;
    INSERT INTO log_archive VALUES (kept.*);
    DELETE FROM event e USING log l WHERE l.tenant_id = tenant AND l.index >= place * 256 AND l.index < place * 256 + 256
      AND e.tenant_id = tenant AND e.id = l.event_id;
    place := place + 1;
  END LOOP;
  IF place > began THEN
    RETURN QUERY SELECT began * 256, place * 256, min(a.first_at), max(a.last_at) FROM log_archive a
      WHERE a.tenant_id = tenant AND a.tile >= began AND a.tile < place;
  END IF;
END $$
"""
# Every function that lets a member in asks whether he is active; from now on, whether he still is.
LET_END = """
DO $do$
DECLARE one record;
BEGIN
  FOR one IN SELECT pg_get_functiondef(oid) AS text FROM pg_proc
    WHERE prosecdef AND pronamespace = 'public'::regnamespace AND prosrc LIKE $$%u.state = 'active'%$$
  LOOP
    EXECUTE replace(one.text, $$u.state = 'active'$$,
      $$u.state = 'active' AND coalesce(u.access_until > clock_timestamp(), true)$$);
  END LOOP;
END $do$
"""
TENANTS = """
LANGUAGE sql STABLE AS $$
  SELECT r.tenant_id FROM audit_retention r WHERE r.archive_after_days IS NOT NULL
$$
"""
# What an erasure leaves of an entry's openings: nothing of an entry about the person, elsewhere what holds no word.
WITHOUT = """
CREATE FUNCTION openings_without(openings jsonb, is_about boolean, written text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
  SELECT coalesce(jsonb_object_agg(o.key, o.value), '{}') FROM jsonb_each(openings) o
  WHERE NOT is_about AND NOT EXISTS (SELECT FROM unnest(written) w WHERE position(w IN o.value::text) > 0)
$$
"""
# As it was, and in the archive too. A word is compared as JSON writes it.
ERASE = """
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  gone bigint := 0; one record; kept jsonb; left_of jsonb;
  written text[] := ARRAY(SELECT substr(j, 2, length(j) - 2) FROM unnest(words) w, LATERAL (SELECT to_jsonb(w)::text) x (j));
BEGIN
  FOR one IN SELECT e.id, e.subject, e.openings FROM event e
    WHERE e.tenant_id = app_tenant() AND e.openings IS NOT NULL
      AND (e.subject = about OR EXISTS (SELECT FROM unnest(written) w WHERE position(w IN e.openings::text) > 0))
  LOOP
    kept := openings_without(one.openings, one.subject = about, written);
    UPDATE event SET openings = kept WHERE tenant_id = app_tenant() AND id = one.id;
    gone := gone + (SELECT count(*) FROM jsonb_object_keys(one.openings)) - (SELECT count(*) FROM jsonb_object_keys(kept));
  END LOOP;
  FOR one IN SELECT a.tile, a.subjects, a.openings FROM log_archive a
    WHERE a.tenant_id = app_tenant()
      AND (about = ANY(a.subjects) OR EXISTS (SELECT FROM unnest(written) w WHERE position(w IN a.openings::text) > 0))
  LOOP
    SELECT coalesce(jsonb_object_agg(o.place, o.kept), '{}'), gone + coalesce(sum(o.before - o.after), 0)
      INTO left_of, gone
      FROM (SELECT e.key AS place, k.kept, (SELECT count(*) FROM jsonb_object_keys(e.value)) AS before,
          (SELECT count(*) FROM jsonb_object_keys(k.kept)) AS after
        FROM jsonb_each(one.openings) e,
          LATERAL (SELECT openings_without(e.value, one.subjects[e.key::int + 1] = about, written)) k (kept)) o;
    UPDATE log_archive SET openings = left_of WHERE tenant_id = app_tenant() AND tile = one.tile;
  END LOOP;
  UPDATE signatures SET signer_name = 'erased' WHERE tenant_id = app_tenant() AND signer_id = person;
  UPDATE signatures SET reason = NULL WHERE tenant_id = app_tenant()
    AND EXISTS (SELECT FROM unnest(words) w WHERE position(w IN reason) > 0);
  DELETE FROM master_data_versions WHERE tenant_id = app_tenant() AND record_id = person;
  RETURN gone;
END $$
"""
