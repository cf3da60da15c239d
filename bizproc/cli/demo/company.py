"""A small company that does not exist, and what its clients will do: always the same, from a fixed seed."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Final

from attrs import frozen

SEED: Final = 7

USERS: Final = (("Robin", "Vale"), ("Sasha", "Field"), ("Noa", "Brook"))
PRODUCTS: Final = (
    ("Tea sampler", "18.00"),  # `follow_up.SAMPLER`
    ("Green tea, 1 kg", "42.50"),
    ("Black tea, 1 kg", "36.00"),
    ("Herbal tea, 1 kg", "29.80"),
    ("Teapot", "64.00"),
    ("Set of cups", "33.20"),
)
COMPANIES: Final = (
    *("Harbour Books", "Northgate Hotel", "Mill Lane Bakery", "Bluebell Clinic", "Old Town Theatre", "Ridge Cycles"),
    *("Lantern Studio", "Corner Library", "Meadow School", "Quayside Offices", "Summit Hostel", "Orchard Café"),
)
CONTACTS: Final = (
    *(("Alex", "Moor"), ("Kim", "Ash"), ("Jo", "Lake"), ("Sam", "Hill"), ("Lou", "March"), ("Max", "Glen")),
    *(("Toni", "Dale"), ("Chris", "Heath"), ("Pat", "Cliff"), ("Nic", "Rowan"), ("Eli", "Stone"), ("Mika", "Wood")),
)

ANSWERS: Final = (
    *("yes", "yes", "late yes", "no", "silent", "yes"),
    *("silent", "late yes", "yes", "no", "silent", "silent"),
)
"""What the clients will say: at once, after the call, or never."""

_LAST_COMES_ON: Final = 17


@frozen
class Order:
    """What a client asks for, and when they will answer."""

    number: int
    company: str
    contact: tuple[str, str]
    responsible: int
    rows: tuple[tuple[int, Decimal], ...]
    comes_on: int
    says: str
    answers_after: int


def orders() -> list[Order]:
    """The orders of the month; days count from its beginning."""
    random = Random(SEED)  # noqa: S311  not for secrets
    return [_order(random, number) for number in range(1, len(COMPANIES) + 1)]


def _order(random: Random, number: int) -> Order:
    place = number - 1
    says = ANSWERS[place]
    products = random.sample(range(2, len(PRODUCTS) + 1), k=random.randint(1, 3))
    after = {"yes": (2, 8), "no": (3, 9), "late yes": (12, 17), "silent": (99, 99)}[says]
    return Order(
        number=number,
        company=COMPANIES[place],
        contact=CONTACTS[place],
        responsible=place % len(USERS) + 1,
        rows=tuple((product, Decimal(random.randint(1, 12))) for product in products),
        comes_on=_LAST_COMES_ON if number == len(COMPANIES) else place // 2,
        says=says,
        answers_after=random.randint(*after),
    )
