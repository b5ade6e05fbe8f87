"""The tables as the kernels read them: one array of integers and one of numbers.

Passing fifty arrays costs more, at every call, than placing an operation; passing two costs nothing. A column is
named by a constant: ``at(t, RELEASE, operation)`` is ``tables.release[operation]``.
"""

# pyright: reportArgumentType=false, reportReturnType=false
# Pyright takes an element of an array for an array; mypy checks these lines.

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .jit import kernel
from .tables import Tables

_INTS = (
    "job_of",
    "release",
    "group",
    "resumable",
    "latest_end",
    "tail",
    "first_pred",
    "pred",
    "pred_lag",
    "first_succ",
    "succ",
    "first_mode",
    "machine",
    "duration",
    "setup",
    "run_calendar",
    "needs_operator",
    "sets_up",
    "team",
    "run_team",
    "first_need",
    "need_tool",
    "need_count",
    "first_member",
    "member",
    "fixed_mode",
    "fixed_operator",
    "fixed_start",
    "fixed_end",
    "machine_calendar",
    "machine_matrix",
    "machine_group",
    "setup_matrix",
    "operator_class",
    "common_calendar",
    "first_unit",
    "first_machine_fixed",
    "machine_fixed",
    "first_operator_fixed",
    "operator_fixed",
    "first_unit_fixed",
    "unit_fixed",
    "first_operation",
    "due",
    "job_release",
    "baseline_machine",
    "baseline_start",
)
(
    JOB_OF,
    RELEASE,
    GROUP,
    RESUMABLE,
    LATEST_END,
    TAIL,
    FIRST_PRED,
    PRED,
    PRED_LAG,
    FIRST_SUCC,
    SUCC,
    FIRST_MODE,
    MACHINE,
    DURATION,
    SETUP_TIME,
    RUN_CALENDAR,
    NEEDS_OPERATOR,
    SETS_UP,
    TEAM,
    RUN_TEAM,
    FIRST_NEED,
    NEED_TOOL,
    NEED_COUNT,
    FIRST_MEMBER,
    MEMBER,
    FIXED_MODE,
    FIXED_OPERATOR,
    FIXED_START,
    FIXED_END,
    MACHINE_CALENDAR,
    MACHINE_MATRIX,
    MACHINE_GROUP,
    SETUP_MATRIX,
    OPERATOR_CLASS,
    COMMON_CALENDAR,
    FIRST_UNIT,
    FIRST_MACHINE_FIXED,
    MACHINE_FIXED,
    FIRST_OPERATOR_FIXED,
    OPERATOR_FIXED,
    FIRST_UNIT_FIXED,
    UNIT_FIXED,
    FIRST_OPERATION,
    DUE,
    JOB_RELEASE,
    BASELINE_MACHINE,
    BASELINE_START,
) = range(len(_INTS))
# Sizes that rows of matrices need, then the calendars' columns.
GROUPS, CLASSES, WINDOW_FIRST, WINDOW_START, WINDOW_END, WINDOW_BEFORE, _END = range(len(_INTS), len(_INTS) + 7)
WEIGHT, COST = range(2)


class Flat(NamedTuple):
    """Both arrays begin with the offsets of their columns."""

    ints: npt.NDArray[np.int64]
    floats: npt.NDArray[np.float64]


def flatten(t: Tables) -> Flat:
    """The tables end to end, matrices row by row."""
    sizes = [np.array([t.setup_matrix.shape[2]]), np.array([t.common_calendar.shape[1]])]
    columns = [*(getattr(t, name).ravel() for name in _INTS), *sizes, *t.calendars]
    return Flat(_packed(columns).astype(np.int64), _packed([t.weight, t.cost]).astype(np.float64))


def _packed(columns: "list[npt.NDArray[np.int64]] | list[npt.NDArray[np.float64]]") -> "npt.NDArray[np.generic]":
    header = len(columns) + 1
    offsets = header + np.cumsum([0, *(column.size for column in columns)])
    return np.concatenate([offsets, *columns])


@kernel
def at(t: Flat, column: int, index: int) -> int:
    """One entry of a column of integers."""
    return int(t.ints[int(t.ints[column]) + index])


@kernel
def number_at(t: Flat, column: int, index: int) -> float:
    """One entry of a column of numbers."""
    return t.floats[int(t.floats[column]) + index]


@kernel
def size(t: Flat, column: int) -> int:
    """How many entries a column of integers has."""
    return t.ints[column + 1] - t.ints[column]
