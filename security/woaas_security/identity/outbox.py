"""The outbox: mail queued with the change that needs it, sent after its commit, tried again until it is out.

The token of a link is made when the mail is about to go and committed before it goes, so a mail never carries a link
that does not work, and the queue holds nothing that opens an account.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from woaas_core.ids import encode_id
from woaas_core.mail import Mail
from woaas_security.audit import mailing
from woaas_security.identity import credential_store as store
from woaas_security.identity import events, notices, one_time
from woaas_security.identity.keyring import Keyring
from woaas_security.identity.letters import letter
from woaas_security.identity.one_time import Purpose
from woaas_security.tenant_deletion import letters

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

_MOST_ATTEMPTS = 10
_FIRST_RETRY_S = 30
_RECORDED = {Purpose.RESET_PASSWORD: events.RESET_REQUESTED}


class Outgoing(NamedTuple):
    """A mail to send, and the row to forget when it is out."""

    id: UUID
    mail: Mail


async def take(uow: "UnitOfWork", keyring: Keyring, base_url: str) -> list[Outgoing]:
    """Mail that is due, with fresh links; each is due again later unless settled, until it was tried too often."""
    found = []
    for row in await store.due_mails(uow):
        if row["attempts"] >= _MOST_ATTEMPTS:
            await store.drop_mail(uow, row["id"])
            continue
        delay = timedelta(seconds=_FIRST_RETRY_S * 2 ** row["attempts"])
        await store.postpone_mail(uow, row["id"], uow.clock.now() + delay)
        reader = {"to": row["email"], "name": row["name"], "language": row["language"], "base_url": base_url}
        if row["purpose"] == mailing.PURPOSE:
            note = await mailing.checkpoint_letter(uow, **reader)
            if note is not None:
                found.append(Outgoing(row["id"], note))
            continue
        if row["purpose"] in letters.PURPOSES:
            told = await letters.letter(uow, row["purpose"], **reader)
            found += [] if told is None else [Outgoing(row["id"], told)]
            continue
        if row["purpose"] in notices.PURPOSES:
            found.append(Outgoing(row["id"], notices.notice(row["purpose"], **reader)))
            continue
        purpose = Purpose(row["purpose"])
        token = await one_time.mint(uow, keyring, row["user_id"], purpose)
        if row["attempts"] == 0 and purpose in _RECORDED:
            uow.record(_RECORDED[purpose], subject=encode_id("usr", row["user_id"]))
        found.append(Outgoing(row["id"], letter(purpose, **reader, token=token)))
    return found


async def settle(uow: "UnitOfWork", sent: Outgoing) -> None:
    """Forget a mail that is out."""
    await store.drop_mail(uow, sent.id)
