"""A channel: something that sends to the outside, such as a mail server or a provider of text messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from attrs import field, frozen


class Channel(Protocol):
    """
    Sends one thing at a time.

    Contract of `send`: it returns a receipt once the other side has accepted. It raises `SendRefused` if the other
    side will
    never take it, and `SendDelayed` only if it was certainly not sent. Whatever else it raises leaves open whether it
    was sent.
    It may be called for several things at once, and for one thing again with the same key: always if the other side
    deduplicates, else only after `SendDelayed`.

    Attributes:
        name: What actions and settings call it.
        deduplicates: Whether the other side, given the same key twice, does it once.
    """

    @property
    def name(self) -> str: ...

    @property
    def deduplicates(self) -> bool: ...

    async def send(self, payload: Any, key: str) -> Any:
        """Send it; see the contract. The receipt is written into the store."""


@frozen(kw_only=True)
class Outside:
    """
    What a runtime has of the outside world.

    Attributes:
        channels: By name.
        tools: What prepared actions work with, by name.
    """

    channels: Mapping[str, Channel] = field(factory=dict)
    tools: Mapping[str, Any] = field(factory=dict)
