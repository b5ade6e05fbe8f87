"""Token buckets that all processes share: a row each, refilled as time goes by, taken from in one short statement."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from sqlalchemy import Column, Double, Index, Table, Text

from woaas_core.db.base import instant, metadata
from woaas_core.db.database import Database
from woaas_core.db.statements import Statement

# Nothing of a tenant is in it but names of buckets; a crash may forget it. Only ``take_tokens`` reaches it.
rate_buckets = Table(
    "rate_buckets",
    metadata,
    Column("bucket", Text, primary_key=True),
    Column("level", Double, nullable=False),
    instant("refilled_at"),
    Index("ix_rate_buckets_refilled_at", "refilled_at"),
    prefixes=["UNLOGGED"],
)
_TAKE = Statement.text(
    "SELECT granted, level FROM take_tokens($1, $2, $3, $4, $5)", "bucket", "capacity", "per_s", "wanted", "least"
)


class Taken(NamedTuple):
    """What came out of a bucket, and how much is left in it."""

    granted: float
    level: float


Source = Callable[[str, float, float, float, float], Awaitable[Taken]]
"""Takes up to ``wanted`` tokens, or none where there are not ``least``: bucket, capacity, per second, wanted, least."""


def shared_buckets(database: Database) -> Source:
    """The buckets in the database; each taking is a transaction of its own."""

    async def take(bucket: str, capacity: float, per_s: float, wanted: float, least: float) -> Taken:
        async with database.unit_of_work() as uow:
            row = await uow.first(_TAKE, bucket=bucket, capacity=capacity, per_s=per_s, wanted=wanted, least=least)
        assert row is not None
        return Taken(row["granted"], row["level"])

    return take
