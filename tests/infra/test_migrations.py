import ast
import asyncio
from pathlib import Path

import asyncpg
import pytest
from fixtures.database import FreshDatabase, execute, fetch

from woaas_infra import migrate
from woaas_infra.dsn import with_database, with_role
from woaas_infra.roles import ensure_database

FIRST = """
from alembic import op
revision, down_revision, branch_labels, depends_on = "a1", None, None, None
def upgrade():
    op.execute("CREATE TABLE things (n int)")
    op.execute("INSERT INTO things SELECT 1 WHERE current_setting('lock_timeout') = '5s'")
def downgrade():
    op.execute("DROP TABLE things")
"""
SECOND = """
from alembic import op
revision, down_revision, branch_labels, depends_on = "b2", "a1", None, None
def upgrade():
    op.execute("CREATE TABLE more ()")
    op.execute("SELECT no_such_column FROM things")
def downgrade():
    raise NotImplementedError
"""


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    (tmp_path / "first.py").write_text(FIRST)
    return tmp_path


@pytest.fixture
def empty_dsn(postgres_server: str) -> str:
    """A database with roles and without any table."""
    execute(postgres_server, "DROP DATABASE IF EXISTS woaas_empty WITH (FORCE)")
    return asyncio.run(ensure_database(postgres_server, "woaas_empty"))


class TestUpgrade:
    def test_tables_belong_to_the_owner_role_and_waiting_is_short(self, empty_dsn: str, versions: Path) -> None:
        migrate.upgrade(empty_dsn, versions=versions)
        query = "SELECT tableowner::text FROM pg_tables WHERE tablename = 'things'"
        assert fetch(empty_dsn, query) == [("woaas_owner",)]
        assert fetch(empty_dsn, "SELECT n FROM things") == [(1,)]

    def test_again_changes_nothing(self, empty_dsn: str, versions: Path) -> None:
        migrate.upgrade(empty_dsn, versions=versions)
        migrate.upgrade(empty_dsn, versions=versions)
        assert fetch(empty_dsn, "SELECT count(*) FROM things") == [(1,)]

    def test_a_failing_revision_leaves_those_before_it_and_nothing_of_itself(
        self, empty_dsn: str, versions: Path
    ) -> None:
        (versions / "second.py").write_text(SECOND)
        with pytest.raises(Exception, match="no_such_column"):
            migrate.upgrade(empty_dsn, versions=versions)
        query = "SELECT to_regclass('things') IS NOT NULL, to_regclass('more') IS NULL"
        assert fetch(empty_dsn, query) == [(True, True)]
        assert fetch(empty_dsn, "SELECT version_num::text FROM woaas_migrations.alembic_version") == [("a1",)]

    def test_the_history_is_closed_to_the_app(self, empty_dsn: str, versions: Path) -> None:
        migrate.upgrade(empty_dsn, versions=versions)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            fetch(with_role(empty_dsn, "woaas_app"), "SELECT * FROM woaas_migrations.alembic_version")

    def test_downgrade_undoes(self, empty_dsn: str, versions: Path) -> None:
        migrate.upgrade(empty_dsn, versions=versions)
        migrate.downgrade(empty_dsn, "base", versions=versions)
        assert fetch(empty_dsn, "SELECT to_regclass('things')::text") == [(None,)]


class TestCheck:
    def test_a_history_that_lacks_tables_differs(self, empty_dsn: str, versions: Path) -> None:
        migrate.upgrade(empty_dsn, versions=versions)
        with pytest.raises(migrate.SchemaDiffers, match="event"):
            migrate.check(empty_dsn, versions=versions)

    def test_a_revised_history_does_not(self, empty_dsn: str, tmp_path: Path) -> None:
        written = migrate.revise(empty_dsn, "create everything", versions=tmp_path)
        ast.parse(written.read_text())
        assert written.name.endswith("_create_everything.py")
        with pytest.raises(migrate.SchemaDiffers):
            migrate.check(empty_dsn, versions=tmp_path)
        # What indexes need and no table tells of.
        execute(with_role(empty_dsn, "woaas_owner"), "CREATE EXTENSION pg_trgm", "CREATE EXTENSION btree_gin")
        migrate.upgrade(empty_dsn, versions=tmp_path)
        migrate.check(empty_dsn, versions=tmp_path)


def test_the_history_is_linear() -> None:
    assert len(migrate.heads()) <= 1


def test_the_template_is_migrated_by_the_same_code(database: FreshDatabase, postgres_server: str) -> None:
    assert database.dsn != with_database(postgres_server, "woaas_template")
    if not migrate.heads():
        pytest.skip("the history has no revision yet")
    query = "SELECT version_num::text FROM woaas_migrations.alembic_version"
    assert fetch(database.dsn, query) == [(head,) for head in migrate.heads()]
