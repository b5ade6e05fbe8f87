"""Every periodic job: what time alone makes due, with nobody's request and no event behind it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from woaas_api.exported import EXPORTED
from woaas_billing import invoicing
from woaas_capacity_market import requests
from woaas_capacity_market.unfinished import unfinished
from woaas_core import idempotency
from woaas_core.db.statements import Statement
from woaas_core.mail import mailer_of
from woaas_core.pagination import CursorCodec
from woaas_core.settings import Settings
from woaas_infra.readers import readers
from woaas_infra.tables import complete_metadata
from woaas_security.audit import exports, mailing, retention
from woaas_security.authz.policy import PolicyCache
from woaas_security.data_exports import service as data_exports
from woaas_security.exports import repository as object_exports
from woaas_security.exports.writing import Begin, Writer
from woaas_security.identity import credential_store, outbox, throttle
from woaas_security.identity import repository as identity
from woaas_security.identity.keyring import Keyring
from woaas_security.identity.service import Authenticator
from woaas_security.oauth import repository as oauth
from woaas_security.oauth.protocol import GRANT_LIFE
from woaas_security.principal import Principal
from woaas_security.sso import domains
from woaas_security.sso import repository as sso
from woaas_security.tenant_deletion import certificates, destruction
from woaas_solver_farm.learning import upkeep as learning
from woaas_solver_farm.schedules import repository as schedules
from woaas_work_orders.forecasts import computing, netting
from woaas_work_orders.promises import service as promises
from woaas_work_orders.webhooks import outcomes as webhooks
from woaas_work_orders.webhooks import queue as webhook_queue

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

Work = Callable[["UnitOfWork", Principal], Awaitable[int]]
_FORGOTTEN_AT_ONCE = 5_000


class PeriodicJob(NamedTuple):
    """A named piece of work on each tenant that has some.

    ``tenants`` finds those in all of the installation at ``now``. ``work`` does a bounded part of it in the
    transaction of one tenant and returns how much: it is called again until that is 0. It decides for itself what is
    due, from the rows as they are, so that doing it twice does it once and an outage is made up for.
    """

    name: str
    every: timedelta
    tenants: Statement
    work: Work


class Delivery(NamedTuple):
    """What leaves the system, tenant by tenant, at least once.

    ``take`` claims what is due in one transaction, ``send`` hands each on outside of any, ``settle`` notes in another
    that it is out, with what ``send`` was told. What fails, or is cut off before it is settled, is due again by what
    ``take`` has committed.
    """

    name: str
    every: timedelta
    tenants: Statement
    take: Callable[["UnitOfWork"], Awaitable[Sequence[Any]]]
    send: Callable[[Any], Awaitable[object]]
    settle: Callable[["UnitOfWork", Any, Any], Awaitable[None]]


async def _forget(uow: "UnitOfWork", _principal: Principal) -> int:
    """What nobody can ask for any more; no fact of the business, so it leaves no event."""
    return (
        await idempotency.forget_old(uow, limit=_FORGOTTEN_AT_ONCE)
        + await identity.forget_ended_sessions(uow)
        + await oauth.forget_ended(uow, uow.clock.now() - GRANT_LIFE)
        + await credential_store.forget_tokens(uow)
        + await sso.forget_answers(uow)
        + await data_exports.forget_expired(uow)
        + await object_exports.forget_expired(uow)
        + await throttle.forget_old(uow)
        + await exports.forget_expired(uow)
        + await schedules.forget_expired(uow)
        + await webhook_queue.forget_old(uow, limit=_FORGOTTEN_AT_ONCE)
    )


class LongJob(NamedTuple):
    """Work that takes long: nothing else waits for it, and it takes as many transactions as it needs.

    ``work`` leases what it works on, so that a killed process leaves it to the next; it returns whether there was any.
    It is told when the process is about to end.
    """

    name: str
    every: timedelta
    tenants: Statement
    work: Callable[[Begin, Callable[[], bool]], Awaitable[bool]]


async def _export_data(uow: "UnitOfWork", _principal: Principal) -> int:
    """Everything of a tenant, whichever part its tables are of."""
    return await data_exports.write_queued(uow, complete_metadata().sorted_tables)


async def _delete_tenant(uow: "UnitOfWork", principal: Principal) -> int:
    """Send a tenant whose time has come its last invoice and shut it; after that destroy what it has."""
    if not await destruction.is_due(uow, unfinished):
        return await destruction.destroy(uow, complete_metadata().sorted_tables)
    await invoicing.issue(uow, principal, invoicing.OPEN)
    await destruction.begin(uow)
    return 1


JOBS: tuple[PeriodicJob, ...] = (
    PeriodicJob(
        "market_requests",
        timedelta(seconds=10),
        Statement.text("SELECT tenants_with_expired_requests($1)", "now"),
        requests.expire_due,
    ),
    PeriodicJob(
        "promises",
        timedelta(seconds=10),
        Statement.text("SELECT tenants_with_expired_promises($1)", "now"),
        promises.expire_due,
    ),
    PeriodicJob(
        "billing_periods",
        timedelta(minutes=1),
        Statement.text("SELECT tenants_to_renew($1)", "now"),
        invoicing.renew,
    ),
    PeriodicJob("retraining", timedelta(hours=1), Statement.text("SELECT live_tenants()"), learning.queue_due),
    PeriodicJob(
        "duration_models",
        timedelta(seconds=5),
        Statement.text("SELECT tenants_with_queued_models($1)", "now"),
        learning.train_queued,
    ),
    PeriodicJob(
        "forecasts",
        timedelta(seconds=5),
        Statement.text("SELECT tenants_with_queued_forecasts($1)", "now"),
        computing.compute_queued,
    ),
    PeriodicJob(
        "data_exports",
        timedelta(seconds=5),
        Statement.text("SELECT tenants_with_queued_data_exports()"),
        _export_data,
    ),
    PeriodicJob(
        "tenant_deletions",
        timedelta(seconds=30),
        Statement.text("SELECT tenants_to_delete($1)", "now"),
        _delete_tenant,
    ),
    PeriodicJob("webhooks", timedelta(minutes=10), webhook_queue.TENANTS, webhooks.disable_behind),
    PeriodicJob("lapsed_forecasts", timedelta(hours=1), Statement.text("SELECT live_tenants()"), netting.lapse),
    PeriodicJob("checkpoint_mail", timedelta(hours=1), Statement.text("SELECT live_tenants()"), mailing.queue_daily),
    PeriodicJob("forgetting", timedelta(hours=1), Statement.text("SELECT live_tenants()"), _forget),
)
"""In the order they are done: what others wait for comes before what takes long."""


def jobs(settings: Settings) -> tuple[PeriodicJob, ...]:
    """Every periodic job of this installation."""
    archive = retention.archiving([reader.name for reader in readers(settings)])
    return (
        *JOBS,
        PeriodicJob("retention", timedelta(hours=1), Statement.text("SELECT tenants_with_retention()"), archive),
    )


def long_jobs(settings: Settings) -> tuple[LongJob, ...]:
    """What is done beside the periodic jobs."""
    authenticator = Authenticator(pepper=settings.secret_key, policies=PolicyCache())
    writer = Writer(EXPORTED, authenticator, CursorCodec(settings.secret_key))
    due = Statement.text("SELECT tenants_with_due_exports($1)", "now")
    return (LongJob("exports", timedelta(seconds=1), due, writer.write_next),)


def deliveries(settings: Settings) -> tuple[Delivery, ...]:
    """Everything that leaves the system."""
    keyring, mailer = Keyring(settings.secret_key), mailer_of(settings)
    return (
        Delivery(
            "mail",
            timedelta(seconds=2),
            Statement.text("SELECT tenants_with_mail($1)", "now"),
            take=lambda uow: outbox.take(uow, keyring, settings.url),
            send=lambda outgoing: mailer.send(outgoing.mail),
            settle=lambda uow, outgoing, _: outbox.settle(uow, outgoing),
        ),
        Delivery(
            "deletion_certificates",
            timedelta(minutes=10),
            Statement.text("SELECT tenants_to_delete($1)", "now"),
            take=certificates.take,
            send=mailer.send,
            settle=lambda uow, _mail, _: certificates.finish(uow),
        ),
        Delivery(
            "sso_domains",
            timedelta(seconds=10),
            Statement.text("SELECT tenants_with_sso_domains($1)", "now"),
            take=domains.due,
            send=lambda check: domains.look_up(check, domains.text_records),
            settle=domains.settle,
        ),
    )
