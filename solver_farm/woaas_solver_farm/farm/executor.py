"""What the dispatcher asks of whatever solves: start a task, follow it, stop it, kill it."""

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec
from msgspec import Struct

from woaas_solver_farm.result import BaselinePlan


class Task(Struct, frozen=True):
    """One solve: the problem as JSON (with its limits and warm start), whose it is, and what it may use.

    ``budget_s`` replaces the problem's own time limit; with ``compares`` the answer also says what
    plain rules make of the problem.
    """

    key: str
    tenant: str
    problem: bytes
    workers: int
    budget_s: float | None = None
    compares: bool = False


class Better(Struct, frozen=True, tag=True):
    """Better plans found since the last message, as ``(seconds, objective)``; ``result`` is the best, unchecked.

    ``cpu_s`` is what the solve has used so far, here and in the last words.
    """

    incumbents: tuple[tuple[float, float], ...]
    result: bytes
    cpu_s: float = 0.0


class Done(Struct, frozen=True, tag=True):
    """The end of a solve with its checked result, and the plain rules' plans where the task asked for them."""

    result: bytes
    cpu_s: float = 0.0
    baselines: dict[str, BaselinePlan] | None = None


class Failed(Struct, frozen=True, tag=True):
    """The engine itself raised: trying again would raise again."""

    error: str
    cpu_s: float = 0.0


Message = Better | Done | Failed
decode_message = msgspec.json.Decoder(Message).decode


class WorkerLost(Exception):
    """The worker died before it was done; the run may be tried again."""


class Solving(Protocol):
    """A task that a worker has begun."""

    def messages(self) -> AsyncIterator[Message]:
        """Everything the worker says, until Done or Failed.

        Raises:
            WorkerLost: it died.
        """
        ...

    async def stop(self) -> None:
        """Let the worker end with its best plan soon; returns at once."""
        ...

    async def kill(self) -> None:
        """End the worker however it is; ``messages`` then raises WorkerLost."""
        ...


class Executor(Protocol):
    """Where solves run."""

    async def start(self, task: Task) -> Solving:
        """Give a task to a worker."""
        ...

    async def rest(self) -> None:
        """Free what costs memory while nothing is solved; the next start takes longer."""
        ...

    async def close(self) -> None:
        """End every worker."""
        ...
