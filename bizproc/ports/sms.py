"""Text messages, as they are handed to a provider, and what a package brings that knows another provider."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol, TypeAlias

from attrs import frozen

from bizproc.ports.channel import Channel

SMS: Final = "sms"
"""What the channel of the provider is called that sends where none is named; that of any other is `sms.<provider>`."""

ENTRY_POINTS: Final = "bizproc.sms"
"""The group of entry points under which packages offer providers, by name: each is a `MakeProvider`."""


def channel_of(provider: str | None) -> str:
    """What the channel of a provider is called."""
    return SMS if provider is None else f"{SMS}.{provider}"


@frozen(kw_only=True)
class Sms:
    """
    One text message to one number: the payload of a channel of text messages.

    Contract of such a channel, beside that of every channel: its receipt is what the provider calls the message.

    Attributes:
        message: The number of the `Message` that shows it in the CRM.
        number: As it stands in the CRM; the channel writes it as the provider wants it.
        sender: The number or name it comes from; None is the one that the settings name.
    """

    message: int
    number: str
    text: str
    sender: str | None = None


@frozen
class Report:
    """What a provider says later of a message: `sent`, `delivered` or `failed`, and why."""

    status: str
    reason: str = ""


class Provider(Channel, Protocol):
    """A channel of text messages that can also read what its provider reports."""

    def report(self, form: Mapping[str, str]) -> Report | None:
        """What the provider has posted to our page about one message; None if it says nothing of use."""


StatusUrl: TypeAlias = Callable[[int], Awaitable[str]]
"""The URL of our page to which a provider is to report about a message, by the message's number."""

MakeProvider: TypeAlias = Callable[[Any, StatusUrl], Provider]
"""Makes a provider of the settings (`settings.Settings`), which it finds complete or raises SettingsError."""
