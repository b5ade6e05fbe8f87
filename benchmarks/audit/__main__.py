"""`python -m benchmarks.audit`: the audit log beside its goals; the exit code is 1 where one is missed.

WOAAS_BENCH_SECONDS is how long each rate is held (default 60), WOAAS_BENCH_ENTRIES how long the log for proofs and the
bundle for the verifier are (default 1,000,000). Seconds of wall time: measure on a machine that does nothing else.
"""

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from uuid import UUID

from rich.console import Console
from rich.table import Table

from benchmarks.audit import proving, serving, statements, verifying, writing
from benchmarks.audit.world import World, world

SECONDS = float(os.environ.get("WOAAS_BENCH_SECONDS", "60"))
ENTRIES = int(os.environ.get("WOAAS_BENCH_ENTRIES", "1000000"))
TENANTS = 100
Row = tuple[str, str, str, bool]
_ROUNDS = 5


def main() -> int:
    """Print the figures."""
    rows = [*asyncio.run(_log()), *_verifier()]
    table = Table("what", "measured", "goal", "met")
    for what, measured, goal, met in rows:
        table.add_row(what, measured, goal, "yes" if met else "NO")
    Console(width=120).print(table)
    return int(not all(met for *_, met in rows))


async def _log() -> list[Row]:
    rows: list[Row] = []
    async with world() as here:
        tenants = await here.tenants(TENANTS)
        rows += await _database(here, tenants)
        served = await serving.measure(here, tenants[0])
        cost = 1 - served.audited / served.plain
        rows += [
            ("requests/s of a server without the log", f"{served.plain:,.0f}", "", True),
            ("the same with it", f"{served.audited:,.0f} (-{cost:.1%})", "<= 10 % less", cost <= 0.1),
            ("processor time of API and database for one",
             f"{served.audited_ms:.2f} ms, without {served.plain_ms:.2f}", "", True),
            ("entries/s that these requests make", f"{served.entries:,.0f}", "", True),
        ]  # fmt: skip
        await writing.prepare(here, tenants)
        with here.sequencing():
            batched = 10 * await writing.transactions(here, tenants, SECONDS, 10)
            await here.drained()
            rows.append(("entries/s through the service's code in one process", f"{batched:,.0f}", "", True))
            for held in (False, True):
                delays = await writing.merge_delay(here, tenants, SECONDS, 1_000, held=held)
                name = f"into the log at {delays.per_second:,.0f}/s{', a transaction open elsewhere' if held else ''}"
                shown = f"{delays.median_s * 1e3:,.0f} ms, p99 {delays.p99_s * 1e3:,.0f} ms"
                rows.append((name, shown, "p99 <= 2 s", delays.p99_s <= 2))
        (tenant,) = await here.tenants(1)
        await proving.fill(here, tenant, ENTRIES)
        for name, proofs in (
            ("inclusion", await proving.inclusion(here, tenant, ENTRIES, 2_000)),
            ("consistency", await proving.consistency(here, tenant, ENTRIES, 2_000)),
        ):
            shown = f"p99 {proofs.p99_ms:.2f} ms, {proofs.hashes} hashes, {proofs.tiles} tiles"
            rows.append((f"{name} proofs of {ENTRIES:,}", shown, "p99 <= 10 ms", proofs.p99_ms <= 10))
    return rows


async def _database(here: World, tenants: list[UUID]) -> list[Row]:
    await statements.prepare(here, tenants)
    rounds = [
        [
            await asyncio.to_thread(statements.business, here, TENANTS, SECONDS / _ROUNDS / 2, entries=entries)
            for entries in (0, 1)
        ]
        for _ in range(_ROUNDS)
    ]
    plain, audited = (sum(one) / _ROUNDS for one in zip(*rounds, strict=True))
    cost = 1 - audited / plain
    with here.sequencing():
        rate = await asyncio.to_thread(statements.entries_alone, here, TENANTS, SECONDS)
        began = time.perf_counter()
        await here.drained()
        behind = time.perf_counter() - began
    return [
        ("transactions/s at the database", f"{plain:,.0f}", "", True),
        ("the same with their entries", f"{audited:,.0f} (-{cost:.1%})", "", True),
        ("entries/s at the database, 10 each", f"{rate:,.0f}, {behind:.1f} s behind", ">= 5,000", rate >= 5_000),
        ("processor time of the service for an entry", f"{statements.sealing() * 1e6:.0f} us", "", True),
    ]


def _verifier() -> Iterator[Row]:
    speed = verifying.measure(ENTRIES)
    yield f"verified entries/s of {ENTRIES:,}", f"{speed.per_second:,.0f}", ">= 100,000", speed.per_second >= 100_000
    yield "... in one process", f"{speed.alone_per_second:,.0f}", "", True
    yield "memory of the verifier and its workers", f"{speed.rss_mib:.0f} MiB", "< 200 MB", speed.rss_mib < 190
    yield "memory of the writer", f"{speed.writer_rss_mib:.0f} MiB", "", True
    yield "bundle", f"{speed.bytes_per_entry:.0f} bytes an entry", "", True


if __name__ == "__main__":
    sys.exit(main())
