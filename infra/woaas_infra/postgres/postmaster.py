"""Reads what a running server says of itself in ``postmaster.pid`` and clears what a dead one left."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

READY = "ready"


@dataclass(frozen=True)
class Postmaster:
    """The pid and the status line of a data directory's server; status is empty until it is first written."""

    pid: int
    status: str


def read(data: Path) -> Postmaster | None:
    """What ``postmaster.pid`` says, alive or not; its eighth line is the status (Postgres, ``pidfile.h``)."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        return Postmaster(abs(int(lines[0])), lines[7].strip() if len(lines) > 7 else "")
    except (OSError, ValueError, IndexError):
        return None


def living(data: Path) -> Postmaster | None:
    """The server of a data directory, if its process really is one: after a crash the pid may be anybody's."""
    found = read(data)
    return found if found is not None and str(data) in _command_line(found.pid) else None


def wait_gone(pid: int, data: Path, timeout_s: float) -> bool:
    """Whether a server that is not our child ends in time."""
    deadline = time.monotonic() + timeout_s
    while str(data) in _command_line(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def clear_stale(data: Path, socket: Path) -> None:
    """Remove what a killed server left; only for the holder of the server lock, when no server lives.

    Postgres itself clears such files unless their pid is in use again, which in a container it usually is. That
    old backends are still attached it notices without the file, by the shared memory of the data directory.
    """
    for leftover in (data / "postmaster.pid", socket / ".s.PGSQL.5432", socket / ".s.PGSQL.5432.lock"):
        leftover.unlink(missing_ok=True)


def _command_line(pid: int) -> str:
    if sys.platform == "linux":
        try:
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" "))
        except OSError:
            return ""
    listed = subprocess.run(  # noqa: S603
        ["/bin/ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout
