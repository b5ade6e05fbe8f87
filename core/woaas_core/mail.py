"""Sending mail: a small interface, one that prints and one that speaks SMTP."""

import asyncio
import smtplib
import ssl
import sys
from email.message import EmailMessage
from typing import NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

from woaas_core.settings import Settings

_TIMEOUT_S = 20


class Mail(NamedTuple):
    """A plain text for one reader."""

    to: str
    subject: str
    text: str


class Mailer(Protocol):
    """Hands a mail on; returning means that somebody else has taken charge of it."""

    async def send(self, mail: Mail) -> None:
        """Send a mail.

        Raises:
            OSError: it could not be handed on; try again later.
        """
        ...


class ConsoleMailer:
    """Prints mail to standard error: what a server without a mail host does, so that its links can be followed."""

    async def send(self, mail: Mail) -> None:
        """Print a mail."""
        sys.stderr.write(f"--- mail to {mail.to}: {mail.subject}\n{mail.text}---\n")
        sys.stderr.flush()


class SMTPMailer:
    """Hands mail to one host: ``smtps://`` with TLS from the start, ``smtp://`` with STARTTLS where it is offered."""

    def __init__(self, url: str, *, sender: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "localhost"
        self._is_tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._is_tls else 587)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._sender = sender

    async def send(self, mail: Mail) -> None:
        """Send a mail; smtplib's errors are OSErrors."""
        await asyncio.to_thread(self._send, mail)

    def _send(self, mail: Mail) -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, mail.to, mail.subject
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        with self._connected() as host:
            if self._user:
                host.login(self._user, self._password)
            host.send_message(message)

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self._is_tls:
            return smtplib.SMTP_SSL(self._host, self._port, timeout=_TIMEOUT_S, context=context)
        host = smtplib.SMTP(self._host, self._port, timeout=_TIMEOUT_S)
        host.ehlo()
        # A password goes over no open line.
        if host.has_extn("starttls") or self._user:
            host.starttls(context=context)
        return host


def mailer_of(settings: Settings) -> Mailer:
    """The mailer that is configured; without one mail is printed."""
    if not settings.smtp_url:
        return ConsoleMailer()
    return SMTPMailer(settings.smtp_url, sender=settings.mail_from)
