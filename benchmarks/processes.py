"""Servers as processes of their own, ended with the measurement."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def process(command: list[str], environment: dict[str, str], port: int | None = None) -> Iterator[int]:
    """A process, up once it listens on its port."""
    started = subprocess.Popen(command, env=environment)
    try:
        deadline = time.monotonic() + 60
        while port is not None and not _listens(port):
            if started.poll() is not None or time.monotonic() > deadline:
                msg = f"{' '.join(command[:3])} did not start"
                raise RuntimeError(msg)
            time.sleep(0.05)
        yield started.pid
    finally:
        started.terminate()
        started.wait(20)


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
