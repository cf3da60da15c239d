"""Mail over SMTP: how a mail is written (`compose.py`, `cleaning.py`), and how it is handed over (`channel.py`)."""

from __future__ import annotations

from bizproc.adapters.smtp.channel import GetSigner, SmtpChannel
from bizproc.ports.channel import Outside
from bizproc.ports.files import Files
from bizproc.ports.mail import MAIL
from bizproc.settings import Settings

__all__ = ["SmtpChannel", "outside_of"]


def outside_of(settings: Settings, files: Files, signer: GetSigner) -> Outside:
    """The mail server of the settings; nothing where none is named."""
    if not settings.mail.host:
        return Outside()
    return Outside(channels={MAIL: SmtpChannel(settings.mail, settings.web.public_url, files, signer)})
