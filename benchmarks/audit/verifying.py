"""How fast the offline verifier goes through a range export, and in how much memory."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from woaas_core.events.canonical import canonical, commit
from woaas_security.audit.bundle import BundleScope, BundleWriter, ExportedEntry
from woaas_security.audit.checkpoint import Checkpoint
from woaas_security.audit.note import SigningKey
from woaas_security.audit.proofs import NodeHashes
from woaas_security.audit.tree import Frontier, leaf_hash

ORIGIN = "bench.woaas/audit/t/0198c0de-0000-7000-8000-000000000001"
# VmHWM begins anew with a program; ru_maxrss also counts what forked it.
_PEAK = """
def peak_mib():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
"""
# Workers count with the largest of them; what a child began from is counted too, so this is rather too much.
_VERIFY = """
import json, resource, sys, time, woaas.audit
processes = int(sys.argv[2])
began = time.perf_counter()
report = woaas.audit.verify(sys.argv[1], processes=processes)
took = time.perf_counter() - began
assert report.ok, str(report)
workers = processes * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(json.dumps([report.entries / took, peak_mib() + workers]))
"""
_WRITE = """
import sys
from pathlib import Path
from benchmarks.audit.verifying import write
write(Path(sys.argv[1]), int(sys.argv[2]))
print(peak_mib())
"""


class Speed(NamedTuple):
    """What going through a bundle takes."""

    per_second: float
    rss_mib: float
    alone_per_second: float
    bytes_per_entry: float
    writer_rss_mib: float


def measure(size: int, processes: int = 2) -> Speed:
    """Write a bundle of that many entries and verify it, in a process of its own and with workers beside it."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "bundle.zip"
        written = subprocess.run(
            [sys.executable, "-c", _PEAK + _WRITE, bundle, str(size)], capture_output=True, check=True
        )
        alone, _ = _verified(bundle, 0)
        per_second, rss = _verified(bundle, processes)
        return Speed(per_second, rss, alone, bundle.stat().st_size / size, float(written.stdout))


def _verified(bundle: Path, processes: int) -> tuple[float, float]:
    command = [sys.executable, "-c", _PEAK + _VERIFY, bundle, str(processes)]
    per_second, rss = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return per_second, rss


def write(path: Path, size: int) -> None:
    """A bundle of the whole log."""
    key = SigningKey.generate(ORIGIN)
    frontier = Frontier()
    for entry in entries(size):
        frontier.extend([entry.leaf_hash])
    note = Checkpoint(ORIGIN, size, frontier.root()).sign([key])
    no_tile = NodeHashes(lambda *_: b"")
    with (
        path.open("wb") as target,
        BundleWriter(
            target, BundleScope("ten_bench", 0, size), checkpoint=note, vkeys=[str(key.verifier)], hashes=no_tile
        ) as writer,
    ):
        writer.add(entries(size))


def entries(size: int) -> Iterator[ExportedEntry]:
    """Entries like those of operations: an object changed again and again, one sealed field."""
    sealed = {"state": commit("running", bytes(32)).commitment}
    for number in range(size):
        before = number // 1_000
        leaf = canonical(
            {
                "v": 1,
                "id": f"evt_{number:026}",
                "tenant": "ten_bench",
                "type": "operation.commanded",
                "at": "2026-11-20T08:00:00.000000Z",
                "actor": {"type": "user", "id": "usr_06ER3YK3QXR1D0Q6Q5G6T3G1Z8"},
                "request_id": f"req_{number}",
                "subject": f"op_{number % 1_000}",
                "work_order": f"wo_{number % 100}",
                "version": [before or None, before + 1],
                "reason": None,
                "livemode": True,
                "data": {"command": "start", "operation_id": f"op_{number % 1_000}"},
                "changes": sealed,
            }
        )
        yield ExportedEntry(number, leaf, leaf_hash(leaf))
