"""Files in the database: written part by part, read by the byte, so that neither side has one in memory."""

import hashlib
from typing import IO, TYPE_CHECKING, NamedTuple
from uuid import UUID

from woaas_core.db.statements import Statement

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

PART_BYTES = 1 << 20


class Stored(NamedTuple):
    """What a file turned out to be."""

    sha256: str
    size_bytes: int


class Slice(NamedTuple):
    """A part of a file: ``content`` begins at byte ``start`` of all."""

    export: "Record"
    start: int
    content: bytes


async def keep_file(
    uow: "UnitOfWork", insert: Statement, export_id: UUID, file: IO[bytes], *, part_bytes: int = PART_BYTES
) -> Stored:
    """Keep a file from its beginning; ``insert`` takes tenant_id, export_id, part and content."""
    digest, size, part = hashlib.sha256(), 0, 0
    file.seek(0)
    while content := file.read(part_bytes):
        digest.update(content)
        size += len(content)
        await uow.execute(insert, tenant_id=uow.tenant, export_id=export_id, part=part, content=content)
        part += 1
    return Stored(digest.hexdigest(), size)
