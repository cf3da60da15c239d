"""
Deals by the hundred thousand: a folder of CSV files as `bizproc import` reads it, the same for the same size.

A company and a contact for ten deals, fifty users; stages, amounts, days and places differ from row to row. The last
company, contact and deal are like no others, so that what is sought may stand at the very end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final

USERS: Final = 50
A_CLIENT: Final = 10
"""So many deals has each company."""

HEADERS: Final = {
    "users": "id,first_name,last_name,title,email,work_phone,manager_id",
    "companies": "id,origin_id,title,phone,fax,address,city,region,postal_code,country,responsible_id",
    "contacts": "id,first_name,last_name,post,phone,email,company_id,responsible_id",
    "deals": (
        "id,origin_id,title,stage_id,company_id,contact_id,responsible_id,currency,opportunity,begin_date,close_date,"
        "moved_at,delivery_address,delivery_city,delivery_country"
    ),
    "custom_fields": "kind,code,type,label",
}
LAST: Final = "Samowar Größe XL"
"""The title of the last deal."""

OPEN: Final = ("NEW", "PREPARATION", "PREPAYMENT_INVOICE", "EXECUTING", "FINAL_INVOICE")
STAGES: Final = (*OPEN, "WON", "LOSE")
COUNTRIES: Final = ("France", "Spain", "Italy", "Norway", "Österreich")
WARES: Final = ("Tea", "Coffee", "Kettles", "Café crème", "Straße des Tees", "Pots")
FIRST: Final = date(2024, 1, 1)


def clients(deals: int) -> int:
    """How many companies there are, and contacts."""
    return max(1, deals // A_CLIENT)


def write(folder: Path, deals: int, *, custom: bool = False, stages: Sequence[str] = STAGES) -> int:
    """Write the files; how many rows there are in all. With `custom` deals have a discount and the day of a visit."""
    folder.mkdir()
    files = {
        "users": _users(),
        "companies": _companies(deals),
        "contacts": _contacts(deals),
        "deals": _deals(deals, stages, custom=custom),
    }
    if custom:
        files["custom_fields"] = _fields()
    count = 0
    for name, lines in files.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8") as opened:
            opened.write(f"{HEADERS[name]}{',custom' if custom and name == 'deals' else ''}\n")
            for line in lines:
                opened.write(line)
                count += 1
    return count


def _fields() -> Iterator[str]:
    yield "deal,discount,number,Discount\n"
    yield "deal,visit,day,Visit\n"


def _users() -> Iterator[str]:
    for id_ in range(1, USERS + 1):
        yield f"{id_},First {id_},Last {id_},Sales,user{id_}@firm.example,,{1 if id_ > 1 else ''}\n"


def _companies(deals: int) -> Iterator[str]:
    several = clients(deals)
    for id_ in range(1, several + 1):
        country = COUNTRIES[id_ % len(COUNTRIES)] if id_ < several else "Island"
        place = f"{id_} Main street,Town {id_ % 500},,{10000 + id_ % 90000},{country}"
        yield f"{id_},C{id_},Company {id_},+33 {id_},,{place},{1 + id_ % USERS}\n"


def _contacts(deals: int) -> Iterator[str]:
    for id_ in range(1, clients(deals) + 1):
        yield f"{id_},Name {id_},Family {id_},Buyer,+33 {id_},contact{id_}@client.example,{id_},{1 + id_ % USERS}\n"


def _deals(deals: int, stages: Sequence[str], *, custom: bool) -> Iterator[str]:
    several = clients(deals)
    for id_ in range(1, deals + 1):
        client, begin = 1 + id_ % max(1, several - 1), FIRST + timedelta(days=id_ % 700)
        title, stage = f"{WARES[id_ % len(WARES)]} number {id_}", stages[id_ % len(stages)]
        amount, discount, city = f"{id_ * 7919 % 100000}.{id_ % 100:02}", f"{id_ % 20}.5", f"Town {id_ % 500}"
        if id_ == deals:
            client, begin, title, stage = several, date(2031, 3, 1), LAST, "PREPARATION"
            amount, discount, city = "250000.00", "50.25", "Reykjavik"
        end = begin + timedelta(days=30)
        more = (
            f',"{{""discount"":{{""$decimal"":""{discount}""}},""visit"":{{""$date"":""{end}""}}}}"' if custom else ""
        )
        yield (
            f"{id_},D{id_},{title},{stage},{client},{client},{1 + id_ % USERS},EUR,{amount},{begin},{end},{begin},"
            f"{id_} Quay,{city},{COUNTRIES[id_ % 3]}{more}\n"
        )
