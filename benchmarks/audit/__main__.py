"""`python -m benchmarks.audit`: the audit log beside its goals; the exit code is 1 where one is missed.

WOAAS_BENCH_SECONDS is how long each rate is held (default 60), WOAAS_BENCH_ENTRIES how long the log for proofs and the
bundle for the verifier are (default 1,000,000). Seconds of wall time: measure on a machine that does nothing else.
"""

import asyncio
import os
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from benchmarks.audit import proving, verifying, writing
from benchmarks.audit.world import world

SECONDS = float(os.environ.get("WOAAS_BENCH_SECONDS", "60"))
ENTRIES = int(os.environ.get("WOAAS_BENCH_ENTRIES", "1000000"))
TENANTS = 100
Row = tuple[str, str, str, bool]


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
        await writing.prepare(here, tenants)
        rounds = [
            (
                await writing.transactions(here, tenants, SECONDS / 6, 0),
                await writing.transactions(here, tenants, SECONDS / 6, 1),
            )
            for _ in range(3)
        ]
        plain, audited = (sum(one) / len(rounds) for one in zip(*rounds, strict=True))
        cost = 1 - audited / plain
        rows.append(("transactions/s without an entry", f"{plain:,.0f}", "", True))
        rows.append(("transactions/s with one", f"{audited:,.0f} (-{cost:.1%})", "<= 10 % less", cost <= 0.1))
        with here.sequencing():
            await here.drained()
            batched = 10 * await writing.transactions(here, tenants, SECONDS, 10)
            await here.drained()
            rows.append(("entries/s over 100 tenants, 10 each", f"{batched:,.0f}", ">= 5,000", batched >= 5_000))
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


def _verifier() -> Iterator[Row]:
    speed = verifying.measure(ENTRIES)
    yield f"verified entries/s of {ENTRIES:,}", f"{speed.per_second:,.0f}", ">= 100,000", speed.per_second >= 100_000
    yield "... in one process", f"{speed.alone_per_second:,.0f}", "", True
    yield "memory of the verifier and its workers", f"{speed.rss_mib:.0f} MiB", "< 200 MB", speed.rss_mib < 190
    yield "memory of the writer", f"{speed.writer_rss_mib:.0f} MiB", "", True
    yield "bundle", f"{speed.bytes_per_entry:.0f} bytes an entry", "", True


if __name__ == "__main__":
    sys.exit(main())
