"""A solve as a stream of messages: what runs inside a worker, be it an actor on Ray or a thread of a test."""

import queue
import threading
from collections.abc import Callable, Iterator

import msgspec

from woaas_solver_farm import problem as problems
from woaas_solver_farm import result as results
from woaas_solver_farm.farm.executor import Better, Done, Failed, Message, Task

# Plans are built and sent at most this often: a caller stores each, and a big one is a megabyte.
INTERVAL_S = 0.5


def stream(task: Task, should_stop: Callable[[], bool]) -> Iterator[Message]:
    """Solve in a thread of its own and say what comes of it; the first plan at once, then every half second."""
    from woaas_solver_farm.engine.solve import solve  # noqa: PLC0415 - only workers load the engine

    problem = problems.decode(task.problem)
    limits = msgspec.structs.replace(problem.limits or problems.Limits(), workers=task.workers)
    found: queue.SimpleQueue[tuple[results.Incumbent, Callable[[], results.Result]] | Done | Failed] = (
        queue.SimpleQueue()
    )

    def run() -> None:
        try:
            result = solve(problem, limits, on_incumbent=lambda i, b: found.put((i, b)), should_stop=should_stop)
            found.put(Done(results.encode(result)))
        except Exception as error:  # noqa: BLE001, RUF100 - whatever the engine raises ends this run alone
            found.put(Failed(f"{type(error).__name__}: {error}"))

    threading.Thread(target=run, name=f"solve-{task.key}", daemon=True).start()
    pause = threading.Event()
    while True:
        items = [found.get()]
        while not found.empty():
            items.append(found.get())
        plans = [i for i in items if isinstance(i, tuple)]
        if plans:
            incumbents = tuple((i.at, i.objective) for i, _ in plans)
            yield Better(incumbents, results.encode(plans[-1][1]()))
        last = items[-1]
        if not isinstance(last, tuple):
            yield last
            return
        # The end must not wait for the pause, so it is looked for meanwhile.
        pause.wait(INTERVAL_S) if found.empty() else None
