"""Asks whether an address can be listened on, and whether somebody answers there."""

import asyncio
import socket
from contextlib import suppress

from woaas_infra.errors import PortTaken


def free_port(host: str, port: int) -> int:
    """The port, if this process could listen on it now; for 0 one that the system chooses.

    Raises:
        PortTaken: somebody else listens there, or the address is not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            # As the server will: connections of a server that just stopped do not count.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen(1)
            return int(trial.getsockname()[1])
    except OSError as error:
        raise PortTaken(host, port, error.strerror or str(error)) from error


async def answers(host: str, port: int, path: str = "/readyz", *, timeout_s: float = 5.0) -> bool:
    """Whether an HTTP GET there is answered with 200."""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                await writer.drain()
                status = (await reader.readline()).split(b" ")
            finally:
                writer.close()
            return len(status) > 1 and status[1] == b"200"
    return False
