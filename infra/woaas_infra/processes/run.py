"""Runs process loops until a signal says stop."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence

import uvloop

from woaas_core.settings import Settings
from woaas_core.telemetry import configure_logging

Loop = Callable[[Settings, asyncio.Event], Awaitable[None]]


def run(settings: Settings, loops: Sequence[Loop]) -> None:
    """Run loops side by side in this process until SIGTERM or SIGINT; if one ends by itself, all do."""
    configure_logging(settings.log_level)
    uvloop.run(_run(settings, loops))


async def _run(settings: Settings, loops: Sequence[Loop]) -> None:
    stop = asyncio.Event()
    running = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, stop.set)

    async def until_stopped(loop: Loop) -> None:
        try:
            await loop(settings, stop)
        finally:
            stop.set()

    async with asyncio.TaskGroup() as group:
        for loop in loops:
            group.create_task(until_stopped(loop))
