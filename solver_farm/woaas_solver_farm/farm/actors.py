"""Solves on Ray: one actor process a running solve, its plans as a stream, stopped through a second slot."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec

from woaas_core.settings import Settings
from woaas_core.telemetry import logger
from woaas_solver_farm.farm import embedded_ray
from woaas_solver_farm.farm.executor import Done, Failed, Message, Task, WorkerLost, decode_message

log = logger(__name__)


class SolverActor:
    """What runs in a worker process of Ray; made a remote class by the executor."""

    def __init__(self) -> None:
        self._stopped: set[str] = set()

    def pid(self) -> int:
        """The process that solves; also how the executor knows that it is up."""
        return os.getpid()

    def solve(self, task: Task) -> Iterator[bytes]:
        """Stream the messages of a solve, encoded."""
        from woaas_solver_farm.farm.worker import stream  # noqa: PLC0415 - loads in the worker

        for message in stream(task, lambda: task.key in self._stopped):
            yield msgspec.json.encode(message)
        self._stopped.discard(task.key)

    def stop(self, key: str) -> None:
        """Let a solve end; it may not have begun yet."""
        self._stopped.add(key)


class RaySolving:
    """A task in an actor."""

    def __init__(self, executor: "RayExecutor", actor: Any, task: Task) -> None:
        self._executor = executor
        self._actor = actor
        self._task = task
        self._stream = actor.solve.options(num_returns="streaming").remote(task)

    async def messages(self) -> AsyncIterator[Message]:
        """Everything the actor says; it goes back to the pool after its last word."""
        errors = self._executor.ray.exceptions
        try:
            async for reference in self._stream:
                message: Message = decode_message(await reference)
                if isinstance(message, Done | Failed):
                    self._executor.give_back(self._actor)
                    yield message
                    return
                yield message
        except errors.RayTaskError as error:
            yield Failed(str(error.cause)[:500])
        except errors.RayError as error:
            raise WorkerLost(type(error).__name__) from error
        msg = "the stream ended without a last word"
        raise WorkerLost(msg)

    async def stop(self) -> None:
        """Ask through the actor's second slot; ``ray.cancel`` would not reach a running solve."""
        try:
            await self._actor.stop.remote(self._task.key)
        except self._executor.ray.exceptions.RayError as error:
            log.warning("solver.stop.failed", run=self._task.key, error=type(error).__name__)

    async def kill(self) -> None:
        """End the actor's process."""
        self._executor.ray.kill(self._actor, no_restart=True)

    async def pid(self) -> int:
        """The actor's process."""
        found: int = await self._actor.pid.remote()
        return found


class RayExecutor:
    """Actors on an embedded Ray or a cluster; Ray starts with the first task, idle actors are kept for the next."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = asyncio.Lock()
        self._idle: list[Any] = []
        self._ray: Any = None

    @property
    def home(self) -> Path:
        """Where the token is kept."""
        return self._settings.home

    @property
    def ray(self) -> Any:
        """The module, once connected."""
        assert self._ray is not None
        return self._ray

    async def start(self, task: Task) -> RaySolving:
        """Give the task to an idle actor or a new one."""
        async with self._lock:
            if self._ray is None:
                self._ray = await asyncio.to_thread(embedded_ray.connect, self._settings)
                log.info("solver.ray.started", embedded=not self._settings.ray_address)
        return RaySolving(self, await self._actor(task), task)

    def give_back(self, actor: Any) -> None:
        """Keep an actor that has done its task."""
        self._idle.append(actor)

    async def rest(self) -> None:
        """Shut Ray down until the next task."""
        async with self._lock:
            if self._ray is not None:
                self._idle.clear()
                await asyncio.to_thread(embedded_ray.disconnect, self._settings)
                self._ray = None
                log.info("solver.ray.stopped")

    async def close(self) -> None:
        """Shut Ray down for good."""
        await self.rest()

    async def _actor(self, task: Task) -> Any:
        while self._idle:
            actor = self._idle.pop()
            try:
                await actor.pid.remote()
            except self.ray.exceptions.RayError:
                continue
            return actor
        # On a cluster a solve takes its threads' worth of CPUs; the embedded Ray has none to share out, since the
        # dispatcher's slots already bound what runs here.
        cpus = task.workers if self._settings.ray_address else 0
        remote = self.ray.remote(num_cpus=cpus, max_restarts=0, max_task_retries=0, max_concurrency=2)(SolverActor)
        actor = remote.remote()
        await actor.pid.remote()
        return actor
