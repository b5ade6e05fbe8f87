"""Reading and planning a production log: no network, a small log of our own."""

import csv
import io
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from woaas.replay.local_time import instants, span
from woaas.replay.plan import PlannedCompletion, PlannedReport, codes, plan, reference, slug
from woaas.replay.shopfloor_log import REQUIRED, LogFormatError, read_log

COLUMNS = [*REQUIRED[:5], "Span", *REQUIRED[5:], "Rework"]
ROW = {
    "Case ID": "Case 1",
    "Activity": "Turning",
    "Resource": "Machine 4 - Turning & Milling",
    "Start Timestamp": "2024-01-02T07:00:00",
    "Complete Timestamp": "2024-01-02T08:00:00",
    "Span": "001:00",
    "Work Order Qty": "10",
    "Part Desc.": "Cable Head",
    "Worker ID": "ID4932",
    "Report Type": "D",
    "Qty Completed": "8",
    "Qty Rejected": "1",
    "Qty for MRB": "1",
    "Rework": "",
}


def row(start="07:00", end="08:00", day="2024-01-02", **changes):
    times = {"Start Timestamp": f"{day}T{start}:00", "Complete Timestamp": f"{day}T{end}:00"}
    return {**ROW, **times, **{name.replace("_", " "): value for name, value in changes.items()}}


def log_of(*rows, zone=UTC):
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return read_log(io.StringIO(text.getvalue()), zone)


class TestReading:
    def test_a_row_is_one_report(self):
        (one,) = log_of(ROW).rows
        assert (one.line, one.case, one.kind) == (2, "Case 1", "run")
        assert (one.good, one.scrap, one.rework, one.order_quantity) == (8, 1, 1, 10)
        assert one.started_at == datetime(2024, 1, 2, 7, tzinfo=UTC)
        assert one.ended_at == datetime(2024, 1, 2, 8, tzinfo=UTC)

    def test_report_types_are_run_setup_and_breakdown(self):
        rows = log_of(row(Report_Type="D"), row(Report_Type="S"), row(Report_Type="B")).rows
        assert [one.kind for one in rows] == ["run", "setup", "breakdown"]

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"Worker_ID": ""}, "missing: Worker ID"),
            ({"Case_ID": " ", "Activity": ""}, "missing: Case ID, Activity"),
            ({"Report_Type": "X"}, "unknown report type 'X'"),
            ({"start": "09:00"}, "before it starts"),
            ({"start": "25:00"}, "Start Timestamp is not a time"),
            ({"Complete_Timestamp": "yesterday"}, "Complete Timestamp is not a time: 'yesterday'"),
            ({"Qty_Completed": "eight"}, "Qty Completed is not a quantity: 'eight'"),
            ({"Qty_Rejected": "-1"}, "Qty Rejected is not a quantity"),
            ({"Qty_for_MRB": "NaN"}, "Qty for MRB is not a quantity"),
            ({"Work_Order_Qty": "0"}, "Work Order Qty is zero"),
        ],
    )
    def test_a_bad_row_is_listed_and_stops_nothing(self, changes, reason):
        log = log_of(row(), row(**changes), row("10:00", "11:00"))
        assert [one.line for one in log.rows] == [2, 4]
        (bad,) = log.bad_rows
        assert bad.line == 3
        assert reason in bad.reason

    def test_a_row_cut_short_is_bad(self):
        text = ",".join(COLUMNS) + "\nCase 1,Turning\n"
        (bad,) = read_log(io.StringIO(text), UTC).bad_rows
        assert bad.reason.startswith("missing: Resource, Start Timestamp")

    def test_a_row_of_no_length_is_good(self):
        (one,) = log_of(row("07:00", "07:00")).rows
        assert one.started_at == one.ended_at

    def test_equal_rows_are_counted_and_referred_to_apart(self):
        rows = log_of(row(), row(Worker_ID="ID1"), row(), row()).rows
        assert [one.occurrence for one in rows] == [1, 1, 2, 3]
        assert len({reference(one) for one in rows}) == 4
        assert all(len(reference(one)) <= 64 for one in rows)

    def test_the_reference_does_not_depend_on_the_zone_or_the_place(self):
        (here,) = log_of(row()).rows
        _, there = log_of(row(Case_ID="Case 0"), row(), zone=ZoneInfo("Asia/Shanghai")).rows
        assert reference(here) == reference(there)

    def test_another_file_is_refused_whole(self):
        with pytest.raises(LogFormatError, match="Activity"):
            read_log(io.StringIO("Case ID,Resource\n1,2\n"), UTC)
        with pytest.raises(LogFormatError):
            read_log(io.StringIO(""), UTC)


NEW_YORK = ZoneInfo("America/New_York")


class TestLocalTimes:
    def test_a_zone_is_applied(self):
        (one,) = log_of(row(), zone=ZoneInfo("Asia/Shanghai")).rows
        assert one.started_at == datetime(2024, 1, 1, 23, tzinfo=UTC)

    def test_an_offset_in_the_file_wins(self):
        changed = {"Start Timestamp": "2024-01-02T07:00:00+02:00", "Complete Timestamp": "2024-01-02T06:00:00Z"}
        (one,) = log_of({**ROW, **changed}, zone=NEW_YORK).rows
        assert one.started_at == datetime(2024, 1, 2, 5, tzinfo=UTC)
        assert one.ended_at == datetime(2024, 1, 2, 6, tzinfo=UTC)

    def test_a_skipped_time_lies_after_the_change(self):
        skipped = datetime(2024, 3, 10, 2, 30)  # noqa: DTZ001
        assert instants(skipped, NEW_YORK)[0] == datetime(2024, 3, 10, 7, 30, tzinfo=UTC)

    def test_a_time_that_occurs_twice_is_the_first(self):
        twice = datetime(2024, 11, 3, 1, 30)  # noqa: DTZ001
        assert instants(twice, NEW_YORK) == (
            datetime(2024, 11, 3, 5, 30, tzinfo=UTC),
            datetime(2024, 11, 3, 6, 30, tzinfo=UTC),
        )

    def test_work_across_the_repeated_hour_does_not_end_before_it_starts(self):
        (one,) = log_of(row("01:50", "01:10", day="2024-11-03"), zone=NEW_YORK).rows
        assert one.ended_at - one.started_at == timedelta(minutes=20)

    def test_work_that_begins_at_a_skipped_time_keeps_its_length(self):
        (one,) = log_of(row("02:30", "03:10", day="2024-03-10"), zone=NEW_YORK).rows
        assert one.ended_at - one.started_at == timedelta(minutes=40)

    def test_a_shift_over_the_change_has_its_true_length(self):
        (one,) = log_of(row("00:00", "08:00", day="2024-03-10"), zone=NEW_YORK).rows
        assert one.ended_at - one.started_at == timedelta(hours=7)

    def test_there_is_no_span_backwards(self):
        assert span(datetime(2024, 1, 2, 8), datetime(2024, 1, 2, 7), NEW_YORK) is None  # noqa: DTZ001


class TestCodes:
    def test_names_become_codes(self):
        assert slug("Machine 4 - Turning & Milling") == "machine-4-turning-milling"
        assert slug("Tube") == "tube"
        assert slug("ID4932") == "ID4932"
        assert slug("车床 3 号") == "车床-3-号"

    def test_codes_differ_where_names_differ(self):
        assert codes(["A b", "a-b", "A  B", "A b"]) == {"A b": "a-b", "a-b": "a-b-2", "A  B": "a-b-3"}

    def test_long_and_empty_names_have_codes(self):
        assert len(slug("Machine " * 20)) <= 64
        assert slug("&&&").startswith("x-")
        long_codes = codes([f"{'Machine ' * 20}{end}" for end in "ab"]).values()
        assert len(set(long_codes)) == 2
        assert all(len(code) <= 64 for code in long_codes)


class TestPlanning:
    def rows(self):
        return [
            row("07:00", "08:00", Activity="Turning", Report_Type="S", Qty_Completed="0", Qty_Rejected="0"),
            row("08:00", "12:00", Activity="Milling", Resource="M 1"),
            row("09:00", "10:00", Activity="Turning", Resource="M 2"),
            row("10:00", "11:00", Case_ID="Case 2", **{"Part Desc.": "Tube"}),
            row("13:00", "14:00", Activity="Milling", Resource="M 1"),
        ]

    def plan(self, until=None):
        return plan(log_of(*self.rows()), until=until)

    def test_one_order_per_case_and_operations_in_order_of_appearance(self):
        first, second = self.plan().orders
        assert first.body["external_ref"] == "Case 1"
        assert first.body["product"] == "cable-head"
        assert first.body["quantity"] == Decimal(10)
        assert [(one["sequence"], one["name"], one["work_centers"]) for one in first.body["operations"]] == [
            (10, "Turning", ["machine-4-turning-milling", "m-2"]),
            (20, "Milling", ["m-1"]),
        ]
        assert all(one["predecessors"] == [] for one in first.body["operations"])
        assert second.body["product"] == "tube"

    def test_planned_times_are_what_the_log_took(self):
        turning, milling = self.plan().orders[0].body["operations"]
        assert turning["setup_time"] == timedelta(hours=1)
        assert turning["unit_time"] == timedelta(minutes=6)
        assert milling["unit_time"] == timedelta(minutes=30)
        assert "setup_time" not in milling

    def test_an_operation_ends_with_its_last_report(self):
        steps = self.plan().orders[0].steps
        told = [step.line if isinstance(step, PlannedReport) else f"complete {step.sequence}" for step in steps]
        assert told == [2, 4, "complete 10", 3, 6, "complete 20"]

    def test_quantities_and_times_are_the_rows(self):
        report = self.plan().orders[0].reports[1]
        assert (report.body["good"], report.body["scrap"], report.body["rework"]) == (8, 1, 1)
        assert report.body["started_at"] == datetime(2024, 1, 2, 9, tzinfo=UTC)
        assert (report.body["operator"], report.body["work_center"]) == ("ID4932", "m-2")

    def test_until_stops_the_clock(self):
        until = datetime(2024, 1, 2, 11, tzinfo=UTC)
        first, second = self.plan(until).orders
        assert [report.line for report in first.reports] == [2, 4]
        assert PlannedCompletion(10) in first.steps
        assert PlannedCompletion(20) not in first.steps
        assert not first.is_complete
        assert second.is_complete

    def test_until_changes_no_order(self):
        early, whole = self.plan(datetime(2024, 1, 2, 7, tzinfo=UTC)), self.plan()
        assert [order.body for order in early.orders] == [order.body for order in whole.orders]
        assert early.reports == []

    def test_the_same_log_makes_the_same_plan(self):
        assert self.plan() == self.plan()


def production_log():
    shared = os.environ.get("WOAAS_SHARED_DATA") or Path(__file__).parents[2].parent / "shared" / "data"
    return Path(shared) / "shopfloor_log" / "production_log.csv"


@pytest.fixture(scope="module")
def real():
    file = production_log()
    if not file.exists():
        pytest.skip(f"the production log is not at {file}")
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return read_log(lines, UTC)


class TestARealLog:
    def test_its_figures(self, real):
        planned = plan(real)
        assert (len(real.rows), real.bad_rows) == (3515, ())
        assert len(planned.orders) == 157
        assert (len(planned.work_centers), len(planned.operators)) == (27, 45)
        assert len(planned.reports) == 3515
        assert sum(one.occurrence > 1 for one in real.rows) == 21
        assert len({report.body["external_ref"] for report in planned.reports}) == 3515

    def test_nothing_is_lost_between_rows_and_reports(self, real):
        reports = plan(real).reports
        for quantity in ("good", "scrap", "rework"):
            assert sum(one.body[quantity] for one in reports) == sum(getattr(one, quantity) for one in real.rows)
