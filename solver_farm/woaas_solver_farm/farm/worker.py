"""A solve as a stream of messages: what runs inside a worker, be it an actor on Ray or a thread of a test."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec

from woaas_solver_farm import problem as problems
from woaas_solver_farm import result as results
from woaas_solver_farm.farm.executor import Better, Done, Failed, Message, Task

# Plans are built and sent at most this often: a caller stores each, and a big one is a megabyte.
INTERVAL_S = 0.5

_Found = tuple[results.Incumbent, Callable[[], results.Result]]


def stream(task: Task, should_stop: Callable[[], bool]) -> Iterator[Message]:
    """Solve in a thread of its own and say what comes of it; the first plan at once, then every half second."""
    from woaas_solver_farm.engine.baselines import baselines  # noqa: PLC0415 - only workers load the engine
    from woaas_solver_farm.engine.solve import solve  # noqa: PLC0415
    from woaas_solver_farm.engine.warm import warm  # noqa: PLC0415

    # Loading the kernels (or compiling them where set-up has not) is not this solve's time.
    warm()

    found: queue.SimpleQueue[_Found | Done | Failed] = queue.SimpleQueue()
    cpu_before = time.process_time()

    def used() -> float:
        return time.process_time() - cpu_before

    def run() -> None:
        try:
            problem = problems.decode(task.problem)
            limits = msgspec.structs.replace(problem.limits or problems.Limits(), workers=task.workers)
            if task.budget_s is not None:
                limits = msgspec.structs.replace(limits, time_limit=task.budget_s)
            # Beside the solve, so that neither its first plan nor its end waits for them.
            with ThreadPoolExecutor(1) as aside:
                plain = aside.submit(baselines, problem) if task.compares else None
                result = solve(problem, limits, on_incumbent=lambda i, b: found.put((i, b)), should_stop=should_stop)
                found.put(Done(results.encode(result), used(), plain.result() if plain else None))
        except Exception as error:  # noqa: BLE001, RUF100 - whatever the engine raises ends this run alone
            found.put(Failed(f"{type(error).__name__}: {error}", used()))

    threading.Thread(target=run, name=f"solve-{task.key}", daemon=True).start()
    pending: list[_Found] = []
    ready_at = 0.0
    while True:
        try:
            item = found.get(timeout=max(0.0, ready_at - time.monotonic()) if pending else None)
        except queue.Empty:
            yield _better(pending, used())
            pending, ready_at = [], time.monotonic() + INTERVAL_S
            continue
        if isinstance(item, tuple):
            pending.append(item)
            continue
        if pending:
            yield _better(pending, used())
        yield item
        return


def _better(found: list[_Found], cpu_s: float) -> Better:
    """All incumbents with the last one's plan, built only now: the search is not held up for it."""
    return Better(tuple((i.at, i.objective) for i, _ in found), results.encode(found[-1][1]()), cpu_s)
