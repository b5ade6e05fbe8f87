"""Mail that says something happened to what a person looks after, without a one-time link in it."""

from typing import TYPE_CHECKING

from woaas_core.db.statements import Statement
from woaas_core.ids import try_decode_id
from woaas_core.mail import Mail
from woaas_security.identity import credential_store

if TYPE_CHECKING:
    from uuid import UUID

    from woaas_core.db.unit_of_work import UnitOfWork

WEBHOOK_DISABLED = "webhook_disabled"

_TEXTS = {
    (WEBHOOK_DISABLED, "en"): (
        "A webhook endpoint was switched off",
        "{name},\n\na webhook endpoint was switched off, since events did not get through to it. Events that waited "
        "for it are kept and go on when you resume it:\n\n{base_url}/console/webhooks\n",
    ),
    (WEBHOOK_DISABLED, "zh"): (
        "一个 Webhook 端点已被停用",
        "{name}：\n\n由于事件无法送达，一个 Webhook 端点已被停用。等待发送的事件会保留，恢复端点后继续发送：\n\n"
        "{base_url}/console/webhooks\n",
    ),
}
PURPOSES = frozenset(purpose for purpose, _ in _TEXTS)
# Who looks after what a key made is who made the key; where that is nobody any more, the owners.
_READERS = Statement.text(
    """
    WITH named AS (
      SELECT u.id FROM users u WHERE u.tenant_id = $1 AND u.state = 'active' AND coalesce(u.access_until > $4, true)
        AND (u.id = $2 OR u.id = (SELECT k.created_by FROM api_keys k WHERE k.tenant_id = $1 AND k.id = $3))
    )
    SELECT id FROM named UNION
    SELECT id FROM users WHERE tenant_id = $1 AND state = 'active' AND coalesce(access_until > $4, true)
      AND 'owner' = ANY(roles) AND NOT EXISTS (SELECT FROM named) ORDER BY id
    """,
    *("tenant", "user", "key", "now"),
)


async def queue(uow: "UnitOfWork", purpose: str, subject: str) -> None:
    """Queue a notice for whoever looks after what ``subject`` (a person, key or application) has made."""
    person: UUID | None = try_decode_id("usr", subject)
    key: UUID | None = try_decode_id("key", subject)
    for row in await uow.all(_READERS, tenant=uow.tenant, user=person, key=key, now=uow.clock.now()):
        await credential_store.queue_mail(uow, row["id"], purpose)


def notice(purpose: str, *, to: str, name: str, language: str, base_url: str) -> Mail:
    """The mail of a purpose in its reader's language."""
    subject, text = _TEXTS.get((purpose, language), _TEXTS[purpose, "en"])
    return Mail(to=to, subject=subject, text=text.format(name=name, base_url=base_url))
