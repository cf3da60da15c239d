"""Exporting into CSV files: an import of them gives the same store, and an export of that the same bytes."""

from __future__ import annotations

import asyncio
import csv
import os
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest

from bizproc import crm
from bizproc.adapters.sql_crm import belongings, columns, exporting
from bizproc.adapters.sql_crm.columns import FILES, plural
from bizproc.adapters.sql_crm.shapes import SHAPES
from bizproc.core.errors import ExportRefused, ImportRefused
from bizproc.model import (
    Activity,
    Comment,
    Contact,
    Deal,
    HistoryEvent,
    ItemRef,
    MultiField,
    Pipeline,
    ProductRow,
    Stage,
    User,
    ref_of,
)
from bizproc.model import Company as Client
from bizproc.model.fields import fields_of
from bizproc.model.kinds import BELONGINGS, NOUNS
from bizproc.runtime import Runtime
from bizproc.settings import Settings
from bizproc.store.transaction import Transaction
from tests.unit.csv_company import Company

NORTHWIND = Path(os.environ.get("BIZPROC_TEST_DATA", "/nowhere")) / "data" / "northwind"
MAINS = ["users.csv", "companies.csv", "contacts.csv", "products.csv", "deals.csv", "product_rows.csv"]


@asynccontextmanager
async def opened(path: Path, **settings: Any) -> AsyncIterator[Runtime]:
    async with Runtime.open_asleep(f"sqlite:///{path}", settings=Settings(**settings)) as runtime:
        yield runtime


async def write(runtime: Runtime, sql: str, *parameters: Any) -> None:
    def function(tx: Transaction) -> None:
        tx.execute(sql, parameters)

    await runtime.engine.write(function)


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


async def held(runtime: Runtime) -> Mapping[str, list[Any]]:
    """All that a store holds. Product rows without their ids: those of the catalogue get new ones."""
    found: dict[str, list[Any]] = {kind: await runtime.find(cls) for kind, cls in {**NOUNS, **BELONGINGS}.items()}
    rows = [attrs.evolve(row, id=0) for row in await runtime.find(ProductRow)]
    found["product_row"] = sorted(rows, key=lambda row: (row.owner_kind, row.owner_id, row.sort))
    fields = "SELECT kind, code, type, label, multiple, options FROM custom_field ORDER BY kind, code"
    links = "SELECT to_kind, to_id, kind, item FROM link ORDER BY 1, 2, 3, 4"
    bindings = [f"SELECT kind, item, {of} FROM {of}_binding ORDER BY 1, 2, 3" for of in ("activity", "comment")]
    for text in (fields, links, *bindings):
        found[text] = await runtime.read(lambda connection, text=text: connection.execute(text).fetchall())  # type: ignore[misc]
    return found


async def round_trip(tmp_path: Path, *, stamps: bool = True) -> Path:
    """Export, import, export: the same bytes, and the same items. The first folder."""
    async with opened(tmp_path / "a.db") as runtime:
        await runtime.export_folder(tmp_path / "first")
        before = await held(runtime)
    async with opened(tmp_path / "b.db") as runtime:
        await runtime.import_folder(tmp_path / "first")
        await runtime.export_folder(tmp_path / "second")
        after = await held(runtime)
    assert content(tmp_path / "first") == content(tmp_path / "second")
    for kind, items in before.items():
        assert after[kind] == (items if stamps else after[kind]), kind
    return tmp_path / "first"


# -- the main kinds ----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not NORTHWIND.is_dir(), reason="BIZPROC_TEST_DATA names no folder with the Northwind set")
async def test_northwind_comes_out_as_it_went_in(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as runtime:
        await runtime.import_folder(NORTHWIND)
    folder = await round_trip(tmp_path, stamps=False)
    assert sorted(content(folder)) == sorted(MAINS)
    for name in MAINS:
        if name != "deals.csv":
            assert (folder / name).read_bytes() == (NORTHWIND / name).read_bytes()
    given, exported = table(NORTHWIND, "deals.csv"), table(folder, "deals.csv")
    assert list(given[0]) == list(exported[0])
    # Amounts are sums of rounded rows; a deal that was never moved was moved by its import.
    computed = ("opportunity", "moved_at")
    for before, after in zip(given, exported, strict=True):
        assert {n: c for n, c in before.items() if n not in computed} == {
            n: c for n, c in after.items() if n not in computed
        }
        assert before["moved_at"] in ("", after["moved_at"])
        assert abs(Decimal(before["opportunity"]) - Decimal(after["opportunity"])) <= Decimal("0.02")


async def test_what_was_imported_and_not_touched_needs_no_further_columns(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as runtime:
        await runtime.import_folder(Company().write(tmp_path / "csv"))
    folder = await round_trip(tmp_path, stamps=False)
    assert sorted(content(folder)) == sorted(MAINS)
    for name, header in Company().headers.items():
        assert (folder / f"{name}.csv").read_text("utf-8").splitlines()[0] == header
    assert table(folder, "deals.csv")[0]["moved_at"] == "1996-07-16"
    assert table(folder, "product_rows.csv")[1] == {
        "deal_id": "1",
        "product_id": "2",
        "price": "0.333",
        "quantity": "3",
        "discount_percent": "0",
    }


async def test_an_empty_store_comes_out_as_headers(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db"):
        pass
    folder = await round_trip(tmp_path, stamps=False)
    assert sorted(content(folder)) == sorted(MAINS)


async def rich(runtime: Runtime) -> None:
    """A store that holds what plain columns cannot say."""
    make = runtime.perform
    boss = await make(crm.user.create(name="Robin", last_name="Vale", time_zone="Europe/Paris", active=False))
    user = await make(crm.user.create(name="Sasha", manager_id=boss.id, email="sasha@tea.example"))
    await write(runtime, "UPDATE user SET manager_id = ? WHERE id = ?", user.id, boss.id)  # a circle
    phones = (MultiField("1", "MOBILE"), MultiField("2", "WORK"), MultiField("3", "WORK"))
    client = await make(crm.company.create(title="x", phones=phones, revenue=Decimal("12.30"), currency="JPY"))
    other = await make(crm.company.create(title='Tea, "Ltd"\r\n=1+1', emails=("a@b.example",), is_my_company=True))
    people = [
        await make(
            crm.contact.create(name="Kim", last_name="Ash", company_ids=(other.id, client.id), birth_date=date(1, 1, 1))
        ),
        await make(
            crm.contact.create(
                name="Zoé", last_name="Ünal\t☕", emails=(MultiField("k@b.example", "HOME"),), export=False
            )
        ),
    ]
    tea = await make(crm.product.create(name="Tea", price=Decimal("18.5"), tax_rate=Decimal(20), code="T-1"))
    blank = await make(crm.product.create(name="x", price=Decimal("0.0001"), currency="USD"))
    for kind, code, type_, multiple in (
        *(("deal", "score", "number", False), ("deal", "due", "day", True), ("deal", "delivery_city", "text", True)),
        *(("company", "since", "moment", False), ("contact", "vip", "truth", False), ("deal", "way", "choice", True)),
    ):
        await runtime.engine.write(partial(_define, kind, code, type_, multiple))
    export = await make(crm.pipeline.create(name="Export", sort=20))
    await make(crm.stage.create(pipeline=export.id, code="HELD", name="Held"))
    await write(runtime, "UPDATE stage SET name = 'Neu', sort = 5 WHERE id = 1")
    custom = {
        "score": Decimal("1.50"),
        "due": (date(2026, 1, 1), date(9999, 12, 31)),
        "delivery_city": ("Lyon", "Graz"),
    }
    deal = await make(crm.deal.create(title="x", company_id=client.id, contact_ids=[2, 1], custom=custom))
    won = await make(crm.deal.create(title="Won", stage=f"C{export.id}:WON", amount=5, observer_ids=[boss.id, user.id]))
    await make(crm.deal(won).update({"close_date": None, "probability": 7}))
    yen = await make(crm.deal.create(title="Yen", currency="JPY", responsible_id=user.id, comments="a\nb"))
    await make(crm.deal(deal).add_product(tea.id, quantity=Decimal("2.5"), discount_percent=5))
    await make(crm.deal(deal).add_product(blank.id, price=Decimal(-3)))
    await make(crm.deal(yen).add_product(tea.id, price=100))
    await make(crm.deal(yen).update({"amount": 7}))
    await make(crm.product(tea.id).update({"name": "Tea of today"}))
    await make(crm.deal(deal).add_comment("[b]now[/b]"))
    call = await make(crm.deal(won).add_activity("Call", deadline=datetime(2026, 1, 31, 9, tzinfo=UTC)))
    both = f'[["deal",{won.id}],["contact",{people[0].id}]]'
    await write(runtime, "UPDATE activity SET bindings = ? WHERE id = ?", both, call.id)
    await write(runtime, "INSERT INTO activity_binding VALUES ('contact', ?, ?)", people[0].id, call.id)
    await make(crm.company(client).update({"custom": {"since": datetime(2000, 1, 1, tzinfo=UTC)}}))
    await make(crm.contact(people[1]).update({"custom": {"vip": False}}))
    await write(runtime, "UPDATE company SET title = ' \n' WHERE id = ?", client.id)
    await write(runtime, "UPDATE product SET name = '' WHERE id = ?", blank.id)
    await write(runtime, "UPDATE deal SET title = '' WHERE id = ?", deal.id)


def _define(kind: str, code: str, type_: str, multiple: bool, tx: Transaction) -> None:
    from bizproc.adapters.sql_crm.custom import add_field

    add_field(tx, kind, code, type_, "", multiple=multiple, options=["a", "b"] if type_ == "choice" else ())


async def test_nothing_of_a_store_is_lost(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as runtime:
        await rich(runtime)
    folder = await round_trip(tmp_path)
    others = ("custom_fields", "pipelines", "stages", "comments", "activities", "history_events", "other_product_rows")
    assert set(content(folder)) >= {*MAINS, *(f"{name}.csv" for name in others)}
    deals = table(folder, "deals.csv")
    assert (deals[0]["title"], deals[0]["as_stored"]) == ("", '{"title":""}')
    assert deals[0]["contact_ids"] == "[2,1]"
    assert (deals[1]["close_date"], deals[1]["as_stored"]) == ("", '{"close_date":null}')
    assert (deals[2]["opportunity"], deals[2]["manual_amount"]) == ("7", "Y")
    assert table(folder, "stages.csv")[0]["name"] == "Neu"


async def test_a_copy_of_a_copy_finds_what_belongs_to_an_item(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as runtime:
        await rich(runtime)
    await round_trip(tmp_path)
    async with opened(tmp_path / "b.db") as runtime:
        deal, client = await runtime.get(Deal, 1), await runtime.get(Client, 1)
        assert [each.id for each in await runtime.find(Contact, of=client)] == [1]
        assert [each.text for each in await runtime.find(Comment, of=deal)] == ["[b]now[/b]"]
        assert [each.subject for each in await runtime.find(Activity, of=await runtime.get(Contact, 1))] == ["Call"]
        assert (await runtime.find(HistoryEvent, of=deal))[0].kind == "created"
        row = await runtime.perform(crm.deal(deal).add_product(1))
        assert row.id > max(each.id for each in await runtime.find(ProductRow) if each.id != row.id)
        assert (await runtime.perform(crm.deal.create(title="After"))).id == 4


async def test_moments_are_days_where_they_begin_one_in_the_portals_zone(tmp_path: Path) -> None:
    company = Company()
    company.set("deals", 3, "moved_at", "1996-07-16T00:00+02:00")
    company.set("deals", 4, "moved_at", "1996-07-16T00:00Z")
    async with opened(tmp_path / "a.db", time_zone="Europe/Paris") as runtime:
        await runtime.import_folder(company.write(tmp_path / "csv"))
        await runtime.export_folder(tmp_path / "out")
    moved = [row["moved_at"] for row in table(tmp_path / "out", "deals.csv")]
    assert moved == ["1996-07-16", "1996-07-16", "1996-07-16T00:00:00Z"]


# -- other kinds -------------------------------------------------------------------------------------------------------


def test_every_noun_has_a_file_with_the_models_fields() -> None:
    by_kind = {file.kind: file for file in FILES}
    assert set(by_kind) == {*NOUNS, *BELONGINGS, None}
    for kind, file in by_kind.items():
        if kind is not None and kind not in columns.MAIN_KINDS:
            assert {*file.header, *file.further} == set(fields_of(SHAPES[kind].cls))
    names = [file.name for file in FILES]
    assert len(set(names)) == len(names)


def test_what_others_refer_to_is_read_before_them() -> None:
    place = {file.kind: place for place, file in enumerate(FILES)}
    for file in FILES:
        for column in (*file.columns, *file.further.values()):
            if column.refers is not None and column.refers != file.kind:
                assert place[column.refers] < place[file.kind] or file.kind in circles(column.refers)


def circles(kind: str) -> set[str]:
    """What a kind refers to, directly or not."""
    found: set[str] = set()
    todo = [kind]
    while todo:
        for field in fields_of(SHAPES[todo.pop()].cls).values():
            if field.refers in SHAPES and field.refers not in found:
                found.add(field.refers)
                todo.append(field.refers)
    return found


@pytest.mark.parametrize(
    ("kind", "name"),
    [("deal", "deals"), ("company", "companies"), ("quote", "quotes"), ("address", "address"), ("tax", "taxes"),
     ("branch", "branches"), ("day", "days")],
)  # fmt: skip
def test_a_file_has_the_name_of_its_kind_in_plural(kind: str, name: str) -> None:
    assert plural(kind) == name


async def imported(tmp_path: Path, **files: str) -> list[str]:
    """Import files beside a small company; what is said of bad rows."""
    folder = Company().write(tmp_path / "csv")
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, "utf-8")
    async with opened(tmp_path / "crm.db") as runtime:
        try:
            await runtime.import_folder(folder)
        except ImportRefused as refused:
            assert await runtime.find(User) == []
            return list(map(str, refused.rows)) or str(refused).splitlines()
    return []


async def test_of_another_kind_an_id_is_enough_and_fields_stand_in_any_order(tmp_path: Path) -> None:
    said = await imported(
        tmp_path,
        pipelines="name,id\nExport,3\n",
        stages="pipeline,id,code,name\n3,100,C3:NEW,New\n3,101,C3:DONE,Done\n",
        comments="owner_id,id,text,owner_kind\n1,5,hello,deal\n2,6,there,company\n",
        activities='id,owner_id,subject,bindings,important\n1,2,Call,"[[""deal"",2],[""contact"",1]]",Y\n2,1,Write,,\n',
    )
    assert said == []
    async with opened(tmp_path / "crm.db") as runtime:
        assert [(each.id, each.name) for each in await runtime.find(Pipeline)] == [(0, "General"), (3, "Export")]
        assert [each.code for each in await runtime.find(Stage) if each.pipeline == 3] == ["C3:NEW", "C3:DONE"]
        assert [each.text for each in await runtime.find(Comment, of=await runtime.get(Client, 2))] == ["there"]
        contact, deal = await runtime.get(Contact, 1), await runtime.get(Deal, 1)
        assert [each.subject for each in await runtime.find(Activity, of=contact)] == ["Call"]
        (second,) = await runtime.find(Activity, of=deal)
        assert (second.important, second.bindings, second.completed) == (False, (ref_of(deal),), False)
        assert datetime.now(UTC) - second.created_at < timedelta(minutes=5)
        assert (await runtime.perform(crm.deal(deal).complete_activity(second.id))).completed


async def test_a_pipeline_without_stages_gets_those_that_a_new_one_has(tmp_path: Path) -> None:
    assert await imported(tmp_path, pipelines="id,name\n3,Export\n") == []
    async with opened(tmp_path / "crm.db") as runtime:
        assert (await runtime.perform(crm.deal.create(title="x", pipeline=3))).stage == "C3:NEW"


async def test_further_columns_of_a_main_kind_say_what_the_others_cannot(tmp_path: Path) -> None:
    company = Company()
    company.headers["contacts"] += ",phones,second_name,company_ids"
    company.rows["contacts"] = ['1,Alex,,,9,,1,,"[[""7"",""HOME""],""8""]",Lee,"[2,1]"', "2,Kim,,,5,,2,,6,,"]
    folder = company.write(tmp_path / "csv")
    async with opened(tmp_path / "crm.db") as runtime:
        with pytest.raises(ImportRefused, match=r"contacts.csv:2: phones: expected a list in JSON"):
            await runtime.import_folder(folder)
    company.rows["contacts"][0] = '1,Alex,,,9,,1,,"[[""7"",""HOME""]]",Lee,"[2,1]"'
    company.write(folder)
    async with opened(tmp_path / "crm.db") as runtime:
        await runtime.import_folder(folder)
        first, second = await runtime.find(Contact)
        assert (first.phones, first.second_name, first.company_ids) == ((MultiField("7", "HOME"),), "Lee", (2, 1))
        assert (second.phones, second.second_name, second.company_ids) == ((MultiField("6"),), "", (2,))
        assert [each.id for each in await runtime.find(Contact, of=await runtime.get(Client, 2))] == [1, 2]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"comments": "id,owner_id\n1,9\n"}, "comments.csv:2: owner_id: there is no deal 9, neither in deals.csv nor"),
        ({"comments": "id,owner_kind,owner_id\n1,cat,1\n"}, "comments.csv:2: owner_id: there is no kind of item 'cat'"),
        ({"comments": "id,owner_id\n1,1\n1,1\n"}, "comments.csv:3: id 1 stands in line 2 already"),
        ({"comments": "id,owner_id\n,1\n"}, "comments.csv:2: id: is empty"),
        ({"comments": "id,owner_id\n-1,1\n"}, "comments.csv:2: id: expected a whole number from 0, got '-1'"),
        ({"comments": "id,owner_id,created_at\n1,1,x\n"}, "comments.csv:2: created_at: expected a date, as 1996"),
        ({"comments": "id,owner_id,created_at\n1,1,1996-01-01\n"}, "comments.csv:2: created_at: expected a moment, as"),
        (
            {"comments": "id,owner_id,created_at\n1,1,0001-01-01T00:00+05:00\n"},
            "comments.csv:2: created_at: expected a date, as 1996-07-31, or a moment",
        ),
        (
            {"comments": "id,owner\n1,1\n"},
            "comments.csv:1: column 'owner' is not known. The columns are: id. There may",
        ),
        ({"comments": "text\nx\n"}, "comments.csv:1: column 'id' is missing. The columns are: id."),
        ({"activities": "id,owner_id,bindings\n1,1,x\n"}, "activities.csv:2: bindings: expected"),
        ({"activities": "id,owner_id,bindings\n1,1,[[1]]\n"}, "activities.csv:2: bindings: expected a list in JSON"),
        (
            {"activities": 'id,owner_id,bindings\n1,1,"[[""deal"",77]]"\n'},
            "activities.csv:2: bindings: there is no deal 77",
        ),
        ({"activities": "id,owner_id,important\n1,1,yes\n"}, "activities.csv:2: important: expected Y or N, got 'yes'"),
        ({"stages": "id,kind\n90,deal\n"}, "stages.csv:2: code: is empty"),
        (
            {"stages": "id,code,kind\n90,X,user\n"},
            "stages.csv:2: kind: expected one of lead, deal, quote, invoice, got 'user'",
        ),
        ({"stages": "id,code,pipeline\n90,X,77\n"}, "stages.csv:2: deal has no pipeline 77. Known: 0 (General)"),
        ({"stages": "id,code\n90,NEW\n"}, "stages.csv:2: there is one with this kind and code already"),
        ({"stages": "id,code,semantics\n90,X,done\n"}, "stages.csv:2: semantics: expected one of process, success,"),
        ({"pipelines": "id,sort\n5,1e3\n"}, "pipelines.csv:2: sort: expected a whole number, got '1e3'"),
        ({"pipelines": f"id,sort\n5,{2**63 - 1}\n"}, "pipelines.csv:2: sort: expected an integer of at most 64 bits"),
        ({"other_product_rows": "id,owner_id,price\n1,1,x\n"}, "other_product_rows.csv:2: price: expected a number"),
        (
            {"other_product_rows": "id,owner_id,price,sum\n1,1,5,6\n"},
            "other_product_rows.csv:2: sum: it comes to 5.00, and not to 6",
        ),
        ({"other_product_rows": "id,owner_id,quantity\n1,1,0\n"}, "other_product_rows.csv:2: quantity: expected more"),
        ({"custom_fields": "kind,code,type\nC-at,a,text\n"}, "custom_fields.csv:2: there is no kind of item 'C-at'"),
        (
            {"custom_fields": "kind,code,type\ndeal,a b,text\n"},
            "custom_fields.csv:2: custom field.code: expected a name",
        ),
        ({"custom_fields": "kind,code,type\ndeal,a,html\n"}, "custom_fields.csv:2: deal.a: expected one of text,"),
        ({"history_events": "id,owner_id,new\n1,1,{\n"}, "history_events.csv:2: new: expected JSON, as an export"),
        (
            {"history_events": 'id,owner_id,new\n1,1,"{""$object"":[""os:error"",{}]}"\n'},
            "history_events.csv:2: new: expected JSON, as an export",
        ),
        ({"history_events": f"id,owner_id,new\n1,1,{'[' * 5000}\n"}, "history_events.csv:2: new: expected JSON, as an"),
    ],
)
async def test_a_bad_row_of_another_kind_is_told_of_like_any(tmp_path: Path, files: dict[str, str], said: str) -> None:
    (first, *_) = await imported(tmp_path, **files)
    assert first.startswith(said)


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("custom", '"{""nope"": 1}"', "deals.csv:2: custom: deal has no field 'custom.nope'"),
        ("custom", "[1]", "deals.csv:2: custom: "),
        ("custom", "{", "deals.csv:2: custom: expected JSON, as an export writes it, got '{'"),
        ("as_stored", '"{""id"": 1}"', "deals.csv:2: as_stored: there is no field 'id'"),
        ("as_stored", '"{""amount"": ""x""}"', "deals.csv:2: as_stored: amount: expected a text, or null"),
        ("as_stored", '"{""title"": null}"', "deals.csv:2: as_stored: title: expected a text, or null"),
        ("as_stored", "[]", "deals.csv:2: as_stored: expected JSON, as"),
        ("probability", "101", "deals.csv:2: probability: expected an integer from 0 to 100, got '101'"),
        ("contact_ids", "[9]", "deals.csv:2: contact_ids: there is no contact 9, neither in contacts.csv nor"),
        ("contact_ids", "[[1]]", "deals.csv:2: contact_ids: expected an integer"),
        ("observer_ids", "1,2", "deals.csv:2: 17 cells where the header has 16"),
        ("manual_amount", "1", "deals.csv:2: manual_amount: expected Y or N, got '1'"),
    ],
)
async def test_a_bad_further_cell_is_told_of_like_any(tmp_path: Path, column: str, cell: str, said: str) -> None:
    company = Company()
    company.headers["deals"] += f",{column}"
    company.rows["deals"] = [f"{company.rows['deals'][0]},{cell}"]
    company.rows["product_rows"] = []
    async with opened(tmp_path / "crm.db") as runtime:
        with pytest.raises(ImportRefused) as error:
            await runtime.import_folder(company.write(tmp_path / "csv"))
        assert await runtime.find(User) == []
    assert str(error.value.rows[0]).startswith(said)


async def test_a_seeded_stage_in_use_is_not_replaced(tmp_path: Path) -> None:
    async with opened(tmp_path / "crm.db") as runtime:
        await runtime.perform(crm.deal.create(title="There"))
        (tmp_path / "csv").mkdir()
        (tmp_path / "csv" / "stages.csv").write_text("id,code,name\n1,OTHER,Other\n2,PREPARATION,Getting ready\n")
        with pytest.raises(ImportRefused, match=r"stages\.csv:2: id 1 is in the store already"):
            await runtime.import_folder(tmp_path / "csv")
        await runtime.import_folder(tmp_path / "csv", skip_bad=True)
        assert {each.id: each.name for each in await runtime.find(Stage)}[2] == "Getting ready"


# -- what an import meets ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", ["fifo", "device", "link to a device", "link to nowhere"])
async def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path, make: str) -> None:
    folder = Company().write(tmp_path / "csv")
    path = folder / "users.csv"
    path.unlink()
    if make == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero" if "device" in make else tmp_path / "nowhere")
    async with opened(tmp_path / "crm.db") as runtime:
        with pytest.raises(ImportRefused, match=r"users\.csv: cannot be read"):
            await runtime.import_folder(folder)


async def test_a_header_of_very_many_columns_is_refused_at_once(tmp_path: Path) -> None:
    folder = Company().write(tmp_path / "csv")
    (folder / "users.csv").write_text(",".join(f"c{number}" for number in range(200_000)) + "\n")
    (folder / "deals.csv").write_text("id," * 200_000 + "\n")
    async with opened(tmp_path / "crm.db") as runtime:
        with pytest.raises(ImportRefused) as error:
            await runtime.import_folder(folder)
    first, second = str(error.value).splitlines()
    assert "'c0', 'c1'" in first
    assert "and 199,990 more are not known" in first
    assert "column 'id' stands there twice" in second or "columns '', 'id' stand there twice" in second
    assert len(str(error.value)) < 5_000


@pytest.mark.parametrize(
    ("zone", "moved", "good"),
    [
        ("Europe/Paris", "0001-01-01", False),
        ("Europe/Paris", "9999-12-31T23:59:59Z", False),
        ("America/New_York", "0001-01-01T00:00:00Z", False),
        ("America/New_York", "9999-12-31", True),
        ("UTC", "0001-01-01", True),
        ("UTC", "9999-12-31T23:59:59.999999Z", True),
        ("UTC", "0001-01-01T00:00+05:00", False),
        ("UTC", "9999-12-31T23:59-05:00", False),
    ],
)
async def test_a_moment_at_the_ends_of_time_is_kept_or_a_bad_row(
    tmp_path: Path, zone: str, moved: str, good: bool
) -> None:
    company = Company()
    company.set("deals", 2, "moved_at", moved)
    company.set("deals", 2, "close_date", "")
    async with opened(tmp_path / "crm.db", time_zone=zone) as runtime:
        folder = company.write(tmp_path / "csv")
        if not good:
            with pytest.raises(ImportRefused, match=r"deals\.csv:2: moved_at: expected"):
                await runtime.import_folder(folder)
        else:
            await runtime.import_folder(folder)
            await runtime.export_folder(tmp_path / "out")
            assert table(tmp_path / "out", "deals.csv")[0]["moved_at"] == moved.removesuffix("T00:00:00Z")


async def test_long_texts_are_read(tmp_path: Path) -> None:
    company = Company()
    company.set("companies", 2, "title", "tea " * 100_000)
    async with opened(tmp_path / "a.db") as runtime:
        await runtime.import_folder(company.write(tmp_path / "csv"))
    await round_trip(tmp_path, stamps=False)


# -- the folder --------------------------------------------------------------------------------------------------------


async def refused(tmp_path: Path, folder: Path) -> str:
    async with opened(tmp_path / "crm.db") as runtime:
        with pytest.raises(ExportRefused) as error:
            await runtime.export_folder(folder)
    return str(error.value)


async def test_a_folder_that_holds_something_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    assert "holds notes.txt, and an export overwrites nothing" in await refused(tmp_path, tmp_path / "out")
    assert content(tmp_path / "out") == {"notes.txt": b"mine"}


async def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    assert "is a file" in await refused(tmp_path, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


async def test_a_folder_in_no_folder_is_not_made(tmp_path: Path) -> None:
    assert "Make it first." in await refused(tmp_path, tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()


async def test_a_folder_that_cannot_be_called_so_is_refused(tmp_path: Path) -> None:
    assert "File name too long" in await refused(tmp_path, tmp_path / ("o" * 300))


async def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    async with opened(tmp_path / "crm.db") as runtime:
        report = await runtime.export_folder(tmp_path / "out")
    assert list(report.counts) == [name.removesuffix(".csv") for name in MAINS]


async def test_an_export_that_is_cancelled_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "BATCH", 1)
    async with opened(tmp_path / "crm.db") as runtime:
        await runtime.import_folder(Company().write(tmp_path / "csv"))
    loop = asyncio.get_running_loop()
    stopped = threading.Event()

    def stop(file: str, _done: int, _total: int) -> None:
        if file == "deals.csv" and not stopped.is_set():
            loop.call_soon_threadsafe(task.cancel)
            stopped.wait(10)

    async def run() -> None:
        async with opened(tmp_path / "crm.db") as runtime:
            try:
                await runtime.export_folder(tmp_path / "out", progress=stop)
            finally:
                stopped.set()

    task = asyncio.create_task(run())
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert not (tmp_path / "out").exists()


async def test_progress_goes_from_nothing_to_all(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    async with opened(tmp_path / "crm.db") as runtime:
        await rich(runtime)
        await runtime.export_folder(tmp_path / "out", progress=lambda _, done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]


async def test_one_state_is_exported_whatever_happens_meanwhile(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    async with opened(tmp_path / "crm.db") as owner, Runtime.attach(url) as guest:
        await owner.import_folder(Company().write(tmp_path / "csv"))
        loop = asyncio.get_running_loop()

        def meanwhile(file: str, _done: int, _total: int) -> None:
            if file == "companies.csv":
                made = owner.perform(crm.deal.create(title="Later", company_id=1))
                asyncio.run_coroutine_threadsafe(made, loop).result(30)

        await guest.export_folder(tmp_path / "out", progress=meanwhile)
        assert len(await owner.find(Deal)) == 4
    assert len(table(tmp_path / "out", "deals.csv")) == 3


async def test_smart_items_and_what_stands_beside_them_come_back(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as runtime:
        make = runtime.perform
        for name in ("Alex", "Kim"):
            await make(crm.contact.create(name=name, last_name="Moor"))
        await make(crm.smart_type.create(code="contract", title="Contract"))
        await make(crm.item("contract").create(title="Tea"))
        await make(crm.item("contract").create(title="Pots", contact_ids=[2, 1], stage="SUCCESS"))
        await make(crm.item("contract", 1).add_comment("hello"))
    folder = await round_trip(tmp_path)
    assert [row["type"] for row in table(folder, "smart_items.csv")] == ["contract", "contract"]


async def test_kinds_that_refer_to_each_other_in_a_circle_come_back(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as runtime:
        make = runtime.perform
        await make(crm.user.create(name="Robin"))
        await make(crm.department.create(code="sales", name="Sales", head_id=1))
        await make(crm.user.create(name="Sasha", department_ids=[1]))
        await make(crm.lead.create(title="Tea", name="Zoe", last_name="Ash", phones=["1"]))
        await make(crm.lead(1).add_activity("Call"))
        await make(crm.quote.create(title="Pots"))
        await make(crm.invoice.create(title="Pots"))
    await round_trip(tmp_path)


async def test_a_row_that_relies_on_a_bad_row_further_on_cannot_be_left_out(tmp_path: Path) -> None:
    folder = Company().only("users").write(tmp_path / "csv")
    (folder / "users.csv").write_text(f"{Company().headers['users']},department_ids\n1,Robin,,,,,9,\n2,Sasha,,,,,,1\n")
    (folder / "departments.csv").write_text("id,code,name,head_id\n1,sales,Sales,1\n")
    async with opened(tmp_path / "crm.db") as runtime:
        with pytest.raises(ImportRefused, match=r"departments\.csv:2: head_id: refers to user 1, a bad row"):
            await runtime.import_folder(folder, skip_bad=True)
        assert await runtime.find(User) == []


# -- every kind of noun, made by its action ----------------------------------------------------------------------------


async def everything(runtime: Runtime) -> None:
    """One at least of every kind that there is, made as people make them."""
    make = runtime.perform
    hour, start = timedelta(hours=1), datetime(2030, 1, 7, 9, tzinfo=UTC)
    ann = await make(crm.user.create(name="Ann", last_name="Lee", email="ann@tea.example"))
    await make(crm.department.create(code="sales", name="Sales", head_id=ann.id))
    await make(crm.user.create(name="Bob", manager_id=ann.id, department_ids=[1]))
    await make(crm.group.create(code="night", name="Night", member_ids=[2, 1]))
    await make(crm.absence.create(user_id=2, start=start, end=start + hour, reason="leave"))
    await make(crm.working_hours.create(monday="09:00-12:00,13:00-17:00", holidays=[date(2030, 5, 1)]))
    await make(crm.reference.create(list="SOURCE", code="FAIR", name="Fair"))
    await make(crm.product.create(name="Tea", price=Decimal("18.005"), tax_rate=Decimal(20), tax_included=True))
    await make(crm.pipeline.create(name="Service"))
    await make(crm.stage.create(pipeline=1, code="HELD", name="Held"))
    await make(crm.smart_type.create(code="contract", title="Contract", parents=["deal"], has_pipelines=True))
    company = await make(crm.company.create(title="Acme", phones=["+33 1"], emails=["a@acme.example"]))
    contact = await make(crm.contact.create(name="Eva", last_name="Moss", company_id=company.id, phones=["+33 6"]))
    await make(crm.details_template.create(code="fr", fields=["vat_id"], bank_fields=["iban"], with_address=True))
    await make(crm.details.create(template_id=1, company_id=company.id, fields={"vat_id": "1"}))
    await make(crm.bank_details.create(details_id=1, name="Main"))
    file = await make(crm.drive.add("Templates/offer.docx", b"offer"))
    await make(crm.mailbox.create(email="sales@tea.example", name="Sales", user_ids=[ann.id]))
    await make(crm.template.create(code="offer", file_id=file.id, kinds=["deal"]))
    await make(crm.exclusion.create(value="+33 7", comment="asked"))
    for code, type_ in (("visit", "booking"), ("paper", "file"), ("boss", "user"), ("other", "link"), ("at", "time")):
        await make(crm.deal.add_field(code, type=type_, label=code))  # type: ignore[arg-type]  # each is a type
    custom = {"paper": file.id, "boss": ann.id, "other": ItemRef("contact", contact.id)}
    deal = await make(crm.deal.create(title="Tea", contact_id=contact.id, responsible_id=ann.id, custom=custom))
    await make(crm.deal(deal).add_product(1, quantity=3, discount_percent=5))
    await make(crm.deal(deal).book_resource("visit", start=start, duration=hour, service="Tasting"))
    await make(crm.deal(deal).add_task("Write the quote"))
    await make(crm.deal(deal).schedule_meeting("Taste", start=start, remind_before=hour))
    await make(crm.deal(deal).create_order())
    await make(crm.deal(deal).convert(quote=True, invoice=True))
    await make(crm.item("contract").create(title="C", parents=[ref_of(deal)], pipeline=0))
    lead = await make(crm.lead.create(title="Lead", name="Zoe", phones=["+33 9"], company_title="Mill"))
    await make(crm.lead(lead).add_comment("stands beside the deal too"))
    await make(crm.lead(lead).add_activity("Call"))
    await make(crm.lead(lead).convert(deal=True, contact=True, company=True))
    await runtime.engine.write(_what_only_processes_make)


def _what_only_processes_make(tx: Transaction) -> None:
    now = datetime(2030, 1, 7, 9, tzinfo=UTC)
    belongings.add(tx, "wait", ItemRef("deal", 1), description="Wait", start=now, end=now, made_by="w-1", step="w-1/0")
    belongings.add(tx, "message", ItemRef("deal", 1), recipient="a@acme.example", text="Hello\r\n", created_at=now)
    belongings.add(tx, "document", ItemRef("deal", 1), number="7", template_id=1, file_id=1, created_at=now)


async def test_every_kind_of_noun_comes_out_as_it_went_in(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as runtime:
        await everything(runtime)
        there = await held(runtime)
    assert [kind for kind in (*NOUNS, *BELONGINGS) if not there[kind]] == []
    folder = await round_trip(tmp_path)
    assert {file.name for file in FILES} == set(content(folder))


@pytest.mark.parametrize("options", ['["a"]', '{"zone": 5}', '[["zone", "Mars/Base"]]', "7", '[["no", true]]'])
async def test_settings_of_a_booking_field_that_are_none_are_bad_rows(tmp_path: Path, options: str) -> None:
    quoted = options.replace('"', '""')
    rows = f'kind,code,type,label,multiple,options\ndeal,visit,booking,Visit,N,"{quoted}"\n'
    (said,) = await imported(tmp_path, custom_fields=rows)
    assert said.startswith("custom_fields.csv:2: ")


async def test_options_of_a_choice_that_are_none_are_a_bad_row(tmp_path: Path) -> None:
    rows = "kind,code,type,label,multiple,options\ndeal,way,choice,Way,N,7\n"
    (said,) = await imported(tmp_path, custom_fields=rows)
    assert said.startswith("custom_fields.csv:2: custom field.options: expected a list or an object")


async def test_comments_of_a_converted_lead_stand_beside_the_deal_in_a_copy_too(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as runtime:
        await everything(runtime)
    await round_trip(tmp_path)
    async with opened(tmp_path / "b.db") as runtime:
        deal = await runtime.get(Deal, 2)
        assert [each.text for each in await runtime.find(Comment, of=deal)] == ["stands beside the deal too"]
        await runtime.perform(crm.lead(1).delete())
        assert [each.text for each in await runtime.find(Comment, of=deal)] == ["stands beside the deal too"]
