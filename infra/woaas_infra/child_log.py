"""Writes a child's output to its log file, each line with the time and the child's name."""

import asyncio
from contextlib import suppress
from pathlib import Path

from woaas_core.clock import Clock, SystemClock
from woaas_infra.rotation import rotate

_LONGEST_LINE = 64_000


class ChildLog:
    """The log file of one child; a full disk costs lines, never the child."""

    def __init__(self, folder: Path, name: str, clock: Clock | None = None) -> None:
        self.path = folder / f"{name}.log"
        self._name = name.encode()
        self._clock = clock or SystemClock()

    async def pump(self, output: asyncio.StreamReader) -> None:
        """Write until the output ends; a line too long for memory is broken."""
        rest = b""
        while data := await output.read(65_536):
            *lines, rest = (rest + data).split(b"\n")
            if len(rest) > _LONGEST_LINE:
                lines.append(rest)
                rest = b""
            self._write(lines)
        if rest:
            self._write([rest])

    def _write(self, lines: list[bytes]) -> None:
        stamp = self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()
        with suppress(OSError):
            rotate(self.path)
            with self.path.open("ab") as file:
                file.write(b"".join(b"%s %s | %s\n" % (stamp, self._name, line) for line in lines))
