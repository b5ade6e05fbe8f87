"""The decisions of the CP model: starts, ends, modes, operators; created once, named by the tables' numbers."""

from typing import NamedTuple

from ortools.sat.python import cp_model

from woaas_solver_farm.engine.calendars import NEVER
from woaas_solver_farm.engine.tables import OUTSIDE, Tables


class Variables(NamedTuple):
    """Everything the constraints speak of; intervals and literals are by mode, operators by (operation, operator)."""

    horizon: int
    start: list[cp_model.IntVar]
    size: list[cp_model.IntVar]
    end: list[cp_model.IntVar]
    chosen: list[cp_model.IntVar]
    interval: list[cp_model.IntervalVar]
    staffed: dict[tuple[int, int], cp_model.IntVar]
    change: dict[tuple[int, int, int], cp_model.IntVar]
    """``(machine, operation before or -1, operation after)``: set-up literals, filled by the sequence constraint."""


def horizon_of(t: Tables, latest: int) -> int:
    """A time by which every sensible plan is through, so that the model's bound holds.

    After the last calendar change only resources that are always open work, and they need no longer than everything
    in a row.
    """
    changes = [int(x) for x in t.calendars.end if x < NEVER]
    starts = [int(x) for x in t.calendars.start if x > -NEVER]
    given = [int(t.fixed_end.max(initial=0)), int(t.release.max(initial=0)), int(t.baseline_start.max(initial=0))]
    lags = int(t.pred_lag.clip(0).sum())
    setups = int(t.setup_matrix.max(initial=0)) * t.job_of.size
    work = sum(
        max((int(t.duration[m] + t.setup[m]) for m in range(t.first_mode[i], t.first_mode[i + 1])), default=0)
        for i in range(t.job_of.size)
    )
    return max([latest, *changes, *starts, *given]) + work + lags + setups


def create(model: cp_model.CpModel, t: Tables, horizon: int) -> Variables:
    """Add the decision variables to a model."""
    start, size, end, chosen, interval = [], [], [], [], []
    staffed: dict[tuple[int, int], cp_model.IntVar] = {}
    for i in range(t.job_of.size):
        given = t.fixed_mode[i] >= 0
        low, high = (int(t.fixed_start[i]), int(t.fixed_end[i])) if given else (int(t.release[i]), horizon)
        start.append(model.new_int_var(low, low if given else high, ""))
        end.append(model.new_int_var(high if given else low, high, ""))
        size.append(model.new_int_var(0, high - low, ""))
        model.add(size[i] == end[i] - start[i])
        for m in range(t.first_mode[i], t.first_mode[i + 1]):
            literal = model.new_bool_var("")
            chosen.append(literal)
            fits = given or bool(t.resumable[i])
            length = size[i] if fits else int(t.duration[m])
            interval.append(model.new_optional_interval_var(start[i], length, end[i], literal, ""))
            if t.needs_operator[m] and t.machine[m] != OUTSIDE and not given:
                for member in t.member[t.first_member[t.run_team[m]] : t.first_member[t.run_team[m] + 1]].tolist():
                    if (i, member) not in staffed:
                        staffed[i, member] = model.new_bool_var("")
    return Variables(horizon, start, size, end, chosen, interval, staffed, {})
