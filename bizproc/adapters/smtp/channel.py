"""
The channel `mail`: hands a mail to an SMTP server.

What counts is how far the talk has come. Up to the server's word that it will take the text, nothing was sent, whatever
happens: refused or delayed. From there to its last answer nobody knows: then what is raised leaves it open.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import aiosmtplib
from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPHeloError, SMTPResponseException
from anyio import to_thread

from bizproc.adapters.smtp.compose import Pages, compose
from bizproc.core.errors import FileDamaged, FileMissing, SendDelayed, SendRefused
from bizproc.model.mail_addresses import named_address, plain_address
from bizproc.model.tokens import Signer
from bizproc.ports.files import Files
from bizproc.ports.mail import MAIL, Mail
from bizproc.settings import MailSettings

GetSigner: TypeAlias = Callable[[], Awaitable[Signer]]

_TAKES_TEXT: Final = 354
_TAKEN: Final = 250
_FOR_GOOD: Final = 500
_SLOWEST: Final = 32_000
"""Bytes a second: what goes slower than this is given up."""

_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_DOT: Final = re.compile(rb"^\.", re.MULTILINE)


class SmtpChannel:
    """One mail server. A connection for each mail: servers drop those that rest."""

    name = MAIL
    deduplicates = False

    def __init__(self, settings: MailSettings, public_url: str, files: Files, signer: GetSigner) -> None:
        self._settings = settings
        self._public_url = public_url.rstrip("/")
        self._files = files
        self._signer = signer

    async def send(self, payload: Mail, key: str) -> str:
        """Send a mail; the receipt is its Message-ID. See `ports/channel.py` and `ports/mail.py`."""
        text = await self._composed(payload)
        sender, recipient = _bare(payload.sender), _bare(payload.recipient)
        async with self._connected() as client:
            with self._nothing_sent_yet():
                await self._announce(client, sender, recipient, len(text))
            await self._hand_over(client, text)
        return payload.message_id

    async def _composed(self, mail: Mail) -> bytes:
        try:
            contents = [await self._files.get(each.sha256) for each in mail.attachments]
            pages = _pages(self._public_url, await self._signer())
            now = datetime.now(UTC)
            message = await to_thread.run_sync(compose, mail, contents, now, self._settings.signature, pages)
            return await to_thread.run_sync(_as_it_travels, message)
        except (FileMissing, FileDamaged, ValueError, LookupError) as error:
            raise SendRefused(channel=MAIL, reason=f"it cannot be written: {error}") from error

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[SMTP]:
        settings = self._settings
        client = SMTP(
            hostname=settings.host,
            port=settings.port,
            timeout=settings.timeout,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
        )
        with self._nothing_sent_yet():
            try:
                await client.connect()
                with suppress(SMTPHeloError):  # then it is one of those that know few words
                    await client.ehlo()
                if settings.username:
                    await client.login(settings.username, settings.password)
            except BaseException:
                client.close()
                raise
        try:
            yield client
        finally:
            await _leave(client)

    async def _announce(self, client: SMTP, sender: str, recipient: str, size: int) -> None:
        """Up to the server's word that it takes the text."""
        options = [f"SIZE={size}"] if client.supports_extension("size") else []
        encoding = "ascii"
        if not (sender + recipient).isascii():
            if not client.supports_extension("smtputf8"):
                address = recipient if sender.isascii() else sender
                raise SendRefused(channel=MAIL, reason=f"the mail server cannot write to addresses like {address}")
            options.append("SMTPUTF8")
            encoding = "utf-8"
        await client.mail(sender, options=options, encoding=encoding)
        await client.rcpt(recipient, encoding=encoding)
        answer = await client.execute_command(b"DATA")
        if answer.code != _TAKES_TEXT:
            raise SMTPResponseException(answer.code, answer.message)

    async def _hand_over(self, client: SMTP, text: bytes) -> None:
        """From here on it may be sent. Only what the server says decides; all else leaves it open."""
        protocol = client.protocol
        assert protocol is not None
        protocol.write(text + b".\r\n")
        # Its way there is part of the wait: nobody says when the last byte has left.
        answer = await protocol.read_response(timeout=self._settings.timeout + len(text) / _SLOWEST)
        if answer.code != _TAKEN:
            raise _verdict(answer.code, answer.message)

    def _nothing_sent_yet(self) -> _NothingSentYet:
        return _NothingSentYet(self._settings)


class _NothingSentYet:
    """Whatever fails inside, nothing was sent: the server refused, or it cannot now."""

    def __init__(self, settings: MailSettings) -> None:
        self._where = f"{settings.host}:{settings.port}"

    def __enter__(self) -> None:
        pass

    def __exit__(self, _class: object, error: BaseException | None, _traceback: object) -> None:
        match error:
            case None | SendRefused() | SendDelayed():
                return
            case SMTPAuthenticationError(code=code, message=said) if code >= _FOR_GOOD:
                reason = f"{self._where} does not take the user name and password of the settings: {said}"
                raise SendRefused(channel=MAIL, reason=reason) from error
            case SMTPResponseException(code=code, message=said):
                raise _verdict(code, said) from error
            case _ if (shown := _unproven(error)) is not None:
                reason = f"{self._where} cannot show who it is: {shown.verify_message}"
                raise SendRefused(channel=MAIL, reason=reason) from error
            case _ if _is_not_supported(error):
                raise SendRefused(channel=MAIL, reason=f"{self._where}: {error}") from error
            case SMTPException() | OSError() | asyncio.TimeoutError():
                reason = f"{self._where}: {type(error).__name__}: {error}"
                raise SendDelayed(channel=MAIL, reason=reason) from error


def _unproven(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """The error about a certificate, which may have been wrapped."""
    return next((each for each in (error, error.__cause__) if isinstance(each, ssl.SSLCertVerificationError)), None)


def _is_not_supported(error: BaseException) -> bool:
    """The server cannot do what the settings ask for, or what the mail needs: that does not pass by itself."""
    # What it says where STARTTLS is missing has no class of its own.
    missing = type(error) is SMTPException and "not supported" in str(error)
    return missing or isinstance(error, aiosmtplib.SMTPNotSupported | ValueError)


def _verdict(code: int, said: str) -> SendRefused | SendDelayed:
    reason = f"{code} {said}"[:500]
    return SendRefused(channel=MAIL, reason=reason) if code >= _FOR_GOOD else SendDelayed(channel=MAIL, reason=reason)


async def _leave(client: SMTP) -> None:
    """What happens in a farewell changes nothing; it is not waited for long."""
    with suppress(SMTPException, OSError, asyncio.TimeoutError, ValueError):
        if client.is_connected:
            await client.quit(timeout=5)
    client.close()


def _as_it_travels(message: Any) -> bytes:
    """Its bytes: lines end as the protocol wants it, and no line of the text ends the talk."""
    lines = _LINE_END.sub(b"\r\n", message.as_bytes())
    return _DOT.sub(b"..", lines if lines.endswith(b"\r\n") else lines + b"\r\n")


def _bare(text: str) -> str:
    """The address as the envelope has it."""
    named = named_address(text)
    if named is None:
        raise SendRefused(channel=MAIL, reason=f"{text!r} is no address")
    return plain_address(named.address)


def _pages(public_url: str, signer: Signer) -> Pages:
    def opened(message: int) -> str:
        return f"{public_url}/mail/open/{signer.token('open', message)}.gif"

    def clicked(message: int, link: int) -> str:
        return f"{public_url}/mail/link/{signer.token('click', message, link)}"

    return Pages(opened, clicked)
