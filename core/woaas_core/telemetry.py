"""Structured logs: one JSON line per event, ids as fields, no payloads."""

import logging
import sys
from collections.abc import Sequence

import structlog

# A traceback is told without the values of variables: they are what permissions hide.
PROCESSORS: Sequence[structlog.typing.Processor] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    structlog.processors.JSONRenderer(),
)


def configure_logging(level: str = "info") -> None:
    """Set up structlog for a process; call once at its start."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=threshold, stream=sys.stderr, format="%(message)s")
    quiet_libraries()
    structlog.configure(
        processors=PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def quiet_libraries() -> None:
    """Keep out of the log what libraries would write there of tenants."""
    # Casbin writes a tenant's whole policy at level info each time one is loaded; the client names each address that
    # is called, and one that a tenant has entered may hold a secret of his.
    for name in ("casbin", "httpx2"):
        logging.getLogger(name).setLevel(logging.WARNING)


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module; events are named ``part.noun.verb``."""
    bound: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return bound
