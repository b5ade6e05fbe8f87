"""Chains of generated requests by the links of the contract, as two users of different tenants: nobody reads what the
other made, what was made is there, and what was taken away is not.

``WOAAS_FUZZ_EXAMPLES`` sets how many chains; ``WOAAS_FUZZ_PHASES=examples,coverage,fuzzing,stateful`` runs the rest.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fixtures.live_app import LiveApp

from woaas_api import openapi

# A body that fits the schema is never malformed (400, 413, 415). It may break a rule of the domain (a time zone that is
# one, a routing that has its material: 422), not suit how things stand, or show a wrong password (401; 429 after many).
# Names of fields in a reading's query, or in the export of one, and the form of cursors are not in the schema.
ACCEPTED = ["2xx", "401", "403", "404", "409", "410", "412", "422", "429"]
READ = [*ACCEPTED, "400"]
# A batch is taken whatever single items are like: each has a verdict of its own in the answer.
BATCH = ["200", "400", "401", "403", "404", "409", "413", "415", "422", "428", "429"]
PHASES = os.environ.get("WOAAS_FUZZ_PHASES", "stateful")
EXAMPLES = os.environ.get("WOAAS_FUZZ_EXAMPLES", "4")


@pytest.fixture
def users(live_app: LiveApp, tmp_path: Path) -> Path:
    """Who asks, as the tool reads it: owners of two tenants."""
    people = [
        {"name": name, "fixedHeaders": [{"name": name_, "value": value} for name_, value in headers.items()]}
        for name, headers in (("owner", live_app.headers()), ("stranger", live_app.headers("stranger")))
    ]
    document, settings = tmp_path / "users.json", tmp_path / "schemathesis.toml"
    document.write_text(json.dumps({"auth": people}))
    settings.write_text(
        f'[auth.wfc]\npath = "{document}"\nuser = "owner"\npeers = ["owner", "stranger"]\n'
        f"[checks.positive_data_acceptance]\nexpected-statuses = {json.dumps(ACCEPTED)}\n"
        + "".join(
            f"[[operations]]\n{of}\nchecks.positive_data_acceptance.expected-statuses = {json.dumps(READ)}\n"
            for of in ('include-method = "GET"', 'include-path = "/v1/exports"')
        )
        + '[[operations]]\ninclude-path = "/v1/work-orders/batch"\n'
        + f"checks.negative_data_rejection.expected-statuses = {json.dumps(BATCH)}\n"
    )
    return settings


def test_no_chain_of_requests_shows_a_defect(live_app: LiveApp, users: Path, tmp_path: Path) -> None:
    contract = tmp_path / "openapi.json"
    contract.write_bytes(openapi.rendered())
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(users)),
        *("run", str(contract), "--url", live_app.url),
        *("--checks", "all", "--phases", PHASES),
        *("--max-examples", EXAMPLES, "--seed", "1", "--generation-deterministic"),
        *("--suppress-health-check", "all", "--request-timeout", "30", "--no-color", "--no-shrink"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    # What failed, or how much was asked.
    report = done.stdout[max(done.stdout.find("= FAILURES"), 0) :]
    print(report)
    assert done.returncode == 0, report[:20_000] + done.stderr[-2_000:]


class TestLinks:
    """What the chains go by."""

    def test_every_post_leads_to_a_reading_of_what_it_did(self) -> None:
        paths: dict[str, Any] = openapi.document()["paths"]
        names = {o["operationId"]: (m, p, o) for p, methods in paths.items() for m, o in methods.items()}
        for path, methods in paths.items():
            for status, answer in methods.get("post", {}).get("responses", {}).items():
                if not status.startswith("2"):
                    continue
                assert answer["links"], path
                for link in answer["links"].values():
                    method, _, reading = names[link["operationId"]]
                    needed = {p["name"] for p in reading["parameters"] if p.get("in") == "path"}
                    assert (method, set(link["parameters"])) == ("get", needed), path

    def test_every_post_that_makes_something_says_where_it_is(self) -> None:
        for path, methods in openapi.document()["paths"].items():
            for status in ("201", "202"):
                if status in methods.get("post", {}).get("responses", {}):
                    assert "Location" in methods["post"]["responses"][status]["headers"], path
