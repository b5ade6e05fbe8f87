"""The load: a few keep-alive connections driven by one event loop, light enough to share two cores with a server."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec


class Paths(NamedTuple):
    """Where a server keeps things; ``keyed`` sends an Idempotency-Key with each POST, as the SDK does."""

    orders: str
    operations: str
    headers: dict[str, str]
    keyed: bool = False


class Connection:
    """One HTTP/1.1 keep-alive connection; enough of the protocol for servers we start ourselves."""

    def __init__(self, port: int, headers: dict[str, str], *, keyed: bool = False) -> None:
        self._port = port
        self._keyed = keyed
        self._head = "".join(f"{k}: {v}\r\n" for k, v in {"Host": "127.0.0.1", **headers}.items())

    async def __aenter__(self) -> "Connection":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request and decode the JSON answer; anything but a 2xx is an error."""
        status, answer = await self.ask(method, path, body)
        if status not in (200, 201):
            msg = f"{method} {path}: {status} {answer.decode()[:300]}"
            raise RuntimeError(msg)
        return msgspec.json.decode(answer)

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Send a request; the answer's status and body."""
        raw = msgspec.json.encode(body) if body is not None else b""
        kind = "Content-Type: application/json\r\n" if raw else ""
        if self._keyed and method == "POST":
            kind += f"Idempotency-Key: {uuid4()}\r\n"
        self._writer.write(
            f"{method} {path} HTTP/1.1\r\n{self._head}{kind}Content-Length: {len(raw)}\r\n\r\n".encode() + raw
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        return int(head.split(maxsplit=2)[1]), await self._reader.readexactly(length)


ORDER = {
    "product": "CABLE-HEAD",
    "quantity": "10",
    "operations": [{"name": f"Step {i}", "setup_time": "PT15M", "unit_time": "PT3M"} for i in range(4)],
}


async def lifecycle(connection: Connection, paths: Paths) -> None:
    """Create with four operations, release, start and complete each, complete: eleven requests."""
    order = await connection.call("POST", paths.orders, ORDER)
    await connection.call("POST", f"{paths.orders}/{order['id']}/release")
    for operation in order["operations"]:
        await connection.call("POST", f"{paths.operations}/{operation['id']}/start")
        await connection.call("POST", f"{paths.operations}/{operation['id']}/complete")
    await connection.call("POST", f"{paths.orders}/{order['id']}/complete")


async def run(
    port: int, paths: Paths, work: Callable[[Connection, Paths], Awaitable[None]], *, clients: int, count: int
) -> float:
    """Do the work ``count`` times over ``clients`` connections; returns the seconds it took."""
    left = iter(range(count))

    async def client() -> None:
        async with Connection(port, paths.headers, keyed=paths.keyed) as connection:
            for _ in left:
                await work(connection, paths)

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return time.perf_counter() - began
