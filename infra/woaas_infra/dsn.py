"""Database addresses as libpq URIs, the one form asyncpg, psql and configuration share."""

from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

DATABASE = "woaas"


def socket_dsn(folder: Path, *, user: str, database: str = "postgres") -> str:
    """The address of a server that listens on a unix socket in ``folder``.

    The port is spelled out because a client would else take it from PGPORT.
    """
    return f"postgresql://{quote(user)}@/{quote(database)}?host={quote(str(folder), safe='/')}&port=5432"


def with_database(dsn: str, database: str) -> str:
    """The same server and login, another database."""
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(path=f"/{quote(database)}"))


def with_role(dsn: str, role: str) -> str:
    """The same login, but every session starts as ``role`` (asyncpg passes unknown options to the server)."""
    parts = urlsplit(dsn)
    options = [(name, value) for name, value in parse_qsl(parts.query) if name != "role"]
    return urlunsplit(parts._replace(query=urlencode([*options, ("role", role)], safe="/")))


def database_of(dsn: str) -> str:
    """The name of the database an address points at; empty when it leaves the choice to the server."""
    return urlsplit(dsn).path.removeprefix("/")
