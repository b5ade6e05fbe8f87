"""The newest checkpoint by mail, once a day: whoever keeps one can later show that the log was rewritten.

It goes to owners and auditors who have proved their address and have not declined. A day's row is written with the
mail it queues, so that a restarted or a second worker mails nothing twice; a log that has not grown is not mailed.
"""

from typing import TYPE_CHECKING

from woaas_core.db.statements import Statement
from woaas_core.mail import Mail
from woaas_security.audit import store
from woaas_security.identity import credential_store
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from uuid import UUID

    from woaas_core.db.unit_of_work import UnitOfWork

PURPOSE = "checkpoint"

_WATCHERS = Statement.text(
    """
    SELECT id FROM users
    WHERE tenant_id = $1 AND state = 'active' AND checkpoint_mail AND email_verified_at IS NOT NULL
      AND coalesce(access_until > $2, true) AND roles && ARRAY['owner', 'auditor'] ORDER BY id
    """,
    *("tenant_id", "now"),
)
_CLAIM = Statement.text(
    """
    INSERT INTO checkpoint_mailings (tenant_id, day, origin, size)
    SELECT $1, $2, $3, $4 WHERE NOT EXISTS (
      SELECT FROM checkpoint_mailings WHERE tenant_id = $1 AND origin = $3 AND size >= $4)
    ON CONFLICT DO NOTHING
    """,
    *("tenant_id", "day", "origin", "size"),
)
_TEXTS = {
    "en": (
        "Checkpoint of the audit log: {size} entries",
        """{name},

this is the newest signed checkpoint of your audit log, of {size} entries. Keep this mail: nobody can change what the
log held until then without this checkpoint showing it, not even who runs the service.

The note is the lines from the next one to the empty line after the signatures. To check a bundle against it, save
them as checkpoint.txt: woaas audit verify BUNDLE.zip --vkey KEY.txt --checkpoint checkpoint.txt

{note}
You get this once a day while the log grows, as an owner or auditor. An administrator ends it with
"checkpoint_mail": false for you (PATCH {base_url}/v1/members/{{id}}).
""",
    ),
    "zh": (
        "审计日志检查点：{size} 条记录",
        """{name}：

这是贵方审计日志最新的签名检查点，共 {size} 条记录。请保存此邮件：此前的日志内容如被任何人（包括服务运营方）更改，
均可凭此检查点发现。

检查点为以下内容，直至签名后的空行。核对审计包时请存为 checkpoint.txt：
woaas audit verify BUNDLE.zip --vkey KEY.txt --checkpoint checkpoint.txt

{note}
日志有增长时，所有者和审计员每天收到一次。管理员可将您的 "checkpoint_mail" 设为 false 以停止发送
（PATCH {base_url}/v1/members/{{id}}）。
""",
    ),
}


async def queue_daily(uow: "UnitOfWork", _principal: Principal) -> int:
    """Queue the mail of the present day (UTC), if it is not yet and the log has grown since the last; how many."""
    newest = await uow.first(store.CHECKPOINTS, tenant_id=uow.tenant, before=None, limit=1)
    if newest is None or newest["size"] == 0:
        return 0
    now = uow.clock.now()
    watchers: list[UUID] = [row["id"] for row in await uow.all(_WATCHERS, tenant_id=uow.tenant, now=now)]
    if not watchers:
        return 0
    origin, _, _ = newest["note"].partition("\n")
    if not await uow.execute(_CLAIM, tenant_id=uow.tenant, day=now.date(), origin=origin, size=newest["size"]):
        return 0
    for user_id in watchers:
        await credential_store.queue_mail(uow, user_id, PURPOSE)
    return len(watchers)


async def checkpoint_letter(uow: "UnitOfWork", *, to: str, name: str, language: str, base_url: str) -> Mail | None:
    """The mail, with the checkpoint that is newest when it goes; None if there is none."""
    newest = await uow.first(store.CHECKPOINTS, tenant_id=uow.tenant, before=None, limit=1)
    if newest is None:
        return None
    subject, text = _TEXTS.get(language, _TEXTS["en"])
    told = {"name": name, "size": newest["size"], "note": newest["note"], "base_url": base_url}
    return Mail(to=to, subject=subject.format(**told), text=text.format(**told))
