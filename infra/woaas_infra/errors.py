"""Why a process cannot start: one line for the operator and an exit code."""

from pathlib import Path


class CannotStart(Exception):
    """Something outside the program stands in the way; the message says what and what to do about it."""

    exit_code = 1


class HomeInUse(CannotStart):
    """Another ``up`` already runs on this home."""

    def __init__(self, home: Path, pid: int | None, url: str) -> None:
        who = f"pid {pid}" if pid else "another process"
        where = f" at {url}" if url else ""
        super().__init__(f"{home} is already in use by {who}{where}; stop it first or choose another --home")
        self.pid = pid
        self.url = url


class PortTaken(CannotStart):
    """The address cannot be listened on."""

    def __init__(self, host: str, port: int, why: str) -> None:
        super().__init__(f"cannot listen on {host}:{port} ({why}); choose another --port")


class OtherMajorVersion(CannotStart):
    """The data directory was made by another major version of Postgres."""

    def __init__(self, data: Path, made_by: str, found: int, binaries: Path) -> None:
        super().__init__(
            f"{data} belongs to Postgres {made_by}, but {binaries} is Postgres {found}; "
            f"point WOAAS_POSTGRES_BIN at a Postgres {made_by} or start with another --home"
        )


class DiskFull(CannotStart):
    """Postgres could not write, or is about to be unable to."""

    def __init__(self, folder: Path, free_bytes: int | None = None) -> None:
        free = "" if free_bytes is None else f" ({free_bytes // 1_000_000} MB free)"
        super().__init__(f"the disk that holds {folder} is full{free}; free some space and start again")


class NoPostgres(CannotStart):
    """Neither the embedded binaries nor a system Postgres was found."""

    def __init__(self) -> None:
        super().__init__(
            "no Postgres binaries found: install woaas-server[embedded] or Postgres 15 or newer, "
            "or set WOAAS_DATABASE_URL to a running server"
        )


class NotTraversable(CannotStart):
    """The unprivileged user Postgres must run as cannot reach a folder."""

    def __init__(self, folder: Path, user: str, wanted: Path) -> None:
        super().__init__(
            f"Postgres refuses to run as root and user {user} cannot enter {folder}, which leads to {wanted}; "
            "start woaas-server as an ordinary user, move the installation, or set WOAAS_DATABASE_URL"
        )
