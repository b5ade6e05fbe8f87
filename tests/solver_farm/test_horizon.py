"""Instants and ticks: nothing moves into the past, nothing loses a part of a minute."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from woaas_solver_farm.horizon import Horizon, ticks_up

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
instants = st.integers(0, 10**9).map(lambda s: NOON + timedelta(seconds=s))


class TestHorizon:
    def test_it_starts_at_a_full_minute_not_before_now(self) -> None:
        assert Horizon.of(NOON + timedelta(seconds=1), timedelta(hours=1)).start_at == NOON + timedelta(minutes=1)
        assert Horizon.of(NOON, timedelta(hours=1)).start_at == NOON

    @given(instants, instants)
    def test_floor_and_ceil_enclose_an_instant(self, start: datetime, at: datetime) -> None:
        horizon = Horizon.of(start, timedelta(days=1))
        assert horizon.at(horizon.floor(at)) <= at <= horizon.at(horizon.ceil(at))
        assert horizon.ceil(at) - horizon.floor(at) in (0, 1)

    @given(st.integers(-(10**6), 10**6))
    def test_a_tick_comes_back(self, tick: int) -> None:
        horizon = Horizon.of(NOON, timedelta(days=1))
        assert horizon.floor(horizon.at(tick)) == horizon.ceil(horizon.at(tick)) == tick

    def test_durations_round_up(self) -> None:
        assert [ticks_up(timedelta(seconds=s)) for s in (0, 1, 60, 61)] == [0, 1, 1, 2]
