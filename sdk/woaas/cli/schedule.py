"""`woaas schedule`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .config import client
from .output import AsJSON, note, print_json, say, text_of

if TYPE_CHECKING:
    from woaas._modes import Sync
    from woaas.resources.schedules import ScheduleRun
    from woaas.types.schedules import NewScheduleRun


def schedule(
    *,
    policy: str = "on_time",
    time_limit: float = 20,
    horizon: str | None = None,
    seed: int | None = None,
    start_at: str | None = None,
    publish: bool = False,
    as_json: AsJSON = False,
) -> None:
    """Plan all open orders; Ctrl-C keeps the best plan so far.

    Parameters
    ----------
    policy
        on_time, throughput, min_changeover, balanced, or one of your own.
    time_limit
        Seconds to look for a better plan.
    horizon
        How far to plan, as P14D.
    seed
        The same seed makes the same plan.
    start_at
        Plan from this time on instead of now.
    publish
        Work by the plan at once.
    """
    options: NewScheduleRun = {"policy": policy, "time_limit": time_limit}
    if horizon is not None:
        options["horizon"] = horizon
    if seed is not None:
        options["seed"] = seed
    if start_at is not None:
        options["start_at"] = start_at
    with client() as woaas:
        run = woaas.schedule_runs.create(**options)
        try:
            run.wait(on_progress=_tell)
        except KeyboardInterrupt:
            note("stopping; the best plan so far is kept")
            run.stop()
            run.wait(on_progress=_tell, timeout=60)
        is_published = publish and run.schedule_id is not None
        if is_published and run.schedule_id is not None:
            woaas.schedules.publish(run.schedule_id)
    if as_json:
        print_json({**run.to_dict(), "published": is_published})
        return
    for name, value in (run.metrics or {}).items():
        say(f"{name}  {text_of(value)}")
    say(f"{run.schedule_id or 'no schedule'}{' is published' if is_published else ''}")


def _tell(run: ScheduleRun[Sync]) -> None:
    found = "" if run.objective is None else f", objective {run.objective:g}"
    gap = "" if run.gap is None else f", gap {run.gap:.1%}"
    note(f"{run.status}{found}{gap}")
