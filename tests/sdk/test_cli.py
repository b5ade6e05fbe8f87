"""The command line: what it prints, its exit codes, and how little it loads."""

import json
import stat
import subprocess
import sys

import httpx2
import pytest

import woaas
from woaas.cli import config, order_csv
from woaas.cli.app import COMMANDS, run
from woaas.cli.events import follow


@pytest.fixture
def service(monkeypatch, tmp_path):
    """What the service answers by method and path; other calls are a 404. Calls are kept in `calls`."""
    answers, calls = {}, []

    def handler(request):
        calls.append((request.method, request.url.path, json.loads(request.content) if request.content else None))
        status, document = answers.get((request.method, request.url.path), (404, {"code": "not_found"}))
        return httpx2.Response(status, json=document)

    monkeypatch.setenv("WOAAS_API_KEY", "woaas_test_k")
    monkeypatch.setenv("WOAAS_BASE_URL", "http://woaas.test")
    monkeypatch.setenv("WOAAS_CONFIG", str(tmp_path / "config.json"))
    monkeypatch.setattr(httpx2, "Client", _with(httpx2.Client, handler))
    monkeypatch.setattr(httpx2, "AsyncClient", _with(httpx2.AsyncClient, handler))
    answers["calls"] = calls
    return answers


def _with(kind, handler):
    return lambda **options: kind(transport=httpx2.MockTransport(handler), **options)


ORDER = {"id": "wo_1", "number": "WO-1", "state": "draft", "product": "P", "quantity": "10"}


class TestOutput:
    def test_json_is_what_the_service_said(self, service, capsys):
        service["GET", "/v1/work-orders/WO-1"] = (200, {**ORDER, "novelty": [1]})
        assert run(["work-orders", "get", "WO-1", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {**ORDER, "novelty": [1]}

    def test_a_list_is_a_table(self, service, capsys):
        service["GET", "/v1/work-orders"] = (200, {"data": [ORDER], "next_cursor": None})
        assert run(["work-orders", "list", "--state", "draft"]) == 0
        header, line = capsys.readouterr().out.splitlines()
        assert header.split()[:2] == ["number", "state"]
        assert line.split() == ["WO-1", "draft", "P", "10"]

    def test_a_line_of_a_table_is_an_object(self, service, capsys):
        order = {**ORDER, "due_at": "2026-12-01T07:00:00Z", "title": "A bracket with a very long title, " * 9}
        service["GET", "/v1/work-orders"] = (200, {"data": [order], "next_cursor": None})
        assert run(["work-orders", "list"]) == 0
        _, line = capsys.readouterr().out.splitlines()
        assert "2026-12-01 07:00Z" in line
        assert line.rstrip().endswith("long title,")

    def test_a_report_is_sent_as_given(self, service, capsys):
        service["POST", "/v1/operations/op_1/reports"] = (201, {"id": "rep_1"})
        assert run(["operations", "report", "op_1", "--good", "8.5", "--kind", "setup"]) == 0
        assert service["calls"][-1][2] == {"kind": "setup", "good": "8.5"}


class TestExitCodes:
    @pytest.mark.parametrize(
        ("status", "code"), [(404, 3), (410, 3), (401, 4), (403, 4), (409, 5), (412, 5), (422, 1), (400, 1)]
    )
    def test_each_failure_has_its_own(self, service, capsys, status, code):
        service["POST", "/v1/work-orders/WO-1/release"] = (status, {"code": "some_code", "detail": "so it is"})
        assert run(["work-orders", "release", "WO-1"]) == code
        assert "so it is" in capsys.readouterr().err

    def test_a_conflict_names_what_is_allowed(self, service, capsys):
        problem = {"code": "invalid_transition", "allowed_commands": ["hold", "complete"]}
        service["POST", "/v1/work-orders/WO-1/release"] = (409, problem)
        run(["work-orders", "release", "WO-1"])
        assert "allowed now: hold, complete" in capsys.readouterr().err

    def test_wrong_usage_is_2(self, service, capsys):
        assert run(["work-orders", "create"]) == 2
        assert run(["no-such-command"]) == 2

    def test_a_missing_file_is_wrong_usage(self, service, capsys):
        assert run(["work-orders", "import", "/nowhere.csv"]) == 2
        assert "/nowhere.csv" in capsys.readouterr().err

    def test_without_a_key_login_is_named(self, service, capsys, monkeypatch):
        monkeypatch.delenv("WOAAS_API_KEY")
        assert run(["work-orders", "list"]) == 4
        assert "woaas login" in capsys.readouterr().err


class TestLogin:
    def test_the_key_is_checked_and_kept_for_the_user_alone(self, service, capsys):
        service["GET", "/v1/me"] = (200, {"tenant_id": "ten_1"})
        assert run(["login"]) == 0
        file = config.config_file()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert json.loads(file.read_text()) == {"base_url": "http://woaas.test", "api_key": "woaas_test_k"}
        assert "woaas_test_k" not in capsys.readouterr().out

    def test_a_wrong_key_is_not_kept(self, service, capsys):
        service["GET", "/v1/me"] = (401, {"code": "unauthorized"})
        assert run(["login"]) == 4
        assert not config.config_file().exists()

    def test_the_environment_wins_over_what_is_stored(self, service, monkeypatch):
        config.store("http://elsewhere.test", "woaas_test_stored")
        assert config.connection() == ("woaas_test_k", "http://woaas.test")
        monkeypatch.delenv("WOAAS_API_KEY")
        assert config.connection() == ("woaas_test_stored", "http://woaas.test")


class TestImport:
    def test_rows_become_orders(self):
        lines = [
            "product,quantity,priority,customer,custom_fields.mould_no\n",
            "P,10,2,,M-17\n",
            "\n",
            "Q,2.5,,ACME,\n",
        ]
        assert list(order_csv.order_lines(lines, release=True)) == [
            (
                "2",
                {
                    "product": "P",
                    "quantity": "10",
                    "priority": 2,
                    "custom_fields": {"mould_no": "M-17"},
                    "release": True,
                },
            ),
            ("4", {"product": "Q", "quantity": "2.5", "customer": "ACME", "release": True}),
        ]

    def test_a_file_without_products_is_refused(self):
        with pytest.raises(ValueError, match="product"):
            list(order_csv.order_lines(["quantity\n", "1\n"]))

    def test_refused_lines_are_named_and_counted(self, service, capsys, tmp_path):
        results = [
            {"key": "2", "status": 201, "work_order": ORDER},
            {"key": "3", "status": 422, "problem": {"code": "invalid", "detail": "no such product"}},
        ]
        service["POST", "/v1/work-orders/batch"] = (200, {"results": results})
        file = tmp_path / "orders.csv"
        file.write_text("product,quantity\nP,1\nX,2\n")
        assert run(["work-orders", "import", str(file), "--json"]) == 1
        assert json.loads(capsys.readouterr().out) == {
            "created": 1,
            "known": 0,
            "refused": [{"line": 3, "reason": "no such product"}],
        }


class TestSchedule:
    def test_it_waits_and_publishes(self, service, capsys):
        finished = {
            "id": "run_1",
            "status": "finished",
            "schedule_id": "sch_1",
            "metrics": {"makespan": 120},
            "gap": 0.05,
        }
        service["POST", "/v1/schedule-runs"] = (202, {"id": "run_1", "status": "queued"})
        service["GET", "/v1/schedule-runs/run_1"] = (200, finished)
        service["POST", "/v1/schedules/sch_1/publish"] = (200, {"id": "sch_1"})
        assert run(["schedule", "--time-limit", "5", "--publish"]) == 0
        printed = capsys.readouterr()
        assert "sch_1 is published" in printed.out
        assert "finished" in printed.err
        assert service["calls"][0][2] == {"policy": "on_time", "time_limit": "PT5S"}
        assert service["calls"][-1][:2] == ("POST", "/v1/schedules/sch_1/publish")


class TestEvents:
    def test_following_reads_the_last_page_again_and_tells_each_event_once(self, monkeypatch):
        pages = iter(
            [
                ([{"id": "e1"}, {"id": "e2"}], "c1"),
                ([{"id": "e3"}], None),
                ([{"id": "e3"}, {"id": "e4"}], None),
            ]
        )
        cursors = []

        def handler(request):
            cursors.append(request.url.params.get("cursor"))
            data, following = next(pages)
            return httpx2.Response(200, json={"data": data, "next_cursor": following})

        monkeypatch.setattr("woaas.cli.events.time.sleep", lambda seconds: None)
        http = httpx2.Client(transport=httpx2.MockTransport(handler))
        following = follow(woaas.Client("k", "http://woaas.test", http_client=http), "2026-01-01T00:00:00Z")
        assert [next(following).id for _ in range(4)] == ["e1", "e2", "e3", "e4"]
        assert cursors == [None, "c1", "c1"]


class TestReplay:
    LOG = (
        "Case ID,Activity,Resource,Start Timestamp,Complete Timestamp,Span,Work Order Qty,Part Desc.,Worker ID,"
        "Report Type,Qty Completed,Qty Rejected,Qty for MRB,Rework\n"
        "Case 1,Turning,M 1,2024-01-02T07:00:00,2024-01-02T08:00:00,,10,Tube,ID1,D,8,1,1,\n"
        "Case 1,Turning,M 1,2024-01-02T09:00:00,2024-01-02T08:00:00,,10,Tube,ID1,D,8,1,1,\n"
    )

    def test_the_summary_counts_what_is_in_the_log_and_what_was_new(self, service, capsys, tmp_path):
        operation = {"id": "op_1", "sequence": 10, "name": "Turning", "state": "ready"}
        order = {"id": "wo_1", "state": "released", "operations": [operation]}
        empty = {"data": [], "next_cursor": None}
        for kind, code in (("work-centers", "m-1"), ("operators", "ID1"), ("materials", "tube")):
            service["GET", f"/v1/{kind}"] = (200, empty)
            service["PUT", f"/v1/{kind}/{code}"] = (201, {"code": code})
        service["POST", "/v1/work-orders/batch"] = (
            200,
            {"results": [{"key": "Case 1", "status": 201, "work_order": order}]},
        )
        service["POST", "/v1/operations/op_1/reports"] = (201, {"id": "rep_1"})
        service["POST", "/v1/operations/op_1/complete"] = (200, operation)
        service["POST", "/v1/work-orders/wo_1/complete"] = (200, order)
        file = tmp_path / "log.csv"
        file.write_text(self.LOG)
        assert run(["replay", "shopfloor-log", str(file), "--timezone", "Asia/Shanghai", "--json"]) == 0
        summary = json.loads(capsys.readouterr().out)
        assert summary["orders"] == summary["operations"] == summary["reports"] == summary["completed_orders"] == 1
        assert (summary["good"], summary["scrap"], summary["rework"]) == ("8", "1", "1")
        assert summary["bad_rows"] == [
            {"line": 3, "reason": "ends at 2024-01-02T08:00:00, before it starts at 2024-01-02T09:00:00"}
        ]
        report = next(body for _, path, body in service["calls"] if path.endswith("/reports"))
        assert report["started_at"] == "2024-01-01T23:00:00Z"

    def test_another_file_and_another_zone_are_wrong_usage(self, service, capsys, tmp_path):
        file = tmp_path / "other.csv"
        file.write_text("a,b\n")
        assert run(["replay", "shopfloor-log", str(file)]) == 2
        assert run(["replay", "shopfloor-log", str(file), "--timezone", "Mars/Olympus"]) == 2


class TestLoading:
    def loaded(self, code):
        program = f"import sys; {code}; print(*sorted(sys.modules))"
        return set(
            subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
        )

    def test_the_library_loads_neither_command_line_nor_verifier(self):
        modules = self.loaded("import woaas")
        assert not modules & {"cyclopts", "rich", "cryptography", "woaas.cli", "woaas.audit", "woaas.replay"}

    def test_the_command_line_loads_no_command_before_it_is_used(self):
        modules = self.loaded("import woaas.cli.app")
        assert not {module for module in modules if module.startswith("woaas.cli.")} - {"woaas.cli.app"}

    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_has_help(self, command, capsys):
        assert run([command, "--help"]) == 0
        assert "Usage: woaas" in capsys.readouterr().out
