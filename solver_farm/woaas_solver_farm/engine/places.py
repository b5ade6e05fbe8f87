"""The places of all operations as one array with a row each: what a search reads at once lies side by side."""

import numpy as np
import numpy.typing as npt

from .decoding import Booking, Plan

Ints = npt.NDArray[np.int64]

START, END, SETUP_START, MODE, OPERATOR, SETTING, GROUP, WAITS = range(8)


def places_of(plan: Plan, booking: Booking) -> Ints:
    """The rows of a plan; ``SETTING`` is its set-up in ticks."""
    return np.ascontiguousarray(np.stack([*plan, *booking], axis=1))
