"""Denied attempts, and the token buckets that processes share."""

import sqlalchemy as sa
from alembic import op

from woaas_core.db.tenancy import DEFINER, definer_function, isolate

revision = "0019_guards"
down_revision = "0021_erasure"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "denials",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "actor", "operation", "since", name=op.f("pk_denials")),
        info={"tenant": True},
    )
    op.create_table(
        "rate_buckets",
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("level", sa.Double(), nullable=False),
        sa.Column("refilled_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_rate_buckets")),
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_rate_buckets_refilled_at", "rate_buckets", ["refilled_at"], unique=False)
    for statement in (
        *isolate("denials"),
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON rate_buckets TO {DEFINER}",
        *definer_function(TAKE_TOKENS, TAKE_TOKENS_BODY),
    ):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP FUNCTION take_tokens")
    op.drop_table("rate_buckets")
    op.drop_table("denials")


TAKE_TOKENS = (
    "take_tokens(asked_bucket text, capacity float8, per_second float8, wanted float8, at_least float8) "
    "RETURNS TABLE (granted float8, level float8)"
)
# A bucket nobody has asked for is full, so one that was left alone may be forgotten.
TAKE_TOKENS_BODY = """LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    now_at timestamptz := clock_timestamp();
    full_level float8;
BEGIN
    INSERT INTO rate_buckets AS b (bucket, level, refilled_at) VALUES (asked_bucket, capacity, now_at)
    ON CONFLICT (bucket) DO UPDATE SET
        level = least(capacity, b.level + greatest(0, extract(epoch FROM now_at - b.refilled_at)) * per_second),
        refilled_at = now_at
    RETURNING b.level INTO full_level;
    granted := CASE WHEN full_level >= at_least THEN least(full_level, wanted) ELSE 0 END;
    level := full_level - granted;
    UPDATE rate_buckets b SET level = full_level - granted WHERE b.bucket = asked_bucket;
    IF random() < 0.001 THEN
        DELETE FROM rate_buckets b WHERE b.refilled_at < now_at - interval '1 hour';
    END IF;
    RETURN NEXT;
END $$
"""
