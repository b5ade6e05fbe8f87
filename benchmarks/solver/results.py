"""What was measured, kept in files: with FULL=1 nothing measured before is measured again.

A figure belongs to an engine in one version, an instance, a seed and a time limit. The version of our own engines is
a hash of their sources, so a change of the engine starts anew.
"""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).resolve().parents[1] / ".results"
ROOT = Path(__file__).resolve().parents[2]


class Trial(NamedTuple):
    """One thing to measure."""

    engine: str
    version: str
    instance: str
    seed: int
    seconds: float


def is_full() -> bool:
    """True if the full sets are asked for."""
    return os.environ.get("FULL", "") not in {"", "0"}


def version_of(*sources: str) -> str:
    """A hash over the Python files of packages or modules, named by their paths from the root."""
    files = sorted(
        file
        for source in sources
        for file in ([ROOT / source] if source.endswith(".py") else (ROOT / source).rglob("*.py"))
    )
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def measured(trial: Trial, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The trial's figures: measured now, or with FULL=1 as they were before; the load of the machine is added."""
    name = f"{trial.engine}-{trial.instance}-{trial.seed}-{trial.seconds:g}-{trial.version}.json".replace("/", "_")
    file = FOLDER / name
    if is_full() and file.exists():
        known: dict[str, Any] = json.loads(file.read_text())
        return known
    figures = {**measure(), "load": round(os.getloadavg()[0], 1)}
    FOLDER.mkdir(exist_ok=True)
    unfinished = file.with_suffix(".part")
    unfinished.write_text(json.dumps(figures))
    unfinished.replace(file)
    return figures
