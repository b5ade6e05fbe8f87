"""Makes a data directory, whole or not at all, and refuses one it cannot serve."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from woaas_infra.errors import CannotStart, DiskFull, OtherMajorVersion
from woaas_infra.launch import launched
from woaas_infra.postgres.binaries import Binaries
from woaas_infra.postgres.place import Place

# A new cluster takes 40 MB and its first write-ahead segments; below the second figure a start would soon stop.
FREE_BYTES_TO_CREATE = 256_000_000
FREE_BYTES_TO_START = 64_000_000
SUPERUSER = "postgres"


def prepare_cluster(place: Place, binaries: Binaries, *, durable: bool) -> None:
    """See that ``place.data`` is a data directory these binaries can serve, making it when there is none.

    It is made under another name and renamed, so an interrupted first start leaves nothing half done.

    Raises:
        OtherMajorVersion: it was made by another major version.
        DiskFull: there is not enough room to make or to serve it.
    """
    made_by = _version(place.data)
    free = shutil.disk_usage(place.data.parent).free
    if free < (FREE_BYTES_TO_START if made_by else FREE_BYTES_TO_CREATE):
        raise DiskFull(place.data, free)
    if made_by is None:
        _create(place, binaries, durable=durable)
    elif made_by != str(binaries.major):
        raise OtherMajorVersion(place.data, made_by, binaries.major, binaries.folder)


def environment() -> dict[str, str]:
    """The environment for Postgres programs: a user's PG* variables must not reach them."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}


def _version(data: Path) -> str | None:
    try:
        return (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return None


def _create(place: Place, binaries: Binaries, *, durable: bool) -> None:
    unfinished = place.data.with_name("data.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    output = ""
    for locale in ("C.UTF-8", "C"):
        options = ["-A", "trust", "-U", SUPERUSER, "-E", "UTF8", f"--locale={locale}", "--data-checksums"]
        command = [binaries.initdb, *options, *([] if durable else ["--no-sync"]), "-D", str(unfinished)]
        made = subprocess.run(  # noqa: S603
            launched(command, death_signal=signal.SIGKILL, identity=place.identity),
            env=environment(),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode == 0:
            unfinished.rename(place.data)
            return
        shutil.rmtree(unfinished, ignore_errors=True)
        output = made.stderr
        if "locale" not in output:
            break
    raise explain(output, place.data)


def explain(output: str, data: Path) -> CannotStart:
    """The one line to tell the operator out of what initdb or the server wrote before it gave up."""
    if "No space left on device" in output:
        return DiskFull(data)
    lines = [line for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "error:" in line] or lines or ["it gave no reason"]
    # Without the time and pid that lead a line of the server's log.
    reason = telling[-1].rpartition("FATAL:")[2].strip()
    return CannotStart(f"Postgres did not start: {reason}")
