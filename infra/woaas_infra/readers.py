"""Every reader of the log, in the order they are advanced."""

from woaas_api.subjects import SUBJECTS
from woaas_billing import handlers as billing
from woaas_capacity_market import handlers as capacity_market
from woaas_core.events.readers import Reader
from woaas_core.settings import Settings
from woaas_security.audit.exporting import export_reader
from woaas_security.authz.policy import PolicyCache
from woaas_security.identity.service import Authenticator
from woaas_solver_farm import handlers as solver_farm
from woaas_work_orders.forecasts import handlers as forecasts
from woaas_work_orders.webhooks import handlers as webhooks


def readers(settings: Settings) -> tuple[Reader, ...]:
    """What follows the log in this installation."""
    authenticator = Authenticator(pepper=settings.secret_key, policies=PolicyCache())
    return (
        export_reader(SUBJECTS, origin=settings.audit_origin, authenticator=authenticator),
        *forecasts.READERS,
        *billing.READERS,
        *solver_farm.READERS,
        *capacity_market.READERS,
        *webhooks.READERS,
    )


def awaited(settings: Settings) -> list[str]:
    """The names of those that a read with ``Woaas-After`` waits for."""
    return [reader.name for reader in readers(settings) if reader.is_awaited]
