"""pgrls, which others wrote, finds nothing wrong with the row-level security of the migrated database."""

import json
import subprocess
import sys
from pathlib import Path

from fixtures.database import FreshDatabase, execute

CONFIG = Path(__file__).with_name("pgrls.toml")


def findings(dsn: str, place: Path) -> list[str]:
    """What it has to say of a database."""
    lint = [Path(sys.executable).with_name("pgrls"), "lint", "--database-url", dsn, "--format", "json"]
    asked = [*lint, "--config", CONFIG]
    done = subprocess.run(asked, capture_output=True, text=True, cwd=place, timeout=120, check=False)
    return [f"{v['rule_id']} {v['location']}: {v['message']}" for v in json.loads(done.stdout)["violations"]]


def test_the_linter_finds_a_table_left_open_and_nothing_else(database: FreshDatabase, tmp_path: Path) -> None:
    execute(database.dsn, "CREATE TABLE forgotten (tenant_id uuid NOT NULL, secret text)")
    assert [f.partition(":")[0] for f in findings(database.dsn, tmp_path)] == ["SEC001 public.forgotten"]
