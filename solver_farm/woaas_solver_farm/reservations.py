"""Capacity that promises hold, as jobs whose operations have a given place; plans are made around them."""

from collections.abc import Set
from datetime import datetime

from woaas_core.ids import encode_id
from woaas_solver_farm.horizon import Horizon
from woaas_solver_farm.problem import Fixed, Job, Mode, Operation
from woaas_solver_farm.snapshot import Reservation


def reserved_job(reservation: Reservation, horizon: Horizon, work_centers: Set[str], people: Set[str]) -> Job | None:
    """The job of a reservation; None when all of it is over or lies on work centers that are gone.

    Its id is the promise's: it is nobody's work order yet, so it gets no slots.
    """
    operations: list[Operation] = []
    for place in reservation.places:
        start = horizon.ceil(datetime.fromisoformat(place["start_at"]))
        end = horizon.ceil(datetime.fromisoformat(place["end_at"]))
        if place["work_center"] not in work_centers or end <= 0:
            continue
        operator = place["operator"] if place["operator"] in people else None
        operations.append(
            Operation(
                id=str(place["sequence"]),
                modes=(
                    Mode(
                        machine=place["work_center"],
                        duration=end - start,
                        setup=place["setup_minutes"],
                        tools=tuple(place["tools"]),
                    ),
                ),
                setup_group=place["setup_group"],
                fixed=Fixed(machine=place["work_center"], start=start, end=end, operator=operator),
            )
        )
    return Job(id=encode_id("prm", reservation.promise_id), operations=tuple(operations)) if operations else None


def is_order(job: str) -> bool:
    """Whether a job is a work order's."""
    return job.startswith("wo_")
