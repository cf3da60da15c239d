"""
From open deals to the money: quote, PDF, order, payment link, mail, payment; and the program is killed all the way.

Nothing stands in for a mail server but a mail server, which has its own memory of what came. Where the program dies
between the text of a mail and the server's word, nobody knows; a person looks there, and settles it. With `--long`
all 21 deals, as Word documents where LibreOffice is installed; else a few, with Typst. On the data that
`BIZPROC_TEST_DATA` names, or, without it, on generated data of the same shape.
"""

from __future__ import annotations

import asyncio
import io
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Decimal
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, Final, cast

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from attrs import define, field
from click.testing import CliRunner
from pypdf import PdfReader

from bizproc.cli import main
from bizproc.store.copies import files_of
from tests.contract.stripe_stand_in import StripeStandIn, event, signed, stripe_stand_in
from tests.crash.cash_program import OPEN, name
from tests.crash.harness import BOUND, Board, Killer, Program, Programs, eventually, url
from tests.crash.looking import check_file, check_journals, check_nothing_is_left, number, rows
from tests.crash.test_sigkill_deals import folder
from tests.unit.web.test_serving import free_port

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="knows no SIGKILL")

KEPT: Final = "kept"
LOST: Final = "lost"


# -- who is outside ----------------------------------------------------------------------------------------------------


@define(eq=False)
class Letters:
    """
    What a mail server has, and how it treats the next mail.

    Attributes:
        taken: The mails that it will deliver.
        next: `kept` or `lost`: the next text that comes is kept or lost, and the server says nothing until the line
            breaks. None: it is kept, and the server says so.
        silent: Set when it has a text of which it said nothing.
        talks: How many are going on.
    """

    taken: list[EmailMessage] = field(factory=list)
    next: str | None = None
    silent: threading.Event = field(factory=threading.Event)
    talks: int = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        fate, self.next = self.next, None
        if fate != LOST:
            content = cast("bytes", envelope.content)
            self.taken.append(message_from_bytes(content, policy=default))
        if fate is not None:
            self.silent.set()
            await asyncio.Event().wait()  # ends with the line
        return "250 OK"

    def ids(self) -> list[str]:
        return [str(each["message-id"]).strip("<>") for each in self.taken]


class Server(Controller):
    """A mail server on a thread of its own."""

    def factory(self) -> SMTP:
        letters: Letters = self.handler

        class Talk(SMTP):
            def connection_made(self, transport: Any) -> None:
                letters.talks += 1
                super().connection_made(transport)

            def connection_lost(self, error: Exception | None) -> None:
                letters.talks -= 1
                super().connection_lost(error)

        return Talk(letters)


@contextmanager
def mail_server(letters: Letters) -> Iterator[int]:
    port = free_port()
    server = Server(letters, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield port
    finally:
        server.stop()


# -- what there must be ------------------------------------------------------------------------------------------------


def cents(store: Path) -> dict[int, Decimal]:
    """What each deal comes to, from its rows alone: each rounded half up to the cent, then added (D21)."""
    sums: Counter[int] = Counter()
    found = rows(store, "SELECT owner_id, price, quantity, discount_percent FROM product_row WHERE owner_kind = 'deal'")
    for deal, price, quantity, percent in found:
        exact = Decimal(price) * Decimal(quantity) * (100 - Decimal(percent)) / 100
        sums[deal] += int((exact * 100).quantize(Decimal(1), ROUND_HALF_UP))
    return {deal: Decimal(sum_) / 100 for deal, sum_ in sums.items()}


def amounts(store: Path, text: str) -> dict[int, Decimal]:
    """By deal; the store counts ten-thousandths."""
    found = rows(store, text)
    assert len(found) == len(dict(found))
    return {deal: Decimal(amount) / 10_000 for deal, amount in found}


QUOTES: Final = "SELECT deal_id, amount FROM quote"
ORDERS: Final = "SELECT owner_id, amount FROM client_order WHERE owner_kind = 'deal'"
PAYMENTS: Final = (
    "SELECT client_order.owner_id, payment.sum FROM payment JOIN client_order ON payment.owner_id = client_order.id"
)
PAID: Final = f"{PAYMENTS} WHERE payment.paid = 1 AND client_order.status = 'paid'"
TOLD: Final = "SELECT owner_id, count(*) FROM history_event WHERE kind = 'paid' AND owner_kind = 'deal' GROUP BY 1"
MAILS: Final = (
    "SELECT quote.deal_id, message.message_id FROM message JOIN quote ON message.owner_id = quote.id "
    "WHERE message.owner_kind = 'quote'"
)
PDFS: Final = (
    "SELECT quote.deal_id, document.number, document.conversion, file.sha256 "
    "FROM document JOIN quote ON document.owner_id = quote.id LEFT JOIN file ON file.id = document.pdf_id"
)
ADDRESSES: Final = (
    "SELECT deal.id, contact.emails FROM deal JOIN contact ON contact.id = json_extract(deal.contact_ids, '$[0]')"
)


@define(eq=False)
class Story:
    """One run: the store, the programs on it, and those outside."""

    programs: Programs
    store: Path
    board: Board
    letters: Letters
    stripe: StripeStandIn
    mail: int
    web: int
    settled: Counter[str] = field(factory=Counter)

    def work(self) -> Program:
        self.board.parked = 0
        return self.programs.begin(
            "cash_program", "work", self.store, self.store.with_name("board"), self.mail, self.stripe.url, self.web
        )

    def die_at_a_mail(self, fate: str) -> None:
        """A program is killed while the server has the text of a mail and says nothing."""
        self.letters.silent.clear()
        self.letters.next = fate
        program = self.work()
        assert self.letters.silent.wait(BOUND), program.complaint()
        program.kill()

    def settle_all(self, program: Program) -> None:
        """A person looks at the mail server, and says of each mail that failed what became of it."""
        while failed := [each for each in program.does("stand") if each[1] != "waiting"]:
            eventually(lambda: self.letters.talks == 0, "the mail server has heard all that was said")
            for instance, state, error, step in failed:
                assert (state, error) == ("failed", "DeliveryUnknown"), program.complaint()
                deal = int(instance.removeprefix("cash-"))
                how = "sent" if dict(rows(self.store, MAILS))[deal] in self.letters.ids() else "again"
                self.settled[how] += 1
                arguments = ["settle", instance, step, f"--{how}", "--store", url(self.store)]
                ran = CliRunner().invoke(main, arguments)
                assert ran.exit_code == 0, ran.output

    # -- the payments

    def news(self) -> list[bytes]:
        """What Stripe has to tell: each link was paid once."""
        prices = {f"price_{place}": price for place, price in enumerate(self.stripe.prices, start=1)}
        return [
            event(
                link["metadata[bizproc_payment]"],
                created=int(time.time()),
                amount_total=int(prices[link["line_items[0][price]"]]["unit_amount"]),
                currency=prices[link["line_items[0][price]"]]["currency"],
                payment_intent=f"pi_{place}",
            )
            for place, link in enumerate(self.stripe.links, start=1)
        ]

    def tell(self, body: bytes) -> bool:
        """Whether it was taken; else Stripe tells it again."""
        where = f"http://127.0.0.1:{self.web}/hooks/payments"
        try:
            return httpx.post(where, content=body, headers=signed(body, int(time.time())), timeout=BOUND).is_success
        except httpx.TransportError:
            return False


@pytest.mark.parametrize(
    "deals", [4, pytest.param(OPEN, marks=pytest.mark.long)], ids=["a few deals", "all open deals"]
)
def test_every_open_deal_comes_to_its_money_once_whenever_the_program_is_killed(
    programs: Programs, store: Path, board: Board, killer: Killer, deals: int
) -> None:
    form = "docx" if deals == OPEN and shutil.which("soffice") else "typst"
    (every,) = programs.run("cash_program", "prepare", store, form, *folder())
    assert len(every) == OPEN
    chosen = every[:deals]
    letters = Letters()
    with mail_server(letters) as mail, stripe_stand_in() as stripe:
        story = Story(programs, store, board, letters, stripe, mail, free_port())
        fates = (KEPT, LOST) if deals < OPEN else (KEPT, LOST, LOST, KEPT)
        for place, fate in enumerate(fates, start=1):
            board.allowed = max(1, (2 * place - 1) * deals // (2 * len(fates)))
            story.die_at_a_mail(fate)
            board.allowed = place * deals // len(fates)
            for _ in range(2):
                killer.kill(story.work(), commits=8)
        at_last = story.work()
        assert at_last.hears() == ["open"], at_last.complaint()
        story.settle_all(at_last)
        expected = check_offers(story, chosen, form)
        check_payments(story, killer, at_last, chosen, expected)
    print(
        f"{killer}; and {len(fates)} while a mail was in the air; settled: {dict(story.settled)}; "
        f"{deals} deals, {form}, {board.lives} lives, data: {folder() or 'generated'}; "
        f"together {sum(expected.values())}"
    )


def check_offers(story: Story, chosen: list[int], form: str) -> Mapping[int, Decimal]:
    """One quote, one PDF, one order with one link, one mail with that PDF; all of what the rows come to."""
    store, letters = story.store, story.letters
    expected = {deal: cents(store)[deal] for deal in chosen}
    assert min(expected.values()) > 0
    for text in (QUOTES, ORDERS, PAYMENTS):
        assert amounts(store, text) == expected, text
    assert Counter(Decimal(each["unit_amount"]) / 100 for each in story.stripe.prices) == Counter(expected.values())
    assert len(story.stripe.links) == len(chosen)

    # None is missing, and none came twice.
    mails = dict(rows(store, MAILS))
    assert sorted(letters.ids()) == sorted(mails.values())
    assert len(set(letters.ids())) == len(chosen)
    assert sorted(mails) == chosen
    assert rows(store, "SELECT DISTINCT status FROM message") == [("sent",)]

    made = {deal: rest for deal, *rest in rows(store, PDFS)}
    assert sorted(made) == chosen
    assert sorted(int(number) for number, _, _ in made.values()) == list(range(1, len(chosen) + 1))
    addresses = dict(rows(store, ADDRESSES))
    by_id = dict(zip(letters.ids(), letters.taken, strict=True))
    for deal, (number_, conversion, sha256) in made.items():
        assert conversion == "ready"
        (attached,) = by_id[mails[deal]].iter_attachments()
        content = attached.get_content()
        assert content == content_of(store, sha256)
        page = PdfReader(io.BytesIO(content)).pages[0]
        assert f"Offer {number_} of" in page.extract_text()
        assert f"{expected[deal]:,.2f}" in page.extract_text()
        assert len(page.images) == 1, form  # the stamp
        assert by_id[mails[deal]]["to"] in addresses[deal]
    return expected


def content_of(store: Path, sha256: str) -> bytes:
    (path,) = files_of(store).rglob(f"*{sha256[2:]}*")
    return path.read_bytes()


def check_payments(
    story: Story, killer: Killer, program: Program, chosen: list[int], expected: Mapping[int, Decimal]
) -> None:
    """Each is told until it is taken, half of them twice, and the program is killed once among them."""
    store = story.store
    for place, body in enumerate(story.news()):
        if place == len(chosen) // 2:
            killer.kill(program, commits=10**9, way="commits")
            assert not story.tell(body)
            program = story.work()
            assert program.hears() == ["open"], program.complaint()
        for _ in range(1 + place % 2):
            assert story.tell(body)
    assert {tuple(each[1:]) for each in program.does("stand")} == {("completed", None, None)}
    program.tell("close")
    assert program.hears() == ["closed"]
    assert program.ends() == 0, program.complaint()

    assert amounts(store, PAID) == expected
    assert dict(rows(store, TOLD)) == dict.fromkeys(chosen, 1)
    # Each process was told once, and of its own money.
    comments = dict(rows(store, "SELECT owner_id, text FROM comment WHERE text LIKE 'paid: %' AND owner_kind = 'deal'"))
    assert {deal: Decimal(text.removeprefix("paid: ")) for deal, text in comments.items()} == expected
    assert number(store, "SELECT count(*) FROM comment WHERE text LIKE 'paid: %'") == len(chosen)
    assert {id_ for (id_,) in rows(store, "SELECT id FROM instance")} == set(map(name, chosen))
    assert check_journals(store) >= 9 * len(chosen)
    check_nothing_is_left(store)
    check_file(store)
