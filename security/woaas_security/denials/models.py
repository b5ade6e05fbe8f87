"""The table of denied attempts."""

from sqlalchemy import Column, Integer, Text

from woaas_core.db.base import instant, tenant_table

# One row for what a caller was denied in an hour, however often he tried; ``operation`` * is his day.
denials = tenant_table(
    "denials",
    Column("actor", Text, nullable=False),
    Column("operation", Text, nullable=False),
    instant("since"),
    Column("code", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    instant("last_at"),
    key=("actor", "operation", "since"),
)
