"""Shifts of a calendar's own wall time become windows in ticks, also on the days the clocks change."""

from datetime import UTC, datetime, timedelta

import pytest

from woaas_solver_farm.calendars import elapse, working_windows
from woaas_solver_farm.horizon import Horizon
from woaas_work_orders.resources.calendars import merged


def horizon(start: str, days: int) -> Horizon:
    return Horizon.of(datetime.fromisoformat(start).replace(tzinfo=UTC), timedelta(days=days))


def opened(calendar: dict[str, object], over: Horizon) -> list[tuple[str, str]]:
    windows = working_windows(calendar, over, beyond=0)
    return [(over.at(s).strftime("%dT%H:%M"), over.at(e).strftime("%dT%H:%M")) for s, e in windows]


class TestWorkingWindows:
    def test_shifts_are_wall_time_of_the_zone(self) -> None:
        calendar = {"time_zone": "Asia/Shanghai", "weekly": [{"day": "mon", "start": "08:00", "end": "16:00"}]}
        assert opened(calendar, horizon("2026-11-23", 1)) == [("23T00:00", "23T08:00")]

    def test_a_night_shift_reaches_into_the_next_day(self) -> None:
        calendar = {"time_zone": "UTC", "weekly": [{"day": "sun", "start": "22:00", "end": "06:00"}]}
        assert opened(calendar, horizon("2026-11-23", 1)) == [("23T00:00", "23T06:00")]

    def test_midnight_may_be_written_as_24(self) -> None:
        calendar = {"time_zone": "UTC", "weekly": [{"day": "mon", "start": "18:00", "end": "24:00"}]}
        assert opened(calendar, horizon("2026-11-23", 2)) == [("23T18:00", "24T00:00")]

    def test_an_exception_replaces_its_date_and_may_close_it(self) -> None:
        weekly = [{"day": d, "start": "08:00", "end": "16:00"} for d in ("mon", "tue", "wed")]
        exceptions = [
            {"date": "2026-11-23", "windows": []},
            {"date": "2026-11-24", "windows": [{"start": "10:00", "end": "12:00"}]},
        ]
        found = opened({"time_zone": "UTC", "weekly": weekly, "exceptions": exceptions}, horizon("2026-11-23", 3))
        assert found == [("24T10:00", "24T12:00"), ("25T08:00", "25T16:00")]

    @pytest.mark.parametrize(
        ("start", "hours"),
        [("2026-03-28", 7), ("2026-10-24", 9), ("2026-11-21", 8)],
        ids=["clocks go forward", "clocks go back", "an ordinary night"],
    )
    def test_a_night_shift_is_as_long_as_the_night(self, start: str, hours: int) -> None:
        calendar = {"time_zone": "Europe/Berlin", "weekly": [{"day": "sat", "start": "22:00", "end": "06:00"}]}
        ((begin, end),) = working_windows(calendar, horizon(start, 2), beyond=0)
        assert end - begin == hours * 60

    def test_a_wall_time_the_clocks_skip_is_the_moment_of_the_change(self) -> None:
        calendar = {"time_zone": "Europe/Berlin", "weekly": [{"day": "sun", "start": "02:30", "end": "06:00"}]}
        assert opened(calendar, horizon("2026-03-28", 2)) == [("29T01:00", "29T04:00")]

    def test_overlapping_and_touching_shifts_are_one_window(self) -> None:
        assert merged([(60, 120), (0, 60), (100, 180), (300, 360)]) == [(0, 180), (300, 360)]

    def test_windows_go_on_after_the_horizon_for_late_work(self) -> None:
        calendar = {"time_zone": "UTC", "weekly": [{"day": "tue", "start": "08:00", "end": "16:00"}]}
        assert working_windows(calendar, horizon("2026-11-23", 1), beyond=1440) == ((1920, 2400),)


class TestElapse:
    def test_work_rests_outside_the_windows(self) -> None:
        assert elapse(((0, 60), (100, 200)), 30, 50) == 120

    def test_work_that_starts_in_a_break_waits_for_the_window(self) -> None:
        assert elapse(((100, 200),), 30, 50) == 150

    def test_without_a_calendar_nothing_rests(self) -> None:
        assert elapse(None, 30, 50) == 80

    def test_what_fits_nowhere_goes_on_after_the_last_window(self) -> None:
        assert elapse(((0, 60),), 0, 90) == 90
