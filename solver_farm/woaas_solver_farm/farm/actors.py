"""Solves on Ray: one actor process a running solve, its plans as a stream, stopped through a second slot."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import msgspec

from woaas_core.settings import Settings
from woaas_core.telemetry import logger
from woaas_solver_farm.farm.embedded_ray import Connection, connect
from woaas_solver_farm.farm.executor import Done, Failed, Message, Task, WorkerLost, decode_message
from woaas_solver_farm.farm.pool import Member, Pool

log = logger(__name__)


class SolverActor:
    """What runs in a worker process of Ray; made a remote class by the executor."""

    def __init__(self) -> None:
        self._stopped: set[str] = set()

    def pid(self) -> int:
        """The process that solves; also how the executor knows that it is up."""
        return os.getpid()

    def warm(self) -> None:
        """Load the engine before there is anything to solve."""
        from woaas_solver_farm.engine.warm import warm  # noqa: PLC0415 - loads in the worker

        warm()

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

    def __init__(self, connection: Connection, pool: Pool[Any], member: Member[Any], task: Task) -> None:
        self._ray = connection.ray
        self._pool = pool
        self._member = member
        self._actor = member.handle
        self._task = task
        self._stream = self._actor.solve.options(num_returns="streaming").remote(task)

    async def messages(self) -> AsyncIterator[Message]:
        """Everything the actor says; it goes back to the pool after its last word."""
        errors = self._ray.exceptions
        try:
            async for reference in self._stream:
                message: Message = decode_message(await reference)
                if isinstance(message, Done | Failed):
                    self._pool.give_back(self._member)
                    yield message
                    return
                yield message
        except errors.RayTaskError as error:
            self._pool.drop(self._member)
            yield Failed(str(error.cause)[:500])
            return
        except errors.RayError as error:
            self._pool.drop(self._member)
            raise WorkerLost(type(error).__name__) from error
        self._pool.drop(self._member)
        msg = "the stream ended without a last word"
        raise WorkerLost(msg)

    async def stop(self) -> None:
        """Ask through the actor's second slot; ``ray.cancel`` would not reach a running solve."""
        try:
            await self._actor.stop.remote(self._task.key)
        except self._ray.exceptions.RayError as error:
            log.warning("solver.stop.failed", run=self._task.key, error=type(error).__name__)

    async def kill(self) -> None:
        """End the actor's process."""
        self._pool.drop(self._member)

    async def pid(self) -> int:
        """The actor's process."""
        found: int = await self._actor.pid.remote()
        return found


class RayExecutor:
    """Actors on an embedded Ray or a cluster; Ray starts with the first task, and rests when nothing is asked of it."""

    def __init__(self, settings: Settings, *, places: int, threads: int) -> None:
        self._settings = settings
        # On a cluster a solve takes its threads' worth of CPUs, and its process ends with it: kept, it would hold
        # CPUs that other dispatchers or the autoscaler want. The embedded Ray has none to share out, since the
        # dispatcher's places already bound what runs here.
        self._cpus = threads if settings.ray_address else 0
        keep = 0 if settings.ray_address else places
        self._connecting: asyncio.Task[Connection] | None = None
        self._connection: Connection | None = None
        self._pool: Pool[Any] = Pool(start=self._fresh, is_alive=self._is_alive, end=self._end, limit=keep)

    async def connect(self) -> Any:
        """Ray's module, connected; takes seconds the first time."""
        return (await self._connected()).ray

    async def start(self, task: Task) -> RaySolving:
        """Give the task to a process of its tenant's, or one that has seen no tenant yet.

        Raises:
            WorkerLost: none came up.
        """
        connection = await self._connected()
        return RaySolving(connection, self._pool, await self._pool.take(task.tenant), task)

    async def rest(self) -> None:
        """Shut Ray down until the next task."""
        if self._connecting is not None:
            connecting, self._connecting = self._connecting, None
            connection = await connecting
            self._pool.clear()
            self._connection = None
            await asyncio.to_thread(connection.close)
            log.info("solver.ray.stopped")

    async def close(self) -> None:
        """Shut Ray down for good."""
        await self.rest()

    async def _connected(self) -> Connection:
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect(), name="ray")
        connecting = self._connecting
        try:
            # Who waits may be called off; the start goes on for the next one.
            return await asyncio.shield(connecting)
        finally:
            if connecting.done() and connecting.exception() is not None and self._connecting is connecting:
                self._connecting = None

    async def _connect(self) -> Connection:
        self._connection = connection = await asyncio.to_thread(connect, self._settings)
        log.info("solver.ray.started", embedded=not self._settings.ray_address)
        return connection

    async def _fresh(self) -> Any:
        ray = await self.connect()
        remote = ray.remote(num_cpus=self._cpus, max_restarts=0, max_task_retries=0, max_concurrency=2)(SolverActor)
        actor = remote.remote()
        try:
            # Whoever gets it solves at once, and until then a stop or a loss costs no run its plan.
            await actor.warm.remote()
        except ray.exceptions.RayError as error:
            raise WorkerLost(type(error).__name__) from error
        except BaseException:
            # Nobody waits for it any more, and on a full cluster it would come up one day. A session that is over took
            # it along.
            with suppress(ray.exceptions.RayError):
                ray.kill(actor, no_restart=True)
            raise
        return actor

    async def _is_alive(self, actor: Any) -> bool:
        ray = await self.connect()
        try:
            await actor.pid.remote()
        except ray.exceptions.RayError:
            return False
        return True

    def _end(self, actor: Any) -> None:
        if self._connection is not None:
            self._connection.ray.kill(actor, no_restart=True)
