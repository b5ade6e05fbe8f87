"""Keeps child processes running: restarts a dead one with backoff, stops all together, leaves none behind."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from woaas_infra.child_log import ChildLog
from woaas_infra.launch import ALONE, launched

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 30.0

T = TypeVar("T")


@dataclass(frozen=True)
class Child:
    """A process to keep running.

    ``needed``: awaited before each start, for one that runs on demand; such a child may end with 0 when idle.
    ``grace_s``: how long it may take to stop before it is killed with its whole process group.
    ``kin``: FAMILY of ``launch`` for one whose own processes would outlive a killed supervisor.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    grace_s: float = 10.0
    needed: Callable[[], Awaitable[None]] | None = None
    kin: str = ALONE


@dataclass
class _State:
    pid: int | None = None
    failures: int = 0


class Supervisor:
    """Runs children until told to stop; their output goes to ``logs/<name>.log``.

    ``on_restart`` is told the name, the exit code and the pause each time a child ended by itself.
    """

    def __init__(
        self, children: Sequence[Child], logs: Path, *, on_restart: Callable[[str, int, float], None] | None = None
    ) -> None:
        self._children = children
        self._logs = logs
        self._on_restart = on_restart
        self._states = {child.name: _State() for child in children}
        self._stopping = asyncio.Event()
        self._killing = asyncio.Event()

    async def run(self) -> None:
        """Keep every child running until :meth:`stop`, then return when all have ended."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._stopping.wait())
            for child in self._children:
                group.create_task(self._keep(child))

    def stop(self) -> None:
        """Ask every child to end; the second time, kill them."""
        if self._stopping.is_set():
            self._killing.set()
        self._stopping.set()

    def pid(self, name: str) -> int | None:
        """The pid of a child while it runs."""
        return self._states[name].pid

    def failures(self, name: str) -> int:
        """How often in a row a child ended by itself, counted anew after it ran well for a while."""
        return self._states[name].failures

    async def _keep(self, child: Child) -> None:
        state = self._states[child.name]
        while not self._stopping.is_set():
            if child.needed is not None and not await self._unless_stopping(child.needed()):
                return
            began = time.monotonic()
            code = await self._run_once(child, state)
            if self._stopping.is_set():
                return
            if time.monotonic() - began > LONGEST_PAUSE_S:
                state.failures = 0
            if code == 0 and child.needed is not None:
                continue
            pause_s = min(FIRST_PAUSE_S * 2 ** min(state.failures, 16), LONGEST_PAUSE_S)
            state.failures += 1
            if self._on_restart is not None:
                self._on_restart(child.name, code, pause_s)
            await self._unless_stopping(asyncio.sleep(pause_s))

    async def _run_once(self, child: Child, state: _State) -> int:
        process = await asyncio.create_subprocess_exec(
            *launched(child.command, death_signal=signal.SIGKILL, kin=child.kin),
            env={**os.environ, "PYTHONUNBUFFERED": "1", **child.env},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            # Ctrl-C in the terminal must reach the supervisor alone: it knows the order in which to stop.
            start_new_session=True,
        )
        state.pid = process.pid
        assert process.stdout is not None
        try:
            async with asyncio.TaskGroup() as group:
                pump = group.create_task(ChildLog(self._logs, child.name).pump(process.stdout))
                code = await self._wait(process, child.grace_s)
                # A grandchild that left the group may hold the pipe open for ever.
                await asyncio.wait({pump}, timeout=1.0)
                pump.cancel()
        finally:
            state.pid = None
            # What the child started in its session goes with it, also when the child itself has ended.
            _kill_group(process.pid)
        return code

    async def _wait(self, process: asyncio.subprocess.Process, grace_s: float) -> int:
        ended = asyncio.ensure_future(process.wait())
        await self._either(ended, self._stopping)
        if not ended.done():
            with suppress(ProcessLookupError):
                process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._either(ended, self._killing), grace_s)
            _kill_group(process.pid)
        return await ended

    async def _unless_stopping(self, work: Awaitable[None]) -> bool:
        """Whether ``work`` finished before the stop."""
        task = asyncio.ensure_future(work)
        await self._either(task, self._stopping)
        if not task.done():
            task.cancel()
            return False
        await task
        return True

    @staticmethod
    async def _either(task: "asyncio.Future[T]", event: asyncio.Event) -> None:
        waiting = asyncio.ensure_future(event.wait())
        both: set[asyncio.Future[Any]] = {task, waiting}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
