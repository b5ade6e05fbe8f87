"""Tables of attachments: what is known of a file, and its content part by part."""

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Integer, LargeBinary, Text, Uuid

from woaas_core.db.base import instant, tenant_index, tenant_table

attachments = tenant_table(
    "attachments",
    Column("id", Uuid, nullable=False),
    Column("work_order_id", Uuid, nullable=False),
    # Null where the file is the order's as a whole.
    Column("operation_id", Uuid),
    # Whichever of the two it is attached to.
    Column("subject_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    # Counted by subject, class and name: who does not read a class learns nothing of it by the next number.
    Column("file_version", Integer, nullable=False),
    Column("access_class", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    # current, superseded by a later version, or removed: then the content is destroyed.
    Column("state", Text, nullable=False),
    Column("uploaded_by", Text, nullable=False),
    instant("created_at"),
    instant("removed_at", nullable=True),
    ForeignKeyConstraint(["tenant_id", "work_order_id"], ["work_orders.tenant_id", "work_orders.id"]),
    tenant_index("attachments", "subject_id", "access_class", "name", "file_version", unique=True),
    tenant_index("attachments", "work_order_id", "id"),
    tenant_index("attachments", "operation_id", "id"),
)

attachment_parts = tenant_table(
    "attachment_parts",
    Column("attachment_id", Uuid, nullable=False),
    Column("part", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    key=("attachment_id", "part"),
)
