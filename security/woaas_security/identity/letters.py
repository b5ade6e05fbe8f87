"""The mail that accounts send, in the reader's language. Pure."""

from typing import NamedTuple

from woaas_core.mail import Mail
from woaas_security.identity.one_time import LIFE, Purpose


class Letter(NamedTuple):
    """The words of one kind of mail; ``path`` is where its link leads."""

    subject: str
    text: str
    path: str


_SIGNED = "{name},\n\n{text}\n\n{link}\n\n{rest}\n"
_LETTERS: dict[tuple[Purpose, str], Letter] = {
    (Purpose.RESET_PASSWORD, "en"): Letter(
        "Set a new password",
        "you, or somebody who knows your address, asked to set a new password. If it was you, follow this link:",
        "/console/reset",
    ),
    (Purpose.RESET_PASSWORD, "zh"): Letter(
        "设置新密码",
        "有人（可能是您本人）请求为此地址设置新密码。如果是您本人，请打开以下链接：",
        "/console/reset",
    ),
    (Purpose.VERIFY_EMAIL, "en"): Letter(
        "Confirm your e-mail address", "please confirm that this address is yours:", "/console/verify"
    ),
    (Purpose.VERIFY_EMAIL, "zh"): Letter("确认您的邮箱地址", "请确认此邮箱地址属于您：", "/console/verify"),
    (Purpose.INVITATION, "en"): Letter(
        "You are invited to WOaaS", "you are invited to work with us. Choose a password here:", "/console/join"
    ),
    (Purpose.INVITATION, "zh"): Letter("WOaaS 邀请", "诚邀您加入。请在此设置密码：", "/console/join"),
}
_REST = {
    "en": "The link works once, for {hours} hours. If you did not expect this mail, do nothing.",
    "zh": "链接仅可使用一次，{hours} 小时内有效。如果您没有预期收到此邮件，请忽略。",
}


def letter(purpose: Purpose, *, to: str, name: str, language: str, base_url: str, token: str) -> Mail:
    """The mail for a purpose with its one-time link."""
    spoken = language if language in _REST else "en"
    words = _LETTERS[purpose, spoken]
    text = _SIGNED.format(
        name=name,
        text=words.text,
        link=f"{base_url}{words.path}?token={token}",
        rest=_REST[spoken].format(hours=int(LIFE[purpose].total_seconds() // 3600)),
    )
    return Mail(to=to, subject=words.subject, text=text)
