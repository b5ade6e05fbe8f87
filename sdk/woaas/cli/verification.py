"""What `woaas audit verify` prints of the offline verifier's report."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

from .output import print_json, say


def verify_bundle(bundle: Path, vkey_files: Sequence[Path], checkpoint: Path | None, *, as_json: bool) -> int:
    """Verify, print, and return the exit code: 0 valid, 1 invalid, 2 malformed, 3 unknown key."""
    audit = importlib.import_module("woaas.audit")
    vkeys = [line.strip() for file in vkey_files for line in file.read_text().splitlines() if line.strip()]
    earlier = None if checkpoint is None else checkpoint.read_text()
    report = audit.verify(bundle, vkeys=vkeys or None, earlier_checkpoint=earlier)
    if as_json:
        print_json(report.to_dict())
    else:
        say(str(report))
    return int(report.exit_code)
