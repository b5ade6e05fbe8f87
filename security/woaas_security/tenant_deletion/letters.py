"""What those who have access to a tenant are told of its end, in their language."""

from typing import TYPE_CHECKING

from woaas_core.mail import Mail
from woaas_security.tenant_deletion import repository

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

CLOSING, KEPT = "tenant_closing", "tenant_kept"
PURPOSES = frozenset({CLOSING, KEPT})
_TEXTS = {
    (CLOSING, "en"): (
        "Your WOaaS tenant will be deleted",
        """{name},

an owner has asked for your tenant to be deleted. Until {day} (UTC) everything can still be read, and nothing changed.
Owners can download everything and take it back until then: POST {base_url}/v1/tenant/exports and
POST {base_url}/v1/tenant/deletion/cancel
""",
    ),
    (CLOSING, "zh"): (
        "您的 WOaaS 租户将被删除",
        """{name}：

所有者已请求删除贵方租户。{day}（UTC）之前仍可读取全部数据，但不能更改。
在此之前，所有者可以下载全部数据并撤回请求：POST {base_url}/v1/tenant/exports 和
POST {base_url}/v1/tenant/deletion/cancel
""",
    ),
    (KEPT, "en"): (
        "Your WOaaS tenant stays",
        """{name},

an owner has taken the deletion of your tenant back. You can work as before.
""",
    ),
    (KEPT, "zh"): (
        "您的 WOaaS 租户将保留",
        """{name}：

所有者已撤回删除请求，您可以照常工作。
""",
    ),
}
_CERTIFICATE = {
    "en": (
        "Your WOaaS tenant is deleted",
        """{name},

your tenant is deleted. This is the certificate: what was destroyed, what is kept and why, and the last signed
checkpoint of your log. Keep it: bundles that you have taken with you are verified against it.

{certificate}
""",
    ),
    "zh": (
        "您的 WOaaS 租户已删除",
        """{name}：

贵方租户已删除。以下为证明：销毁了什么、保留了什么及原因，以及日志最后的签名检查点。请妥善保存：
您带走的审计包可凭此核对。

{certificate}
""",
    ),
}


async def letter(uow: "UnitOfWork", purpose: str, *, to: str, name: str, language: str, base_url: str) -> Mail | None:
    """The mail that a tenant is to be deleted or stays; None where it is no longer true."""
    row = await repository.current(uow)
    if (purpose == KEPT) is not (row is None):
        return None
    subject, text = _TEXTS.get((purpose, language)) or _TEXTS[purpose, "en"]
    day = "" if row is None else f"{row['delete_at']:%Y-%m-%d %H:%M}"
    return Mail(to=to, subject=subject, text=text.format(name=name, base_url=base_url, day=day))


def certificate(content: bytes, *, to: str, name: str, language: str) -> Mail:
    """The mail that a tenant is deleted, with what certifies it."""
    subject, text = _CERTIFICATE.get(language) or _CERTIFICATE["en"]
    return Mail(to=to, subject=subject, text=text.format(name=name, certificate=content.decode()))
