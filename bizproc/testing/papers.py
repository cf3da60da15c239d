"""Fake makers of documents and takers of payments. They outlive crashes, as the outside does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from attrs import define, field

from bizproc.core.codec import Codec
from bizproc.core.errors import SendDelayed, SendRefused
from bizproc.ports.documents import DOCUMENTS, Content, Made, Paper
from bizproc.ports.files import Files
from bizproc.ports.payments import PAYMENTS, LinkMade, NotGenuine, Paid, PaymentAsked
from bizproc.testing.channels import FakeChannel


async def _nobody_listens(_paid: Paid) -> None:
    raise LookupError("no world listens to this fake: make it with the world")


@define(eq=False, kw_only=True)
class FakeDocuments(FakeChannel):
    """
    Makes documents at once: what was to be filled in, as text. Its PDF is that text behind `%PDF-`.

    Attributes:
        files: Where contents lie.
        unfillable: Why nothing can be filled in, if nothing can.
        unconvertible: Why no PDF can be made, if none can.
        held: PDFs are put off until `release`; documents are filled all the same.
    """

    name: str = DOCUMENTS
    files: Files
    unfillable: str = ""
    unconvertible: str = ""
    held: bool = False
    _codec: Codec = field(factory=Codec)

    async def send(self, payload: Any, key: str) -> Made:
        """Make it, unless the test wants something else."""
        assert isinstance(payload, Paper)
        if self.held and payload.pdf:
            self.attempts.append(key)
            raise SendDelayed(channel=self.name, reason="held", again_after=6 * 3600)
        if self.unfillable:
            self.attempts.append(key)
            raise SendRefused(channel=self.name, reason=self.unfillable)
        await super().send(payload, key)
        return await self._make(payload)

    async def _make(self, paper: Paper) -> Made:
        text = await self._text(paper)
        filled = Content(*await self.files.put(text)) if paper.form == "docx" else None
        if not (paper.pdf or paper.form == "typst"):
            return Made(filled=filled)
        if self.unconvertible and paper.form != "typst":
            return Made(filled=filled, reason=self.unconvertible)
        return Made(filled=filled, pdf=Content(*await self.files.put(b"%PDF-" + text)))

    async def _text(self, paper: Paper) -> bytes:
        if paper.form == "filled":
            return await self.files.get(paper.template)
        shown = [f"{self._codec.encode(paper.values)}", *(f"{name}={sha}" for name, sha in paper.pictures.items())]
        return "\n".join(shown).encode()

    def release(self) -> None:
        """PDFs are made again; those that were put off come within six hours."""
        self.held = False


@define(eq=False, kw_only=True)
class FakePayments(FakeChannel):
    """
    Makes links at once, and tells of payments when the test says that somebody pays.

    Attributes:
        record: How the world is told that a link was paid.
        now: The time.
    """

    name: str = PAYMENTS
    record: Callable[[Paid], Awaitable[None]] = field(default=_nobody_listens)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _asked: dict[str, PaymentAsked] = field(factory=dict)

    async def send(self, payload: Any, key: str) -> LinkMade:
        """Make a link, unless the test wants something else."""
        assert isinstance(payload, PaymentAsked)
        await super().send(payload, key)
        url = f"https://pay.test/{payload.title}"
        self._asked[url] = payload
        return LinkMade(url=url, provider="fake", reference=f"link {payload.title}")

    @property
    def links(self) -> list[str]:
        """All links that were made, in order."""
        return list(self._asked)

    async def pay(self, url: str, *, sum: Decimal | None = None, at: datetime | None = None) -> None:
        """Somebody pays under a link; all that follows has happened when this returns."""
        await self.record(self.news(url, sum=sum, at=at))

    def news(self, url: str, *, sum: Decimal | None = None, at: datetime | None = None) -> Paid:
        """What is told of a payment."""
        asked = self._asked[url]
        return Paid(
            token=asked.token,
            provider="fake",
            reference=f"paid {asked.title}",
            sum=asked.sum if sum is None else sum,
            currency=asked.currency,
            at=self.now() if at is None else at,
        )

    def heard(self, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[Paid, ...]:
        """News whose body is a link and whose signature is `genuine`."""
        if headers.get("signature") != "genuine":
            raise NotGenuine
        url = body.decode(errors="replace")
        return (self.news(url, at=now),) if url in self._asked else ()
