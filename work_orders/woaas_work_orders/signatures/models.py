"""The table of signatures: rows are added, and marked once when what was signed has changed."""

from sqlalchemy import Column, ForeignKeyConstraint, LargeBinary, Text, Uuid

from woaas_core.db.base import instant, tenant_index, tenant_table

signatures = tenant_table(
    "signatures",
    Column("id", Uuid, nullable=False),
    Column("work_order_id", Uuid, nullable=False),
    # Null where the order as a whole is signed.
    Column("operation_id", Uuid),
    Column("meaning", Text, nullable=False),
    Column("reason", Text),
    Column("signer_id", Uuid, nullable=False),
    # The name as it was when signing: what is printed beside the signature.
    Column("signer_name", Text, nullable=False),
    Column("method", Text, nullable=False),
    instant("signed_at"),
    Column("time_zone", Text, nullable=False),
    Column("scope", Text, nullable=False),
    # What was signed, as canonical bytes, and their SHA-256.
    Column("record", LargeBinary, nullable=False),
    Column("record_sha256", Text, nullable=False),
    # valid or invalidated; a signature is never taken away.
    Column("state", Text, nullable=False),
    instant("invalidated_at", nullable=True),
    Column("invalidated_by", Uuid),
    ForeignKeyConstraint(["tenant_id", "work_order_id"], ["work_orders.tenant_id", "work_orders.id"]),
    tenant_index("signatures", "work_order_id", "id"),
    tenant_index("signatures", "operation_id", "id"),
)
