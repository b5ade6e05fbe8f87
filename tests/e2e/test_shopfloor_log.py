"""The main job on a production log: replayed through the public API, then measured against the file itself."""

import csv
import json
import os
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fixtures.server import Platform

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("platform")]
HEADER = (
    "Case ID,Activity,Resource,Start Timestamp,Complete Timestamp,Span,Work Order Qty,Part Desc.,Worker ID,"
    "Report Type,Qty Completed,Qty Rejected,Qty for MRB,Rework"
)
# Written by us: two cases that overlap and go backwards, an exact duplicate, a zero-length row, three bad ones.
OWN_LOG = f"""{HEADER}
Case 1,Turning,Lathe 1 - Turning,2012-01-02T07:00:00,2012-01-02T08:30:00,001:30,40,Tube,W1,S,0,0,0,
Case 1,Turning,Lathe 1 - Turning,2012-01-02T08:30:00,2012-01-02T12:00:00,003:30,40,Tube,W1,D,30,1,0,
Case 1,Turning,Lathe 1 - Turning,2012-01-02T08:30:00,2012-01-02T12:00:00,003:30,40,Tube,W1,D,30,1,0,
Case 1,Grinding,Grinder 2 - Grinding,2012-01-02T10:00:00,2012-01-02T10:00:00,000:00,40,Tube,W2,D,0,0,2,
Case 2,Grinding,Grinder 2 - Grinding,2012-01-02T22:00:00,2012-01-03T01:00:00,003:00,12,Cable Head,W2,B,0,0,0,
Case 2,Turning,Lathe 1 - Turning,2012-01-02T21:00:00,2012-01-02T23:00:00,002:00,12,Cable Head,W1,D,12,0,0,
Case 2,Turning,Lathe 1 - Turning,not a time,2012-01-02T23:00:00,002:00,12,Cable Head,W1,D,12,0,0,
Case 2,Turning,Lathe 1 - Turning,2012-01-02T23:00:00,2012-01-02T21:00:00,002:00,12,Cable Head,W1,D,12,0,0,
Case 2,Turning,Lathe 1 - Turning,2012-01-02T21:00:00,2012-01-02T23:00:00,002:00,12,Cable Head,W1,X,12,0,0,
"""


def shared_log() -> Path:
    root = Path(os.environ.get("WOAAS_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
    log = root / "shopfloor_log" / "production_log.csv"
    if not log.exists():
        pytest.skip(f"the real production log is not at {log}")
    return log


def figures(log: Path) -> dict[str, tuple[Decimal, Decimal]]:
    """Yield, setup share and breakdown share straight from the rows, sharing no code with the replay."""
    pieces: dict[str, Decimal] = defaultdict(Decimal)
    minutes: dict[str, Decimal] = defaultdict(Decimal)
    with log.open(newline="") as file:
        for row in csv.DictReader(file):
            try:
                start = datetime.fromisoformat(row["Start Timestamp"])
                end = datetime.fromisoformat(row["Complete Timestamp"])
            except ValueError:
                continue
            if end < start or row["Report Type"] not in "DSB":
                continue
            pieces["good"] += Decimal(row["Qty Completed"])
            pieces["all"] += sum(Decimal(row[n]) for n in ("Qty Completed", "Qty Rejected", "Qty for MRB"))
            took = Decimal(int((end - start).total_seconds())) / 60
            minutes[row["Report Type"]] += took
            minutes["all"] += took
    return {
        "yield": (pieces["good"], pieces["all"]),
        "setup_share": (minutes["S"], minutes["all"]),
        "breakdown_share": (minutes["B"], minutes["all"]),
    }


def replay(platform: Platform, key: str, log: Path, *options: str) -> dict[str, Any]:
    said = platform.run("woaas", "replay", "shopfloor-log", str(log), "--json", *options, key=key)
    summary: dict[str, Any] = json.loads(said)
    return summary


def check_whole_log(platform: Platform, key: str, log: Path, orders: int, tmp_path: Path) -> None:
    """What must hold after a whole log: figures, orders done, the second run, the audit bundle."""
    with platform.client(key) as client:
        kpis = {k["name"]: (Decimal(k["numerator"]), Decimal(k["denominator"])) for k in _kpis(platform, key)}
        for name, expected in figures(log).items():
            assert kpis[name] == expected, name
        done = list(client.work_orders.list(state="completed"))
        assert len(done) == orders
    again = replay(platform, key, log)
    assert (again["new_orders"], again["new_reports"], again["completed_orders"]) == (0, 0, 0)
    bundle = tmp_path / "bundle.zip"
    platform.run("woaas", "audit", "export", "--output", str(bundle), key=key)
    assert platform.run("woaas", "audit", "verify", str(bundle)).startswith("ok")


def _kpis(platform: Platform, key: str) -> list[dict[str, Any]]:
    import httpx

    answer = httpx.get(f"{platform.url}/v1/kpis", headers={"Authorization": f"Bearer {key}"})
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def test_our_own_log_is_replayed_whole_and_bad_rows_stop_nothing(platform: Platform, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text(OWN_LOG)
    key = platform.new_tenant("Own log")["api_key"]
    summary = replay(platform, key, log)
    assert (summary["orders"], summary["reports"], len(summary["bad_rows"])) == (2, 6, 3)
    assert [row["line"] for row in summary["bad_rows"]] == [8, 9, 10]
    check_whole_log(platform, key, log, 2, tmp_path)


def test_the_clock_can_be_stopped_inside_a_log(platform: Platform, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text(OWN_LOG)
    key = platform.new_tenant("Half a log")["api_key"]
    summary = replay(platform, key, log, "--until", "2012-01-02T18:00:00")
    assert (summary["reports"], summary["open_orders"]) == (4, 1)
    whole = replay(platform, key, log)
    assert (whole["new_reports"], whole["open_orders"]) == (2, 0)


def test_the_real_log_is_replayed_whole(platform: Platform, tmp_path: Path) -> None:
    log = shared_log()
    key = platform.new_tenant("Real log")["api_key"]
    summary = replay(platform, key, log)
    assert (summary["orders"], summary["reports"], summary["bad_rows"]) == (157, 3515, [])
    check_whole_log(platform, key, log, 157, tmp_path)
