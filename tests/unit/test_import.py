"""Importing a folder of CSV files: what is written, what is refused, and that nothing is half-written."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from bizproc import F, crm
from bizproc.adapters.csv_files import SHOWN, ImportReport
from bizproc.core.errors import ImportRefused
from bizproc.model import Company as Client
from bizproc.model import Contact, Deal, HistoryEvent, MultiField, Product, ProductRow, User
from bizproc.runtime import Runtime
from bizproc.settings import Settings
from tests.unit.csv_company import Company

NORTHWIND = Path(os.environ.get("BIZPROC_TEST_DATA", "/nowhere")) / "data" / "northwind"
KINDS = (User, Client, Contact, Product, Deal, ProductRow)


@pytest.fixture
def company() -> Company:
    return Company()


@asynccontextmanager
async def opened(tmp_path: Path) -> AsyncIterator[Runtime]:
    async with Runtime.open_asleep(f"sqlite:///{tmp_path / 'crm.db'}", settings=Settings(currency="EUR")) as runtime:
        yield runtime


async def imported(company: Company, tmp_path: Path, *, skip_bad: bool = False) -> ImportReport:
    async with opened(tmp_path) as runtime:
        return await runtime.import_folder(company.write(tmp_path / "csv"), skip_bad=skip_bad)


async def refused(company: Company, tmp_path: Path) -> list[str]:
    """What is said of each bad row; nothing must have been written."""
    folder = company.write(tmp_path / "csv")
    async with opened(tmp_path) as runtime:
        before = [len(await runtime.find(cls)) for cls in KINDS]
        with pytest.raises(ImportRefused) as error:
            await runtime.import_folder(folder)
        assert [len(await runtime.find(cls)) for cls in KINDS] == before
    return list(map(str, error.value.rows)) or str(error.value).splitlines()


# -- what is written ---------------------------------------------------------------------------------------------------


async def test_what_was_imported_is_found_whatever_its_case(company: Company, tmp_path: Path) -> None:
    company.set("companies", 2, "title", "Cafe\u0301 Straße")
    async with opened(tmp_path) as runtime:
        await runtime.import_folder(company.write(tmp_path / "csv"))
        (cafe,) = await runtime.find(Client, F.title.contains("CAFÉ STRASSE"))
        assert cafe.title == "Café Straße"
        assert [deal.id for deal in await runtime.find(Deal, F.title.starts_with("pots FOR"))] == [2]
        assert [user.id for user in await runtime.find(User, F.name.equals_text("SASHA"))] == [2]
        assert [contact.id for contact in await runtime.find(Contact, F.last_name.contains("MOO"))] == [1]
        assert [product.id for product in await runtime.find(Product, F.name.equals_text("tea"))] == [1]
        assert [deal.id for deal in await runtime.find(Deal, F.company.title.contains("café"))] == [1]


@pytest.mark.skipif(not NORTHWIND.is_dir(), reason="BIZPROC_TEST_DATA names no folder with the Northwind set")
async def test_northwind_is_imported_to_the_last_cent(tmp_path: Path) -> None:
    async with opened(tmp_path) as runtime:
        report = await runtime.import_folder(NORTHWIND)
        assert [len(await runtime.find(cls)) for cls in KINDS] == [9, 91, 91, 77, 830, 2155]
        rows, deals = await runtime.find(ProductRow), await runtime.find(Deal)
    assert report.skipped == 0
    assert list(report.counts.values()) == [9, 91, 91, 77, 830, 2155]
    exact = sum(row.price * row.quantity * (100 - row.discount_percent) / 100 for row in rows)
    assert exact == Decimal("1265793.0395")
    sums = {deal.id: sum(row.sum for row in rows if row.owner_id == deal.id) for deal in deals}
    assert {deal.id: deal.amount for deal in deals} == sums
    assert not any(deal.manual_amount for deal in deals)


async def test_cells_become_fields_of_the_model(company: Company, tmp_path: Path) -> None:
    await imported(company, tmp_path)
    async with opened(tmp_path) as runtime:
        user, client = await runtime.get(User, 1), await runtime.get(Client, 1)
        contact, product = await runtime.get(Contact, 1), await runtime.get(Product, 2)
        deal = await runtime.get(Deal, 1)
    assert (user.name, user.last_name, user.post, user.manager_id) == ("Robin", "Vale", "Sales", 2)
    assert client.phones == (MultiField("030-1", "WORK"), MultiField("030-2", "FAX"))
    assert (client.title, client.origin_id, client.city, client.responsible_id) == ("Harbour Books", "HARB", "Lyon", 1)
    assert (contact.name, contact.emails, contact.company_id) == ("Alex", (MultiField("alex@harbour.example"),), 1)
    assert (product.price, product.measure, product.active) == (Decimal("0.333"), "piece", False)
    assert (deal.stage, deal.semantics, deal.closed, deal.pipeline) == ("WON", "success", True, 0)
    assert (deal.company_id, deal.contact_ids, deal.responsible_id) == (1, (1,), 1)
    assert (deal.begin_date, deal.close_date) == (date(1996, 7, 4), date(1996, 8, 1))
    assert deal.moved_at == datetime(1996, 7, 16, tzinfo=UTC)
    address = {"delivery_address": "1 Quay", "delivery_city": "Lyon", "delivery_country": "France"}
    assert dict(deal.custom) == address


async def test_what_belongs_to_an_imported_item_is_found(company: Company, tmp_path: Path) -> None:
    await imported(company, tmp_path)
    async with opened(tmp_path) as runtime:
        client, contact, deal = await runtime.get(Client, 1), await runtime.get(Contact, 1), await runtime.get(Deal, 1)
        assert [each.id for each in await runtime.find(Contact, of=client)] == [1]
        assert [each.id for each in await runtime.find(Deal, of=client)] == [1]
        assert [each.id for each in await runtime.find(Deal, of=contact)] == [1]
        rows = await runtime.find(ProductRow, of=deal)
    assert [(row.name, row.sort, row.currency) for row in rows] == [("Tea", 10, "USD"), ("Pot", 20, "USD")]


async def test_an_empty_cell_is_no_value(company: Company, tmp_path: Path) -> None:
    company.set("products", 2, "currency", "")
    company.set("products", 2, "price", "")
    company.set("deals", 3, "stage_id", "")
    company.set("deals", 3, "currency", "")
    await imported(company, tmp_path)
    async with opened(tmp_path) as runtime:
        client, deal = await runtime.get(Client, 2), await runtime.get(Deal, 2)
        product, user = await runtime.get(Product, 1), await runtime.get(User, 2)
    assert (client.origin_id, client.city, client.phones) == (None, "", (MultiField("030-3"),))
    assert (deal.origin_id, deal.begin_date, dict(deal.custom)) == (None, None, {})
    assert (deal.stage, deal.currency) == ("NEW", "EUR")
    assert (product.price, product.currency) == (Decimal(0), "EUR")
    assert user.manager_id is None


async def test_an_amount_is_the_sum_of_the_rows_rounded_sums(company: Company, tmp_path: Path) -> None:
    await imported(company, tmp_path)
    async with opened(tmp_path) as runtime:
        first, third = await runtime.get(Deal, 1), await runtime.get(Deal, 3)
    assert (first.amount, first.manual_amount) == (Decimal("172.00"), False)  # 171.00 and 0.999, not the opportunity
    assert third.amount == Decimal("0.02")  # twice 0.005, each rounded up


async def test_the_opportunity_is_the_amount_where_there_are_no_rows(company: Company, tmp_path: Path) -> None:
    await imported(company, tmp_path)
    async with opened(tmp_path) as runtime:
        deal = await runtime.get(Deal, 2)
    assert (deal.amount, deal.manual_amount) == (Decimal("77.50"), True)


async def test_a_price_that_is_left_out_is_the_catalogues(company: Company, tmp_path: Path) -> None:
    company.rows["product_rows"] = ["2,1,,,"]
    await imported(company, tmp_path)
    async with opened(tmp_path) as runtime:
        (row,) = await runtime.find(ProductRow)
        assert (row.price, row.quantity, row.discount_percent, row.sum) == (
            *(Decimal(18), Decimal(1), Decimal(0)),
            Decimal("18.00"),
        )
        assert (await runtime.get(Deal, 2)).amount == Decimal("18.00")


async def test_a_closed_deal_without_a_date_was_closed_when_it_was_moved(company: Company, tmp_path: Path) -> None:
    company.set("deals", 2, "close_date", "")
    await imported(company, tmp_path)
    async with opened(tmp_path) as runtime:
        assert (await runtime.get(Deal, 1)).close_date == date(1996, 7, 16)


async def test_a_stage_decides_the_pipeline(company: Company, tmp_path: Path) -> None:
    async with opened(tmp_path) as runtime:
        pipeline = await runtime.perform(crm.pipeline.create(name="Export"))
    company.set("deals", 2, "stage_id", f"C{pipeline.id}:WON")
    await imported(company, tmp_path)
    async with opened(tmp_path) as runtime:
        deal = await runtime.get(Deal, 1)
    assert (deal.pipeline, deal.semantics) == (pipeline.id, "success")


async def test_nothing_is_told_of_an_import(company: Company, tmp_path: Path) -> None:
    await imported(company, tmp_path)
    async with opened(tmp_path) as runtime:
        assert await runtime.find(HistoryEvent) == []
        assert await runtime.instances() == []


async def test_the_next_item_gets_an_id_after_the_imported_ones(company: Company, tmp_path: Path) -> None:
    company.set("deals", 4, "id", "1000")
    company.rows["product_rows"] = []
    await imported(company, tmp_path)
    async with opened(tmp_path) as runtime:
        assert (await runtime.perform(crm.deal.create(title="After"))).id == 1001


async def test_columns_may_stand_in_any_order_and_lines_end_in_any_way(company: Company, tmp_path: Path) -> None:
    folder = company.only("users").write(tmp_path / "csv")
    (folder / "users.csv").write_bytes(
        "\ufefftitle,id,last_name,first_name,email,work_phone,manager_id\r\n\r\nSales,7,Ünal,Zoé,,,\r\n".encode()
    )
    async with opened(tmp_path) as runtime:
        await runtime.import_folder(folder)
        (user,) = await runtime.find(User)
    assert (user.id, user.name, user.last_name, user.post) == (7, "Zoé", "Ünal", "Sales")


async def test_texts_are_kept_as_they_stand(company: Company, tmp_path: Path) -> None:
    text = " '; DROP TABLE deal; -- “x”,\n[bold]\x1b[31m "
    company.set("companies", 2, "title", text)
    await imported(company, tmp_path)
    async with opened(tmp_path) as runtime:
        assert (await runtime.get(Client, 1)).title == text


# -- into a store that holds something ---------------------------------------------------------------------------------


async def test_rows_may_refer_to_what_the_store_holds(company: Company, tmp_path: Path) -> None:
    await imported(company, tmp_path)
    later = Company().only("deals", "product_rows")
    later.rows |= {"deals": ["9,,More tea,NEW,1,1,2,USD,,,,,,,"], "product_rows": ["9,1,20,1,0"]}
    for file in (tmp_path / "csv").iterdir():
        file.unlink()
    report = await imported(later, tmp_path)
    assert report.counts == {"deals": 1, "product_rows": 1}
    async with opened(tmp_path) as runtime:
        deal = await runtime.get(Deal, 9)
        assert (deal.company_id, deal.contact_id, deal.amount) == (1, 1, Decimal(20))


async def test_rows_for_a_deal_of_the_store_come_after_its_own(company: Company, tmp_path: Path) -> None:
    await imported(company, tmp_path)
    later = Company().only("product_rows")
    later.rows["product_rows"] = ["1,2,1.00,3,0", "2,1,18,1,0", "1,1,2.00,1,0"]
    for file in (tmp_path / "csv").iterdir():
        file.unlink()
    await imported(later, tmp_path)
    async with opened(tmp_path) as runtime:
        first, second = await runtime.get(Deal, 1), await runtime.get(Deal, 2)
        assert [row.sort for row in await runtime.find(ProductRow, of=first)] == [10, 20, 30, 40]
    assert first.amount == Decimal("177.00")
    assert (second.amount, second.manual_amount) == (Decimal("77.50"), True)  # it was set by hand


async def test_an_id_that_is_in_the_store_is_a_bad_row(company: Company, tmp_path: Path) -> None:
    await imported(company, tmp_path)
    company.set("companies", 3, "id", "7")
    company.set("deals", 3, "company_id", "7")
    said = await refused(company, tmp_path)
    assert said[:3] == [
        "users.csv:2: id 1 is in the store already",
        "users.csv:3: id 2 is in the store already",
        "companies.csv:2: id 1 is in the store already",
    ]


async def test_a_custom_field_that_holds_no_texts_is_left_alone(company: Company, tmp_path: Path) -> None:
    async with opened(tmp_path) as runtime:
        await runtime.engine.write(
            lambda tx: tx.execute(
                "INSERT INTO custom_field (kind, code, type, label, multiple, options) "
                "VALUES ('deal', 'delivery_city', 'integer', '', 0, '[]')"
            )
        )
    (said,) = await refused(company, tmp_path)
    assert said.startswith("deals.csv: column delivery_city holds texts, and the custom field")


# -- bad rows ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "column", "cell", "reason"),
    [
        ("users", "id", "", "id: is empty"),
        ("users", "id", "0", "id: expected a positive whole number, got '0'"),
        ("users", "id", "-1", "id: expected a positive whole number, got '-1'"),
        ("users", "id", "1.0", "id: expected a positive whole number, got '1.0'"),
        ("users", "id", "٣", "id: expected a positive whole number, got '٣'"),
        ("users", "id", "9" * 5000, f"id: expected a positive whole number, got '{'9' * 45}…{'9' * 10}'"),
        ("users", "manager_id", "x", "manager_id: expected a positive whole number, got 'x'"),
        ("users", "manager_id", "9", "manager_id: there is no user 9, neither in users.csv nor in the store"),
        ("companies", "title", " ", "title: expected a text that says something, got ' '"),
        ("companies", "title", "", "title: is empty"),
        ("contacts", "company_id", "9", "company_id: there is no company 9, neither in companies.csv nor in the store"),
        ("products", "price", "1,5", "price: expected a number with a decimal point, as 7 or 7.50, got '1,5'"),
        ("products", "price", "NaN", "price: expected a number with a decimal point, as 7 or 7.50, got 'NaN'"),
        ("products", "price", "1e9", "price: expected a number with a decimal point, as 7 or 7.50, got '1e9'"),
        (
            "products",
            "currency",
            "eur",
            "currency: expected a currency's code by ISO 4217, like EUR, got 'eur'",
        ),
        ("products", "active", "yes", "active: expected Y or N, got 'yes'"),
        ("deals", "begin_date", "04/07/1996", "begin_date: expected a date, as 1996-07-31, got '04/07/1996'"),
        ("deals", "begin_date", "1996-02-30", "begin_date: expected a date, as 1996-07-31, got '1996-02-30'"),
        ("deals", "opportunity", "-1", "opportunity: expected 0 or more, got '-1'"),
        ("deals", "opportunity", f"1{'0' * 14}", "opportunity: expected an amount below 100,000,000,000,000"),
        ("deals", "responsible_id", "9", "responsible_id: there is no user 9, neither in users.csv nor in the store"),
        ("product_rows", "quantity", "0", "quantity: expected more than 0, got '0'"),
        ("product_rows", "discount_percent", "101", "discount_percent: expected 0 to 100, got '101'"),
        ("product_rows", "deal_id", "9", "deal_id: there is no deal 9, neither in deals.csv nor in the store"),
        (
            "product_rows",
            "product_id",
            "9",
            "product_id: there is no product 9, neither in products.csv nor in the store",
        ),
        ("product_rows", "price", "99999999999999", "the row's sum: expected an amount below"),
    ],
)
async def test_a_wrong_cell_is_told_of_with_its_line_and_column(
    company: Company, tmp_path: Path, file: str, column: str, cell: str, reason: str
) -> None:
    company.set(file, 2, column, cell)
    said = await refused(company, tmp_path)
    assert said[0].startswith(f"{file}.csv:2: {reason}")


async def test_an_unknown_stage_is_told_with_those_that_there_are(company: Company, tmp_path: Path) -> None:
    company.set("deals", 2, "stage_id", "BOUGHT")
    (said,) = await refused(company, tmp_path)
    assert said.startswith("deals.csv:2: stage_id: expected one of NEW, PREPARATION,")
    assert said.endswith("got 'BOUGHT'")


async def test_an_id_stands_only_once(company: Company, tmp_path: Path) -> None:
    company.set("companies", 3, "id", "1")
    company.set("contacts", 3, "company_id", "")
    company.set("deals", 3, "company_id", "")
    company.set("deals", 4, "company_id", "")
    assert await refused(company, tmp_path) == ["companies.csv:3: id 1 stands in line 2 already"]


async def test_a_row_of_the_wrong_width_is_broken(company: Company, tmp_path: Path) -> None:
    company.rows["users"] += ["3,Noa", "4,Noa,Brook,,,,,,"]
    assert await refused(company, tmp_path) == [
        "users.csv:4: 2 cells where the header has 7",
        "users.csv:5: 9 cells where the header has 7 (a text with a comma in it needs quotes)",
    ]


async def test_a_quote_that_is_never_closed_is_told_of_where_it_opens(company: Company, tmp_path: Path) -> None:
    company.rows["deals"].insert(1, '4,"Tea')
    said = await refused(company, tmp_path)
    assert said == ["deals.csv:3: a quote is opened and never closed (it goes on to line 5)"]


async def test_all_that_is_wrong_is_told_at_once(company: Company, tmp_path: Path) -> None:
    company.set("products", 2, "price", "x")
    company.set("deals", 2, "begin_date", "x")
    company.set("deals", 2, "currency", "x")
    said = await refused(company, tmp_path)
    assert [each.split(": ")[0] for each in said] == ["products.csv:2", "deals.csv:2"]
    assert "currency: expected" in said[1]
    assert "begin_date: expected" in said[1]


async def test_of_many_bad_rows_the_first_are_shown_and_the_others_counted(company: Company, tmp_path: Path) -> None:
    company.rows["users"] += [f"{number},x,x,x,x,x,x" for number in range(10, 60)]
    async with opened(tmp_path) as runtime:
        with pytest.raises(ImportRefused) as error:
            await runtime.import_folder(company.write(tmp_path / "csv"))
    first, *lines = str(error.value).splitlines()
    assert first.startswith("nothing was imported, for there are 50 bad rows.")
    assert len(lines) == SHOWN + 1
    assert lines[-1] == f"… and {50 - SHOWN} more"


async def test_a_row_with_a_nul_character_is_bad(company: Company, tmp_path: Path) -> None:
    company.set("users", 3, "title", "a\0b")
    assert await refused(company, tmp_path) == ["users.csv:3: a cell holds a NUL character"]


# -- without the bad rows ----------------------------------------------------------------------------------------------


async def test_bad_rows_and_those_that_refer_to_them_can_be_left_out(company: Company, tmp_path: Path) -> None:
    company.set("companies", 2, "title", "")
    report = await imported(company, tmp_path, skip_bad=True)
    assert report.counts == {
        "users": 2, "companies": 1, "contacts": 1, "products": 2, "deals": 2, "product_rows": 2
    }  # fmt: skip
    assert [str(row) for row in report.bad] == [
        "companies.csv:2: title: is empty",
        "contacts.csv:2: company_id: refers to company 1, a bad row (companies.csv:2)",
        (
            "deals.csv:2: company_id: refers to company 1, a bad row (companies.csv:2); "
            "contact_id: refers to contact 1, a bad row (contacts.csv:2)"
        ),
        "product_rows.csv:2: deal_id: refers to deal 1, a bad row (deals.csv:2)",
        "product_rows.csv:3: deal_id: refers to deal 1, a bad row (deals.csv:2)",
    ]
    assert report.lines == ("companies.csv:2: title: is empty", "… and 4 rows that refer to it")
    assert report.skipped == 5


async def test_a_chain_of_managers_falls_with_its_head(company: Company, tmp_path: Path) -> None:
    company.only("users").rows["users"] = [
        "1,A,,,,,2", "2,B,,,,,3", "3,C,,,,,9", "4,D,,,,,5", "5,E,,,,,4"
    ]  # fmt: skip
    report = await imported(company, tmp_path, skip_bad=True)
    async with opened(tmp_path) as runtime:
        assert [user.id for user in await runtime.find(User)] == [4, 5]
    assert report.skipped == 3


async def test_what_refers_to_a_row_without_an_id_is_not_told_apart_from_it(company: Company, tmp_path: Path) -> None:
    company.rows["deals"][0] = company.rows["deals"][0].replace("1,A1,", '1,"A"1,')
    assert await refused(company, tmp_path) == [
        "deals.csv:2: a quote is closed inside a cell (a quote inside quotes is written twice)"
    ]


async def test_a_deal_all_of_whose_rows_are_left_out_keeps_its_opportunity(company: Company, tmp_path: Path) -> None:
    for line in (2, 3):
        company.set("product_rows", line, "quantity", "none")
    await imported(company, tmp_path, skip_bad=True)
    async with opened(tmp_path) as runtime:
        assert (await runtime.get(Deal, 1)).amount == 1


# -- files that cannot be read -----------------------------------------------------------------------------------------


async def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as runtime:
        with pytest.raises(ImportRefused, match="there is no folder"):
            await runtime.import_folder(tmp_path / "csv")


async def test_a_folder_with_other_files_only_is_refused(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("id\n")
    async with opened(tmp_path) as runtime:
        with pytest.raises(ImportRefused, match=r"holds none of the files that import reads: users\.csv"):
            await runtime.import_folder(tmp_path)


async def test_a_file_that_import_does_not_know_is_told_of(company: Company, tmp_path: Path) -> None:
    company.write(tmp_path / "csv")
    (tmp_path / "csv" / "people.csv").write_text("id\n")
    assert (await imported(company, tmp_path)).ignored == ("people.csv",)


@pytest.mark.parametrize("content", ["", "\n", "\ufeff\n"])
async def test_an_empty_file_is_refused(company: Company, tmp_path: Path, content: str) -> None:
    folder = company.write(tmp_path / "csv")
    (folder / "users.csv").write_text(content, "utf-8")
    async with opened(tmp_path) as runtime:
        with pytest.raises(ImportRefused, match=r"users\.csv: is empty\. Its first line must be: id,first_name"):
            await runtime.import_folder(folder)


async def test_a_file_in_another_encoding_is_refused_with_the_line(company: Company, tmp_path: Path) -> None:
    company.set("companies", 3, "title", "Café")
    folder = company.write(tmp_path / "csv")
    (folder / "companies.csv").write_bytes((folder / "companies.csv").read_text("utf-8").encode("latin-1"))
    async with opened(tmp_path) as runtime:
        with pytest.raises(ImportRefused, match=r"companies\.csv:3: the file is not UTF-8 \(byte 0xE9\)"):
            await runtime.import_folder(folder)


async def test_every_header_is_looked_at_before_a_row_is_read(company: Company, tmp_path: Path) -> None:
    company.headers["users"] = company.headers["users"].replace(",email", "")
    company.headers["companies"] = company.headers["companies"].replace("city", "town")
    company.headers["contacts"] = company.headers["contacts"].replace("post", "phone")
    company.headers["products"] = company.headers["products"].replace(",", ";")
    said = await refused(company, tmp_path)
    assert [each.split(". The columns are")[0] for each in said] == [
        "users.csv:1: column 'email' is missing",
        "companies.csv:1: column 'city' is missing; column 'town' is not known",
        "contacts.csv:1: column 'post' is missing; column 'phone' stands there twice",
        "products.csv:1: the cells are separated by ';', and must be by commas",
    ]


async def test_a_file_that_is_a_folder_is_refused(company: Company, tmp_path: Path) -> None:
    (company.write(tmp_path / "csv") / "users.csv").unlink()
    (tmp_path / "csv" / "users.csv").mkdir()
    async with opened(tmp_path) as runtime:
        with pytest.raises(ImportRefused, match=r"users\.csv: cannot be read"):
            await runtime.import_folder(tmp_path / "csv")


# -- on the way --------------------------------------------------------------------------------------------------------


async def test_progress_goes_from_nothing_to_all(company: Company, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    folder = company.write(tmp_path / "csv")
    async with opened(tmp_path) as runtime:
        await runtime.import_folder(folder, progress=lambda *where: told.append(where))
    size = sum(file.stat().st_size for file in folder.iterdir())
    assert {total for _, _, total in told} == {size}
    done = [done for _, done, _ in told]
    assert done == sorted(done)
    assert done[-1] == size


async def test_an_import_that_is_cancelled_leaves_nothing(company: Company, tmp_path: Path) -> None:
    folder = company.write(tmp_path / "csv")
    loop = asyncio.get_running_loop()

    def stop(file: str, _done: int, _total: int) -> None:
        if file == "users.csv":
            loop.call_soon_threadsafe(task.cancel)
            stopped.wait(10)

    stopped = threading.Event()

    async def run() -> None:
        async with opened(tmp_path) as runtime:
            try:
                await runtime.import_folder(folder, progress=stop)
            finally:
                stopped.set()

    task = asyncio.create_task(run())
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    async with opened(tmp_path) as runtime:
        assert [len(await runtime.find(cls)) for cls in KINDS] == [0] * 6
