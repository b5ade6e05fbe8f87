"""Settings: the environment, overrides over it, and a secret that stays."""

import stat
from pathlib import Path

import pytest

from woaas_core.settings import Settings


class TestLoad:
    def test_without_any_variable_everything_has_a_value(self, tmp_path: Path) -> None:
        settings = Settings.load({}, home=tmp_path)
        assert (settings.host, settings.port) == ("127.0.0.1", 8000)
        assert settings.url == "http://127.0.0.1:8000"
        assert settings.database_url == ""

    def test_variables_are_read_and_typed(self, tmp_path: Path) -> None:
        environ = {"WOAAS_HOME": str(tmp_path), "WOAAS_PORT": "9001", "WOAAS_BASE_URL": "https://woaas.test/"}
        settings = Settings.load(environ)
        assert (settings.home, settings.port, settings.url) == (tmp_path, 9001, "https://woaas.test")

    def test_the_command_line_wins_over_the_environment(self, tmp_path: Path) -> None:
        assert Settings.load({"WOAAS_PORT": "9001"}, home=tmp_path, port=9002).port == 9002
        assert Settings.load({"WOAAS_PORT": "9001"}, home=tmp_path, port=None).port == 9001

    def test_an_empty_variable_counts_as_absent(self, tmp_path: Path) -> None:
        assert Settings.load({"WOAAS_PORT": ""}, home=tmp_path).port == 8000

    @pytest.mark.parametrize("port", ["http", "80.5", "9" * 40])
    def test_a_variable_of_the_wrong_type_is_named(self, tmp_path: Path, port: str) -> None:
        with pytest.raises(ValueError, match="port"):
            Settings.load({"WOAAS_PORT": port}, home=tmp_path)

    def test_a_numeric_looking_text_stays_text(self, tmp_path: Path) -> None:
        assert Settings.load({"WOAAS_AUDIT_ORIGIN": "12345"}, home=tmp_path).audit_origin == "12345"


class TestSecret:
    def test_it_is_made_once_and_kept_private(self, tmp_path: Path) -> None:
        first = Settings.load({}, home=tmp_path / "new").secret_key
        assert Settings.load({}, home=tmp_path / "new").secret_key == first
        assert len(first) >= 32
        assert stat.S_IMODE((tmp_path / "new" / "secret.key").stat().st_mode) == 0o600

    def test_a_kill_while_it_is_made_leaves_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr("os.link", killed)
            with pytest.raises(KeyboardInterrupt):
                Settings.load({}, home=tmp_path)
        assert list(tmp_path.iterdir()) == []
        assert len(Settings.load({}, home=tmp_path).secret_key) >= 32

    def test_a_given_one_is_used_and_nothing_written(self, tmp_path: Path) -> None:
        assert Settings.load({"WOAAS_SECRET_KEY": "pepper"}, home=tmp_path).secret_key == b"pepper"
        assert list(tmp_path.iterdir()) == []
