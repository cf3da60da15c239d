"""Addresses as advertisers want them: written in one way, and hashed with SHA-256. Nothing else leaves the house."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from attrs import frozen

from bizproc.adapters.phones import e164
from bizproc.core.errors import SendRefused
from bizproc.model.mail_addresses import is_address
from bizproc.ports.ads import Members


@frozen
class Hashed:
    """Hashes of addresses and of phone numbers, in hexadecimal digits, each once."""

    emails: tuple[str, ...]
    phones: tuple[str, ...]


def hashed(members: Members, channel: str, country: str, *, plus: bool) -> Hashed:
    """
    The hashes of what can be hashed.

    Args:
        members: Whose addresses.
        channel: Who wants them; for people.
        country: Where phone numbers are that say nothing of it.
        plus: Whether numbers begin with a plus, before they are hashed.

    Raises:
        SendRefused: There is nothing that can be.
    """
    emails = (normal for text in members.emails if is_address(normal := "".join(text.split()).lower()))
    numbers = (number for text in members.phones if (number := e164(text, country)) is not None)
    found = Hashed(_digests(emails), _digests(number if plus else number[1:] for number in numbers))
    if not (found.emails or found.phones):
        raise SendRefused(channel=channel, reason="none of the client's addresses and phones is one")
    return found


def _digests(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(hashlib.sha256(text.encode()).hexdigest() for text in dict.fromkeys(texts))
