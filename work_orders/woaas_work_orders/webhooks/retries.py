"""When a delivery that failed is tried again. Pure."""

import random
from datetime import timedelta

# After the first failure, the second and so on: eight tries within about three days.
DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(hours=1),
    timedelta(hours=5),
    timedelta(hours=14),
    timedelta(hours=24),
    timedelta(hours=28),
)
MOST_ATTEMPTS = len(DELAYS) + 1
# Those that failed together are not all tried again together.
JITTER = 0.1


def delay_after(attempts: int) -> timedelta | None:
    """How long to wait after so many failed tries; None where that was the last."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return DELAYS[attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - nobody gains by guessing it
