"""The settings of a command: the environment, and what was said on the command line over it."""

import os
from pathlib import Path

from woaas_core.settings import Settings
from woaas_infra.errors import CannotStart


def load_settings(home: Path | None, **said: str | int | None) -> Settings:
    """Read them, making the home a private folder first if it is new.

    Raises:
        CannotStart: a variable does not fit its type, or the home cannot be made.
    """
    try:
        if home is None:
            home = Path(os.environ.get("WOAAS_HOME") or ".woaas")
        home = home.expanduser().resolve()
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Settings.load(None, home=home, **said)
    except (OSError, ValueError) as error:
        raise CannotStart(str(error)) from error
