"""What `woaas audit verify` prints of the offline verifier's report, and the witness that `audit witness` runs."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .output import print_json, say

if TYPE_CHECKING:
    from woaas import Client

# What one process unpacks, so many can check.
_MOST_PROCESSES = 4


def verify_bundle(
    bundle: Path,
    vkey_files: Sequence[Path],
    checkpoint: Path | None,
    *,
    witness_files: Sequence[Path] = (),
    quorum: int | None = None,
    hourly: bool = False,
    as_json: bool,
) -> int:
    """Verify, print, and return the exit code: 0 valid, 1 invalid, 2 malformed, 3 unknown key."""
    audit = importlib.import_module("woaas.audit")
    report = audit.verify(
        bundle,
        vkeys=_lines(vkey_files) or None,
        earlier_checkpoint=None if checkpoint is None else checkpoint.read_text(),
        witnesses=_lines(witness_files),
        quorum=quorum,
        hourly=hourly,
        processes=min(os.cpu_count() or 1, _MOST_PROCESSES),
    )
    if as_json:
        print_json(report.to_dict())
    else:
        say(str(report))
    return int(report.exit_code)


def verify_single(
    proof: Path, vkey_files: Sequence[Path], leaf: Path | None, witness_files: Sequence[Path], quorum: int | None
) -> int:
    """Verify the proof of one entry, print it, and return the exit code."""
    from woaas.audit.report import Rejected
    from woaas.audit.single import verify_entry

    content = None if leaf is None else leaf.read_bytes()
    try:
        proved = verify_entry(
            proof.read_bytes(), vkeys=_lines(vkey_files), leaf=content, witnesses=_lines(witness_files), quorum=quorum
        )
    except Rejected as rejection:
        say(f"{rejection.verdict.name.lower().replace('_', ' ')}: {rejection}")
        return int(rejection.verdict)
    print_json(proved.content)
    say(f"ok: entry {proved.log_index} of {proved.origin}, in the tree of size {proved.tree_size}")
    return 0


def keep(client: Client, file: Path, vkey_files: Sequence[Path]) -> int:
    """Keep the newest checkpoint, say so, and return the exit code."""
    from woaas.audit.report import Rejected

    try:
        note = client.audit.keep_checkpoint(file, vkeys=_lines(vkey_files))
    except Rejected as rejection:
        say(f"{rejection.verdict.name.lower().replace('_', ' ')}: {rejection}")
        return int(rejection.verdict)
    say(f"ok: {note.splitlines()[0]} at size {note.splitlines()[1]}, kept in {file}")
    return 0


def run_witness(key: Path, log_files: Sequence[Path], state: Path, name: str, host: str, port: int) -> None:
    """Serve until interrupted."""
    from woaas.audit.notes import parse_vkeys
    from woaas.audit.witness import Witness
    from woaas.audit.witness_server import load_or_generate_secret, witness_server

    secret = load_or_generate_secret(key, name)
    server = witness_server(Witness(secret, parse_vkeys(_lines(log_files)), state), host, port)
    say(f"witness {secret.public.name} {secret.public.vkey} http://{host}:{server.server_port}")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


def _lines(files: Iterable[Path]) -> list[str]:
    return [line.strip() for file in files for line in file.read_text().splitlines() if line.strip()]
