"""A fake channel: remembers what was sent, fails when a test wants it, and outlives crashes, as the outside does."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field, frozen

from bizproc.core.errors import SendDelayed, SendRefused
from bizproc.ports.mail import MAIL
from bizproc.ports.sms import SMS, Report


@frozen
class Sent:
    """One thing that was sent: its idempotency key, and what it was; it has the fields of that, too: `sent.subject`."""

    key: str
    payload: Any

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.payload, name)


@define(eq=False)
class FakeChannel:
    """
    A channel as tests want it.

    Attributes:
        name: What actions call it.
        deduplicates: Whether a key that comes twice is sent once.
        sent: What the other side has, in order.
        attempts: Every key that came, again and again.
        receipt: What it returns for what it sends.
    """

    name: str
    deduplicates: bool = True
    sent: list[Sent] = field(factory=list)
    attempts: list[str] = field(factory=list)
    receipt: Callable[[Sent], Any] = lambda sent: sent.key
    _next: deque[Callable[[Sent], None]] = field(factory=deque)

    async def send(self, payload: Any, key: str) -> Any:
        """Send it, or do what the test has planned."""
        self.attempts.append(key)
        sent = Sent(key, payload)
        if self._next:
            self._next.popleft()(sent)
        else:
            self._keep(sent)
        return self.receipt(sent)

    # -- what is to happen to the next ones, in order ------------------------------------------------------------------

    def refuse(self, reason: str = "no such address") -> None:
        """The next one is refused for good."""
        self._next.append(lambda _sent: _raise(SendRefused(channel=self.name, reason=reason)))

    def delay(self, reason: str = "busy", again_after: float | None = None) -> None:
        """The next one cannot be taken now."""
        self._next.append(lambda _sent: _raise(SendDelayed(channel=self.name, reason=reason, again_after=again_after)))

    def break_off(self, *, after: bool) -> None:
        """The line dies at the next one: before the other side has it, or after."""

        def die(sent: Sent) -> None:
            if after:
                self._keep(sent)
            raise ConnectionError("the line died")

        self._next.append(die)

    def call(self, function: Callable[[], None], *, after: bool) -> None:
        """At the next one call this, such as a crash of the program; before the other side has it, or after."""

        def then(sent: Sent) -> None:
            if after:
                self._keep(sent)
                function()
            else:
                function()
                self._keep(sent)

        self._next.append(then)

    def _keep(self, sent: Sent) -> None:
        if not (self.deduplicates and any(one.key == sent.key for one in self.sent)):
            self.sent.append(sent)


class FakeMail(FakeChannel):
    """
    A mail server. Unlike a real one it deduplicates, so that stories end the same wherever the program dies in them.

    To see what becomes of a mail of which nobody knows: `world.mail.deduplicates = False`, then `break_off`.
    """

    def __init__(self) -> None:
        super().__init__(MAIL, receipt=lambda sent: sent.payload.message_id)


class FakeSms(FakeChannel):
    """All providers of text messages; it deduplicates as `FakeMail` does."""

    def __init__(self) -> None:
        super().__init__(SMS, receipt=lambda sent: f"SM{sent.key}")

    def report(self, form: Mapping[str, str]) -> Report | None:
        """What a provider reports, in the fake's own words: its status and, perhaps, why."""
        return Report(form["status"], form.get("reason", "")) if "status" in form else None


class FakeAds(FakeChannel):
    """
    All advertisers.

    Attributes:
        audiences: Who is in each audience by now, by its name: their addresses and phones as they stand in the CRM.
    """

    def __init__(self) -> None:
        super().__init__("ads", receipt=lambda sent: f"request {sent.key}")
        self.audiences: dict[str, set[str]] = {}

    def _keep(self, sent: Sent) -> None:
        super()._keep(sent)
        members = self.audiences.setdefault(sent.payload.audience, set())
        addresses = {*sent.payload.emails, *sent.payload.phones}
        (members.difference_update if sent.payload.remove else members.update)(addresses)


def _raise(error: Exception) -> None:
    raise error
