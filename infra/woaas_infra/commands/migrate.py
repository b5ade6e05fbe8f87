"""``woaas-server migrate``."""

from pathlib import Path


def migrate(*, home: Path | None = None, check: bool = False, new: str | None = None) -> None:
    """Bring the database's schema to the newest revision.

    Uses WOAAS_DATABASE_URL, else the home's own Postgres, which is started for the time if it is not running.

    Parameters
    ----------
    home
        Default: WOAAS_HOME, else .woaas
    check
        Change nothing; fail when the database or the history lacks something the code has.
    new
        Write the next revision under this name from what the code has and the history lacks (for developers).
    """
    from rich.console import Console  # noqa: PLC0415 - keeps --help fast

    from woaas_infra import migrate as schema  # noqa: PLC0415
    from woaas_infra.commands.settings import load_settings  # noqa: PLC0415
    from woaas_infra.database import open_database  # noqa: PLC0415
    from woaas_infra.errors import CannotStart  # noqa: PLC0415

    say = Console(highlight=False, soft_wrap=True).print
    with open_database(load_settings(home)) as dsn:
        if check:
            try:
                schema.check(dsn)
            except schema.SchemaDiffers as error:
                raise CannotStart(str(error)) from error
            say("The schema is the code's.")
            return
        schema.upgrade(dsn)
        if new:
            say(str(schema.revise(dsn, new)))
        else:
            say("The schema is up to date.")
