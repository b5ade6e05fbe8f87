"""The policy of scaling, for any load."""

from hypothesis import given
from hypothesis import strategies as st

from woaas_solver_farm.farm.scaling import Target, desired_workers

loads = st.tuples(st.floats(0, 1e7), st.integers(0, 500))
targets = st.builds(
    lambda wait_s, least, more: Target(wait_s=wait_s, least=least, most=least + more),
    st.floats(0.1, 3600),
    st.integers(0, 20),
    st.integers(0, 200),
)


@given(loads, targets)
def test_it_stays_within_its_bounds(load: tuple[float, int], target: Target) -> None:
    assert target.least <= desired_workers(*load, target) <= target.most


@given(loads, targets, st.floats(0, 1e6), st.integers(0, 50))
def test_more_load_never_wants_fewer(load: tuple[float, int], target: Target, queued: float, running: int) -> None:
    more = desired_workers(load[0] + queued, load[1] + running, target)
    assert more >= desired_workers(*load, target)


@given(loads, targets)
def test_who_works_is_not_sent_away(load: tuple[float, int], target: Target) -> None:
    assert desired_workers(*load, target) >= min(load[1], target.most)


@given(loads, targets)
def test_what_waits_begins_in_time_unless_the_bound_forbids(load: tuple[float, int], target: Target) -> None:
    queue_s, running = load
    workers = desired_workers(queue_s, running, target)
    free = workers - running
    assert workers == target.most or queue_s <= free * target.wait_s * (1 + 1e-9)


def test_nothing_to_do_wants_the_least() -> None:
    assert desired_workers(0, 0, Target(least=2)) == 2
    assert desired_workers(0.1, 0, Target()) == 1
