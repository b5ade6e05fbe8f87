"""The certificate's way to the owner who asked: the last thing that is known of him goes when it is out."""

from datetime import timedelta
from typing import TYPE_CHECKING

from woaas_core.mail import Mail
from woaas_security.tenant_deletion import letters, repository

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

TRIED_FOR = timedelta(days=30)


async def take(uow: "UnitOfWork") -> list[Mail]:
    """The mail with the certificate of the entered tenant, until it is out or was tried for too long."""
    row = await repository.current(uow)
    if row is None or row["state"] != "certified":
        return []
    if row["recipient"] is None or uow.clock.now() > row["started_at"] + TRIED_FOR:
        await finish(uow)
        return []
    return [letters.certificate(row["certificate"], **row["recipient"])]


async def finish(uow: "UnitOfWork") -> None:
    """Forget whom to tell."""
    row = await repository.current(uow, lock=True)
    if row is not None and row["state"] == "certified":
        await repository.change(uow, row["id"], state="finished", recipient=None, finished_at=uow.clock.now())
