"""``woaas-server up``."""

from pathlib import Path


def up(*, home: Path | None = None, host: str | None = None, port: int | None = None, demo: bool = True) -> None:
    """Start everything on this machine; Ctrl-C stops it.

    Parameters
    ----------
    home
        Holds all state; made when missing. Default: WOAAS_HOME, else .woaas
    host
        Address to listen on. Default: WOAAS_HOST, else 127.0.0.1
    port
        Port to listen on, 0 for any free one. Default: WOAAS_PORT, else 8000
    demo
        Seed the demo factory on the first start
    """
    from woaas_infra import up as one_machine  # noqa: PLC0415 - keeps --help fast
    from woaas_infra.assembly import one_machine as assembly  # noqa: PLC0415
    from woaas_infra.commands.settings import load_settings  # noqa: PLC0415
    from woaas_infra.progress import Progress  # noqa: PLC0415

    one_machine.up(load_settings(home, host=host, port=port), assembly(demo=demo), Progress())
