"""What an entry costs at the database alone: pgbench runs one business transaction with and without its entry.

The transaction is that of a worker's report as the service makes it: enter the tenant, lock the order and the
operation, change both, insert the report and the stored answer. The entry is appended by the statement that the
service appends with, prepared, with a payload and openings of common size; canonical JSON and hashing, which are the
service's own work and not the database's, are measured apart.
"""

import os
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from benchmarks.audit.world import World
from woaas_core.clock import SystemClock
from woaas_core.db.statements import Statement, insert_row
from woaas_core.db.tenancy import APP, isolate
from woaas_core.events.envelope import Actor, Event, Sealed, seal
from woaas_core.events.log import append_statement
from woaas_core.idempotency import idempotency
from woaas_core.ids import uuid7
from woaas_infra.postgres.binaries import find_binaries

CLIENTS = 16
ORDERS = 200
_BATCH = 10
_TABLES = (
    "CREATE TABLE bench_order (tenant_id uuid, id int, state text, done int, version int, PRIMARY KEY (tenant_id, id))",
    "CREATE TABLE bench_operation (tenant_id uuid, id int, state text, done int, version int, "
    "PRIMARY KEY (tenant_id, id))",
    "CREATE TABLE bench_report (tenant_id uuid, id uuid, operation_id int, quantity numeric, body jsonb, "
    "PRIMARY KEY (tenant_id, id))",
    "CREATE INDEX ix_bench_report ON bench_report (tenant_id, operation_id)",
    *(s for t in ("bench_order", "bench_operation", "bench_report") for s in isolate(t)),
)
_BEGIN = r"""
\set tenant random(0, {last})
\set row random(1, {orders})
BEGIN;
SELECT set_config('app.tenant_id', id::text, true), id AS tenant_id, uuidv7() AS id, uuidv7() AS report
  FROM bench_tenant WHERE number = :tenant \gset
"""
_BUSINESS = r"""
SELECT * FROM bench_order WHERE tenant_id = :tenant_id::uuid AND id = :row FOR UPDATE;
SELECT * FROM bench_operation WHERE tenant_id = :tenant_id::uuid AND id = :row FOR UPDATE;
INSERT INTO bench_report VALUES (:tenant_id::uuid, :report::uuid, :row, 1, '{"operator": "p1", "note": "as planned"}');
UPDATE bench_operation SET done = done + 1, state = 'running', version = version + 1
  WHERE tenant_id = :tenant_id::uuid AND id = :row;
UPDATE bench_order SET done = done + 1, version = version + 1 WHERE tenant_id = :tenant_id::uuid AND id = :row;
"""
# The answer kept under its Idempotency-Key: of a transaction with entries it is written by their statement.
_ANSWER = {
    "tenant_id": ":tenant_id::uuid",
    "scope": "uuid_send(:report::uuid)",
    "body_hash": r"'\x00'::bytea",
    "status": "201",
    "headers": "'{}'::jsonb",
    "body": "convert_to(repeat('answer ', 100), 'UTF8')",
    "created_at": "now()",
}


_KEEP = insert_row(idempotency)
_TENANT = uuid7()
_ACTOR = Actor("user", "usr_06ER3YK3QXR1D0Q6Q5G6T3G1Z8", "console")
_EVENT = Event(
    uuid7(),
    "operation.reported",
    "op_06ER3YK3QXR1D0Q6Q5G6T3G1Z8",
    (6, 7),
    uuid7(),
    {"operation_id": "op_06ER3YK3QXR1D0Q6Q5G6T3G1Z8", "good": "1", "fields": ["quantity_done", "state"]},
    {"state": "running", "quantity_done": "1", "operator": "p1", "note": "as planned"},
)


async def prepare(world: World, tenants: list[UUID]) -> None:
    """Business tables with some rows a tenant."""
    await world.administer(
        *_TABLES,
        "CREATE TABLE bench_tenant (number int PRIMARY KEY, id uuid)",
        "GRANT SELECT ON bench_tenant TO woaas_app",
        *(f"INSERT INTO bench_tenant VALUES ({n}, '{t}')" for n, t in enumerate(tenants)),
        *(
            f"INSERT INTO bench_{kind} SELECT t.id, g, 'ready', 0, 1 FROM bench_tenant t, "
            f"generate_series(1, {ORDERS}) g"
            for kind in ("order", "operation")
        ),
        "VACUUM ANALYZE",
    )


def business(world: World, tenants: int, seconds: float, *, entries: int) -> float:
    """Business transactions a second, with that many entries each."""
    last = append(entries, _KEEP, _ANSWER) if entries else _filled(_KEEP, _ANSWER)
    return _run(world, _BEGIN.format(last=tenants - 1, orders=ORDERS) + _BUSINESS + last + "COMMIT;\n", seconds)


def entries_alone(world: World, tenants: int, seconds: float) -> float:
    """Entries a second where a transaction has ten and nothing else."""
    script = _BEGIN.format(last=tenants - 1, orders=ORDERS) + append(_BATCH) + "COMMIT;\n"
    return _BATCH * _run(world, script, seconds)


def append(count: int, last: Statement | None = None, last_values: Mapping[str, str] | None = None) -> str:
    """The service's own statement for that many entries and what ends with them, as pgbench prepares it."""
    sealed = _seal()
    openings = "{" + ",".join(f'"{n}":["{salt}","{value}"]' for n, (salt, value) in sealed.openings.items()) + "}"
    values = {
        "tenant_id": ":tenant_id::uuid",
        "actor": f"'{_ACTOR.id}'",
        "recorded_at": "now()",
        "id": ":id::uuid",
        "type": f"'{_EVENT.type}'",
        "subject": f"'{_EVENT.subject}'",
        "work_order_id": f"'{_EVENT.work_order_id}'::uuid",
        "payload": rf"'\x{sealed.payload.hex()}'::bytea",
        "openings": f"'{openings}'::jsonb",
        "leaf_hash": "sha256(uuid_send(uuidv7()))",
    }
    values |= {f"last_{name}": value for name, value in (last_values or {}).items()}
    statement = append_statement(count, last)
    if "id" in statement.names:
        # Made once a statement and used twice.
        drawn = f"WITH drawn AS MATERIALIZED (SELECT {_array('uuid', 'uuidv7()', count)} AS ids), made AS ("
        statement = Statement.text(statement.sql.replace("WITH made AS (", drawn), *statement.names)
    return _filled(statement, values, count)


def _filled(statement: Statement, values: Mapping[str, str], count: int = 1) -> str:
    def written(place: re.Match[str]) -> str:
        name = statement.names[int(place[1]) - 1]
        if (kind := place[2]) and kind.endswith("[]"):
            return "(SELECT ids FROM drawn)" if name == "id" else _array(kind[2:-2], values[name], count)
        return values[name.removesuffix("_0")]

    return (
        " ".join(re.sub(r"\$(\d+)(::(?:TIMESTAMP WITH TIME ZONE|\w+)(?:\[\])?)?", written, statement.sql).split())
        + ";\n"
    )


def _array(kind: str, value: str, count: int) -> str:
    return f"ARRAY[{', '.join([value] * count)}]::{kind}[]"


def _seal() -> Sealed:
    at = SystemClock().now()
    return seal(_EVENT, tenant_id=_TENANT, actor=_ACTOR, at=at, request_id=_EVENT.subject, reason=None, live=True)


def sealing() -> float:
    """Seconds of Python that one entry with four fields takes: canonical JSON, commitments, hashing."""
    turns = 5_000
    began = time.process_time()
    for _ in range(turns):
        _seal()
    return (time.process_time() - began) / turns


def _run(world: World, script: str, seconds: float) -> float:
    path = world.home / "business.sql"
    path.write_text(script)
    program = Path(find_binaries().folder) / "pgbench"
    options = [
        "-n",
        "-M",
        "prepared",
        "-c",
        str(CLIENTS),
        "-j",
        "1",
        "-T",
        str(max(1, round(seconds))),
        "-f",
        str(path),
    ]
    environment = os.environ | {"PGOPTIONS": f"-c role={APP}"}
    command = [str(program), *options, world.dsn]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    assert found is not None, done.stdout
    return float(found[1])
