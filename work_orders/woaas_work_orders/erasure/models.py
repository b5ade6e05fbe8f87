"""Tables of erasures and legal holds. Neither says who the person was."""

from sqlalchemy import BigInteger, Column, Text, Uuid

from woaas_core.db.base import instant, tenant_index, tenant_table

erasures = tenant_table(
    "erasures",
    Column("id", Uuid, nullable=False),
    Column("subject", Text, nullable=False),
    Column("fields", BigInteger, nullable=False),
    Column("erased_by", Text, nullable=False),
    instant("erased_at"),
    tenant_index("erasures", "subject"),
)

legal_holds = tenant_table(
    "legal_holds",
    Column("id", Uuid, nullable=False),
    # The id of a person or a work order, or `*` for everything of the tenant.
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("placed_by", Text, nullable=False),
    instant("placed_at"),
    instant("released_at", nullable=True),
    tenant_index("legal_holds", "subject"),
)
