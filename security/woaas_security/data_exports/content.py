"""The file: a zip with each table of the tenant as NDJSON, and a manifest that says what is in it and what is not.

What is withheld opens accounts or other systems, or is a copy that serves only this service. Bytes are base64.
"""

import json
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile

from sqlalchemy import Column, LargeBinary, Table

from woaas_core.db.statements import Statement
from woaas_core.ids import encode_id

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

WITHHELD_TABLES = frozenset(
    {
        *("sessions", "second_factors", "recovery_codes", "user_tokens", "mails", "oauth_tokens", "sso_answers"),
        *("idempotency", "pending", "audit_export_parts", "data_export_parts", "export_parts"),
    }
)
WITHHELD_COLUMNS = frozenset(
    {
        *("password_hash", "password", "secret_hash", "previous_secret_hash", "token_hash", "code_hash"),
        *("client_secret", "secret", "previous_secret"),
    }
)
_FETCH = Statement.text("FETCH 1000 FROM exported")
_CLOSE = Statement.text("CLOSE exported")


def exported(tables: Iterable[Table]) -> list[Table]:
    """The tables whose rows are a tenant's own and no credentials, by name."""
    found = (t for t in tables if "tenant" in t.info or "buyer_tenant_id" in t.c)
    return sorted((t for t in found if t.name not in WITHHELD_TABLES), key=lambda t: t.name)


async def write(uow: "UnitOfWork", file: IO[bytes], tables: Iterable[Table]) -> int:
    """Write the file from the entered tenant's rows as they are now; a thousand at a time are in memory.

    Row-level security is what limits the rows to the tenant's. Returns how many there are.
    """
    counts: dict[str, int] = {}
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for table in exported(tables):
            with archive.open(f"{table.name}.ndjson", "w", force_zip64=True) as member:
                counts[table.name] = await _copy(uow, table, member)
        manifest = {
            "tenant": encode_id("ten", uow.tenant),
            "written_at": uow.clock.now().isoformat(),
            "rows": counts,
            "withheld_tables": sorted(WITHHELD_TABLES),
            "withheld_columns": sorted(WITHHELD_COLUMNS),
        }
        archive.writestr("manifest.json", json.dumps(manifest, indent=2))
    return sum(counts.values())


async def _copy(uow: "UnitOfWork", table: Table, member: IO[bytes]) -> int:
    columns = ", ".join(_selected(c) for c in table.columns if c.name not in WITHHELD_COLUMNS)
    # A name of ours in our own metadata; rows of other tenants are not visible to the statement.
    source = f'SELECT row_to_json(r)::text FROM (SELECT {columns} FROM "{table.name}") r'  # noqa: S608 - see above
    await uow.all(Statement.text(f"DECLARE exported NO SCROLL CURSOR FOR {source}"))
    count = 0
    while rows := await uow.all(_FETCH):
        member.write("".join(f"{row[0]}\n" for row in rows).encode())
        count += len(rows)
    await uow.all(_CLOSE)
    return count


def _selected(column: "Column[object]") -> str:
    if isinstance(column.type, LargeBinary):
        return f'encode("{column.name}", \'base64\') AS "{column.name}"'
    return f'"{column.name}"'
