"""Writing exports: page by page in short transactions, each under the rights that its requester has at that moment.

Whoever writes one leases it. A killed process leaves no more than a lease that runs out, and the file is begun anew;
parts are stored with the end in one transaction, so that half a file is never there. Memory holds one page of rows,
or the rows of one row group of a Parquet file.
"""

import tempfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from woaas_core.errors import DomainError
from woaas_core.ids import encode_id
from woaas_core.pagination import CursorCodec
from woaas_security.authz.counting import count_rows
from woaas_security.authz.listing import MAX_LIMIT, ListQuery, list_rows
from woaas_security.exports import events, repository
from woaas_security.exports.formats import Table, columns_of, table_of
from woaas_security.exports.lists import ExportedList, ExportedLists
from woaas_security.exports.resources import EXPORT
from woaas_security.exports.rights import rights_of
from woaas_security.exports.service import KEPT_FOR, query_of
from woaas_security.file_parts import keep_file
from woaas_security.identity.service import Authenticator
from woaas_security.on_behalf import requester

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 5
PAGES_AT_ONCE = 10

Begin = Callable[[], AbstractAsyncContextManager["UnitOfWork"]]
"""Opens a transaction in the tenant, as the process that works."""


class Writing(NamedTuple):
    """A file on its way."""

    row: "Record"
    listed: ExportedList
    file: IO[bytes]


class _Left(Exception):
    """It is not this process's to write any more."""


class Writer:
    """Writes exports of any tenant."""

    def __init__(self, lists: ExportedLists, authenticator: Authenticator, codec: CursorCodec) -> None:
        self._lists = lists
        self._authenticator = authenticator
        self._codec = codec

    async def write_next(self, begin: Begin, is_stopping: Callable[[], bool] = lambda: False) -> bool:
        """Write the export of the tenant that was asked for first; returns whether there was one."""
        async with begin() as uow:
            row = await repository.take(uow, uow.clock.now() + LEASE)
        if row is None:
            return False
        try:
            if row["attempt"] > MOST_ATTEMPTS:
                await _fail(begin, row, "Whoever wrote it was interrupted each time.")
            else:
                with tempfile.TemporaryFile() as file:
                    await self._write(begin, Writing(row, self._lists.of(row), file), is_stopping)
        except _Left:
            pass
        except DomainError as error:
            await _fail(begin, row, error.detail)
        return True

    async def _write(self, begin: Begin, writing: Writing, is_stopping: Callable[[], bool]) -> None:
        table: Table | None = None
        rights: dict[str, Any] | None = None
        cursor: str | None = None
        rows, expected = 0, None
        while table is None or cursor is not None:
            async with begin() as uow:
                if is_stopping():
                    await repository.give_back(uow, writing.row, is_counted=False)
                    return
                page = await self._page(uow, writing, cursor, is_first=table is None)
                if rights is not None and page.rights != rights:
                    # A file is of one piece: what he may read has changed, so it is begun anew.
                    await repository.give_back(uow, writing.row, is_counted=True)
                    return
                rights, cursor, rows = page.rights, page.cursor, rows + len(page.shown)
                expected = expected if page.expected is None else page.expected
                if not await repository.keep(uow, writing.row, uow.clock.now() + LEASE, rows=rows, expected=expected):
                    raise _Left
            if table is None:
                table = table_of(writing.row["format"], writing.file, page.columns)
            table.add(page.shown)
        table.close()
        async with begin() as uow:
            await _finish(uow, writing, rows, rights)

    async def _page(self, uow: "UnitOfWork", writing: Writing, cursor: str | None, *, is_first: bool) -> "_Page":
        """Rows from a cursor on, as their requester may see them now."""
        row, listed = writing.row, writing.listed
        principal = await requester(uow, row["requested_by"], self._authenticator)
        principal.require(EXPORT, "create")
        access = principal.require(listed.resource, "read")
        uow.actor = principal.actor  # What he is shown of restricted fields is noted as read by him.
        asked, fields = query_of(row), row["fields"]
        only = None if fields is None else frozenset(fields)
        options: dict[str, Any] = {"where": listed.where(principal), "values": listed.values}
        expected = None
        if is_first:
            expected = sum((await count_rows(uow, principal, access, asked, **options)).values())
        shown: list[dict[str, Any]] = []
        for _ in range(PAGES_AT_ONCE):
            query = ListQuery(filters=asked.filters, q=asked.q, limit=MAX_LIMIT, cursor=cursor)
            found = await list_rows(uow, principal, access, query, self._codec, **options)
            shown += [principal.show(access, one, only) for one in found.rows]
            cursor = found.next_cursor
            if cursor is None:
                break
        rights = rights_of(principal, listed.resource, fields)
        return _Page(shown, cursor, columns_of(access, fields), rights, expected)


class _Page(NamedTuple):
    shown: list[dict[str, Any]]
    cursor: str | None
    columns: list[Any]
    rights: dict[str, Any]
    expected: int | None


async def _finish(uow: "UnitOfWork", writing: Writing, rows: int, rights: dict[str, Any] | None) -> None:
    row, now = writing.row, uow.clock.now()
    if not await repository.keep(uow, row, now + LEASE, rows=rows, expected=rows):
        raise _Left  # Else it is locked now: nobody stops or takes it before it is stored.
    stored = await keep_file(uow, repository.INSERT_PART, row["id"], writing.file)
    outcome = {"status": "finished", "rows": rows, "rights": rights, **stored._asdict(), "finished_at": now}
    await repository.end(uow, row, outcome | {"expires_at": now + KEPT_FOR})
    data = {"resource": row["resource"], "format": row["format"], "rows": rows, "sha256": stored.sha256}
    uow.record(events.FINISHED, subject=encode_id("exp", row["id"]), data=data)


async def _fail(begin: Begin, row: "Record", error: str) -> None:
    async with begin() as uow:
        outcome = {"status": "failed", "rows": 0, "error": error, "finished_at": uow.clock.now()}
        if await repository.end(uow, row, outcome):
            uow.record(events.FAILED, subject=encode_id("exp", row["id"]), data={"resource": row["resource"]})
