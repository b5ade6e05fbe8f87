"""Word from other processes through Postgres: LISTEN on a connection of its own."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:
    from asyncpg.connection import Connection


class Listener:
    """Calls ``heard`` with the payload of every notice on a channel, while it is open.

    Nothing is kept for who does not listen, so whoever waits for a notice must have opened before and must not rely
    on it alone. Notices of all tenants arrive: payloads are ids.
    """

    def __init__(self, dsn: str, role: str, channel: str, heard: Callable[[str], None]) -> None:
        self._dsn, self._role, self._channel, self._heard = dsn, role, channel, heard
        self._connection: Connection | None = None
        self._lock = asyncio.Lock()

    async def open(self) -> bool:
        """Listen, again if the connection was lost; True if it was not listening before.

        Raises:
            DATABASE_LOST: there is no server.
        """
        if self._connection is not None and not self._connection.is_closed():
            return False
        async with self._lock:
            if self._connection is not None and not self._connection.is_closed():
                return False
            settings = {"role": self._role, "application_name": f"{self._role} {self._channel}"}
            connection = await asyncpg.connect(self._dsn, server_settings=settings, statement_cache_size=0)
            await connection.add_listener(self._channel, self._on_notice)
            self._connection = connection
        return True

    async def close(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _on_notice(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        self._heard(str(payload))
