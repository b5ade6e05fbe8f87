"""`woaas audit`."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from .config import client
from .output import AsJSON, Limit, print_json, say, show_many

if TYPE_CHECKING:
    from woaas.types.audit import NewAuditExport

app = App(name="audit", help="Export the log, and verify an export without the service.")


@app.command
def export(
    *,
    output: Path,
    since: str | None = None,
    until: str | None = None,
    format: Literal["jsonl", "csv", "parquet", "pdf"] = "jsonl",
    as_json: AsJSON = False,
) -> None:
    """Write a bundle of the log with its proofs.

    Parameters
    ----------
    output
        The file to write.
    since
        From this time or log index on.
    until
        Up to, not including, this time or log index.
    format
        What the bundle has beside the entries and their proofs: nothing, a table, or a report to read.
    """
    bounds: NewAuditExport = {"format": format}
    if since is not None:
        bounds["since"] = _bound(since)
    if until is not None:
        bounds["until"] = _bound(until)
    with client() as woaas:
        run = woaas.audit.export(**bounds)
        written = run.wait().download(output)
    if as_json:
        print_json({**run.to_dict(), "path": str(written)})
    else:
        say(f"wrote {written}; check it with: woaas audit verify {written}")


@app.command
def verify(
    bundle: Path,
    *,
    vkey: Annotated[list[Path] | None, Parameter(negative="")] = None,
    checkpoint: Path | None = None,
    witness: Annotated[list[Path] | None, Parameter(negative="")] = None,
    quorum: int | None = None,
    hourly: bool = False,
    as_json: AsJSON = False,
) -> int:
    """Verify a bundle without the service: 0 valid, 1 invalid, 2 malformed, 3 signed by an unknown key.

    Parameters
    ----------
    bundle
        The file `audit export` wrote.
    vkey
        A file of verifier keys you kept from earlier; without one the bundle is only checked against its own.
    checkpoint
        A checkpoint you kept from earlier; the bundle's log must contain that state unchanged.
    witness
        A file of keys of witnesses you trust; they must have cosigned the bundle's checkpoint.
    quorum
        How many of them must have; all, if left out.
    hourly
        Refuse a bundle in which more than an hour passes between two checkpoints, instead of only saying so.
    """
    from .verification import verify_bundle

    return verify_bundle(
        bundle, vkey or [], checkpoint, witness_files=witness or [], quorum=quorum, hourly=hourly, as_json=as_json
    )


@app.command
def verify_entry(
    proof: Path,
    *,
    vkey: Annotated[list[Path], Parameter(negative="")],
    leaf: Path | None = None,
    witness: Annotated[list[Path] | None, Parameter(negative="")] = None,
    quorum: int | None = None,
) -> int:
    """Verify a `.tlog-proof` file of one entry without the service; exit codes as of `verify`.

    Parameters
    ----------
    proof
        The file.
    vkey
        A file of verifier keys of the log.
    leaf
        The entry's exact bytes, where the proof does not hold them.
    witness
        A file of keys of witnesses you trust.
    quorum
        How many of them must have cosigned; all, if left out.
    """
    from .verification import verify_single

    return verify_single(proof, vkey, leaf, witness or [], quorum)


@app.command
def witness(
    *,
    key: Path,
    log: Annotated[list[Path], Parameter(negative="")],
    state: Path,
    name: str = "",
    port: int = 8777,
    host: str = "127.0.0.1",
) -> None:
    """Cosign the log's checkpoints on a machine of your own: the service can then not rewrite what you have seen.

    Prints the witness's key; the operator of the log puts it with this machine's URL into his witness policy.

    Parameters
    ----------
    key
        The file of your key; made if it is not there.
    log
        A file of verifier keys of logs to watch, as `audit verify --vkey` takes it.
    state
        The file that remembers the last state of each log.
    name
        What a new key is called, usually a URL without https://.
    """
    from .verification import run_witness

    run_witness(key, log, state, name or f"{host}:{port}", host, port)


@app.command
def keep_checkpoint(file: Path, *, vkey: Annotated[list[Path], Parameter(negative="")]) -> int:
    """Fetch the newest checkpoint and keep it, if it continues the one kept before; else exit with 1.

    Parameters
    ----------
    file
        Where it is kept; `audit verify --checkpoint` takes this file.
    vkey
        A file of verifier keys of the log, obtained apart from it.
    """
    from .verification import keep

    with client() as woaas:
        return keep(woaas, file, vkey)


@app.command
def checkpoints(*, limit: Limit = 20, latest: bool = False, as_json: AsJSON = False) -> None:
    """Signed states of the log. Keep one where the service cannot change it.

    Parameters
    ----------
    latest
        Print the newest signed note alone, as `audit verify --checkpoint` reads it.
    """
    with client() as woaas:
        if latest:
            note = woaas.audit.latest_checkpoint()
            print_json({"note": note}) if as_json else say(note.rstrip("\n"))
            return
        rows = list(islice(woaas.audit.checkpoints(limit=min(limit, 200)), limit))
    show_many(rows, ("size", "root", "signed_at"), as_json=as_json)


def _bound(text: str) -> int | str:
    return int(text) if text.isdigit() else text
