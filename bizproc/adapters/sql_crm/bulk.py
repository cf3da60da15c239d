"""
Many checked rows at once, in one transaction: what an import writes. It reads no file and checks no cell.

A statement a file, made once, with what is the same in all its rows written into it; rows go through `executemany`.
Ids are kept. Nothing is told of it: no event, no line of history, no process starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Final

from bizproc.adapters import csv_files
from bizproc.adapters.csv_files import CsvFile, Found, ImportReport, Progress, Reading, Row
from bizproc.adapters.sql_crm import stages
from bizproc.adapters.sql_crm.custom import add_field
from bizproc.adapters.sql_crm.reading import custom_fields
from bizproc.adapters.sql_crm.shapes import SHAPES, Shape
from bizproc.core.errors import ImportRefused
from bizproc.model.days import day_of, midnight
from bizproc.model.money import LARGEST_AMOUNT, rounded, row_sum, tax_of
from bizproc.model.pipelines import GENERAL, Stage
from bizproc.model.portal import Portal
from bizproc.model.texts import folded
from bizproc.store.transaction import Transaction
from bizproc.store.types import decimal_text, exact_decimal, json_text, moment_text, money_units

_LINK: Final = "INSERT INTO link (to_kind, to_id, kind, item) VALUES (?, ?, ?, ?)"
_ADDRESS: Final = ("delivery_address", "delivery_city", "delivery_country")


def import_folder(
    tx: Transaction,
    *,
    folder: Path,
    portal: Portal,
    skip_bad: bool = False,
    progress: Progress | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> ImportReport:
    """
    Import a folder of CSV files. See `Runtime.import_folder`. Once `stopped` says yes, nothing is imported.

    Raises:
        ImportRefused: nothing of it is to be kept; the transaction must be undone.
    """
    return _Import(tx, portal, csv_files.look(folder), progress, stopped).run(skip_bad=skip_bad)


class _Import:
    """One import."""

    def __init__(
        self,
        tx: Transaction,
        portal: Portal,
        folder: csv_files.Folder,
        progress: Progress | None,
        stopped: Callable[[], bool],
    ) -> None:
        self._tx = tx
        self._portal = portal
        self._stored = _Stored(tx)
        self._reading = Reading(folder, self._stored, progress)
        self._stopped = stopped
        self._writers: Mapping[str, Callable[[CsvFile], _Writer]] = {
            "users.csv": lambda _: _Users(tx, "user"),
            "companies.csv": lambda _: _Companies(tx, "company"),
            "contacts.csv": lambda _: _Contacts(tx, "contact"),
            "products.csv": lambda _: _Products(tx, "product", portal),
            "deals.csv": lambda file: _Deals(tx, portal, self._stored, self._reading, file),
            "product_rows.csv": lambda file: _ProductRows(tx, self._reading, file),
        }

    def run(self, *, skip_bad: bool) -> ImportReport:
        """Read and write all files."""
        counts = {found.path.stem: self._import(found) for found in self._reading.folder.files}
        if self._reading.tally.count and not skip_bad:
            raise csv_files.refusal(self._reading)
        return csv_files.report(self._reading, counts)

    def _import(self, found: Found) -> int:
        count, writer = 0, self._writers[found.file.name](found.file)
        for rows in self._reading.batches(found):
            if self._stopped():
                raise ImportRefused(text="The import was stopped: nothing was imported.")
            count += writer.write(rows)
        writer.finish()
        return count


class _Stored:
    """What the store held before the import: `csv_files.Known`."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._last = {kind: self._last_id(shape) for kind, shape in SHAPES.items()}
        rows = tx.execute(f"{SHAPES['stage'].select} WHERE kind = 'deal' ORDER BY pipeline, sort, id")
        self.stages: Mapping[str, Stage] = {stage.code: stage for stage in map(SHAPES["stage"].item, rows)}

    def _last_id(self, shape: Shape) -> int:
        (last,) = self._tx.execute(f"SELECT max(id) FROM {shape.table.name}").fetchone()  # noqa: S608  a table of ours
        return int(last or 0)

    def exists(self, kind: str, id: int) -> bool:
        # Most ids of an import lie above all that the store has: no need to ask.
        return id <= self._last[kind] and self._tx.execute(SHAPES[kind].exists, (id,)).fetchone() is not None

    def has_stage(self, code: str) -> bool:
        return code in self.stages

    def stage_codes(self) -> Iterable[str]:
        return self.stages


# -- one writer a file -------------------------------------------------------------------------------------------------


class _Writer:
    """Writes the rows of one file."""

    def write(self, rows: list[Row]) -> int:
        """Write a batch; how many rows were written."""
        raise NotImplementedError

    def finish(self) -> None:
        """All rows have been written."""


class _Nouns(_Writer):
    """
    Writes nouns of one kind.

    Attributes:
        given: The fields whose values differ from row to row, in the order in which `parameters` gives them.
    """

    given: tuple[str, ...] = ()

    def __init__(self, tx: Transaction, kind: str, **constants: Any) -> None:
        self._tx = tx
        shape = SHAPES[kind]
        now = dict.fromkeys(("created_at", "updated_at", "last_activity_at"), tx.now) if shape.is_item else {}
        self._insert = insert_with(shape, self.given, {**now, **constants})
        self._searched = tuple(place for place, name in enumerate(self.given) if name in shape.companions)

    def write(self, rows: list[Row]) -> int:
        self._tx.connection.executemany(self._insert, map(self.with_companions, map(self.parameters, rows)))
        return len(rows)

    def with_companions(self, parameters: Any) -> Any:
        """The values, and the folded forms of those that are searched."""
        return (*parameters, *(folded(parameters[place]) for place in self._searched))

    def parameters(self, row: Row) -> Any:
        """The values of `given`, as they stand in the table."""
        return row[1]


def insert_with(shape: Shape, given: Iterable[str], constants: Mapping[str, Any]) -> str:
    """
    An INSERT of the given fields, in their order, and the companions of these.

    The constants and all other defaults stand in its text.
    """
    given = tuple(given)
    values = {**shape.defaults, **constants}
    fixed = [name for name in shape.names if name not in given and name != "id"]
    written = dict(zip(shape.columns(fixed), shape.written(fixed, values), strict=True))
    with_companions = shape.columns(given)
    columns, marks = ", ".join((*with_companions, *written)), ["?"] * len(with_companions)
    values_ = ", ".join([*marks, *map(_literal, written.values())])
    return f"INSERT INTO {shape.table.name} ({columns}) VALUES ({values_})"  # noqa: S608  names of ours


def _literal(value: str | int | None) -> str:
    match value:
        case None:
            return "NULL"
        case int():
            return str(int(value))
        case _:
            return "'" + value.replace("'", "''") + "'"


class _Users(_Nouns):
    given = ("id", "name", "last_name", "post", "email", "work_phone", "manager_id")


class _Companies(_Nouns):
    given = (
        *("id", "origin_id", "title", "phones", "address", "city", "region", "postal_code", "country"),
        "responsible_id",
    )

    def parameters(self, row: Row) -> Any:
        id_, origin, title, phone, fax, *rest = row[1]
        return (id_, origin or None, title, _entries((phone, "WORK"), (fax, "FAX")), *rest)


class _Contacts(_Nouns):
    given = ("id", "name", "last_name", "post", "phones", "emails", "company_ids", "responsible_id")

    def write(self, rows: list[Row]) -> int:
        links = [("company", values[6], "contact", values[0]) for _, values in rows if values[6] is not None]
        self._tx.connection.executemany(_LINK, links)
        return super().write(rows)

    def parameters(self, row: Row) -> Any:
        id_, name, last_name, post, phone, email, company, responsible = row[1]
        phones, emails = _entries((phone, "WORK")), _entries((email, "WORK"))
        return (id_, name, last_name, post, phones, emails, _list_of(company), responsible)


class _Products(_Nouns):
    given = ("id", "name", "section", "measure", "price", "currency", "active")

    def __init__(self, tx: Transaction, kind: str, portal: Portal) -> None:
        super().__init__(tx, kind)
        self._currency = portal.currency

    def parameters(self, row: Row) -> Any:
        id_, name, section, measure, price, currency, active = row[1]
        return (id_, name, section, measure, decimal_text(price), currency or self._currency, int(active))


class _Deals(_Nouns):
    """Deals, as if they had no rows: the amount is set by hand, where there is one."""

    given = (
        *("id", "origin_id", "title", "stage", "pipeline", "semantics", "closed", "company_id", "contact_ids"),
        *("responsible_id", "currency", "amount", "manual_amount", "begin_date", "close_date", "moved_at", "custom"),
    )

    def __init__(self, tx: Transaction, portal: Portal, stored: _Stored, reading: Reading, file: CsvFile) -> None:
        super().__init__(tx, "deal", tax=Decimal(0))
        _define_address(tx, file)
        self._portal = portal
        self._reading = reading
        self._file = file
        self._first = stages.first_stage(tx, "deal", GENERAL).code
        self._stages = {code: (code, s.pipeline, s.semantics, int(s.is_final)) for code, s in stored.stages.items()}
        self._today = day_of(tx.now, portal.zone)

    def write(self, rows: list[Row]) -> int:
        written = [parameters for parameters in map(self.parameters, rows) if parameters is not None]
        self._tx.connection.executemany(self._insert, map(self.with_companions, written))
        links = (("contact", values[5], "deal", values[0]) for _, values in rows if values[5] is not None)
        self._tx.connection.executemany(_LINK, links)
        return len(written)

    def parameters(self, row: Row) -> Any:
        line, values = row
        id_, origin, title, stage, company, contact, responsible, currency, amount, begin, close, moved, *address = (
            values
        )
        currency = currency or self._portal.currency
        try:
            units = money_units(rounded(amount, currency)) if amount else 0
        except ValueError as error:
            self._reading.reject(self._file, line, f"opportunity: expected {error}, got {amount}", id=id_)
            values[5] = None  # no link
            return None
        code, pipeline, semantics, closed = self._stages[stage or self._first]
        if close is None and closed:
            close = self._today if moved is None else self._day(moved)
        return (
            *(id_, origin or None, title, code, pipeline, semantics, closed, company, _list_of(contact)),
            *(responsible, currency, units, int(units > 0), _day_text(begin), _day_text(close)),
            self._tx.now_text if moved is None else moment_text(_begin_of(moved, self._portal.zone)),
            _custom(*address),
        )

    def _day(self, moved: Any) -> Any:
        return day_of(moved, self._portal.zone) if isinstance(moved, datetime) else moved


def _define_address(tx: Transaction, file: CsvFile) -> None:
    """A deal has no address of its own: its columns are custom fields."""
    known = custom_fields(tx, "deal")
    for code in _ADDRESS:
        field = known.get(code)
        if field is None:
            label = code.replace("_", " ").capitalize()
            add_field(tx, "deal", code, "text", label, multiple=False, options=())
        elif field.multiple or field.type.name != "text":
            raise ImportRefused(
                text=f"{file.name}: column {code} holds texts, and the custom field of deals with this code does not."
            )


# -- the rows of deals -------------------------------------------------------------------------------------------------


class _ProductRows(_Writer):
    """Rows of deals; the amounts follow at the end."""

    _GIVEN: Final = (
        *("owner_id", "product_id", "name", "price", "quantity", "discount_percent", "sum", "currency", "measure"),
        *("type", "tax_rate", "tax_included", "tax", "sort"),
    )
    _PRODUCT: Final = "SELECT name, price, measure, type, tax_rate, tax_included FROM product WHERE id = ?"
    _DEAL: Final = (
        "SELECT currency, (SELECT max(sort) FROM product_row WHERE owner_kind = 'deal' AND owner_id = deal.id) "
        "FROM deal WHERE id = ?"
    )
    _SUMS: Final = "SELECT owner_id, sum(sum), sum(tax) FROM product_row WHERE id > ? GROUP BY owner_id"
    _FOLLOW: Final = "UPDATE deal SET amount = ?, tax = ?, manual_amount = 0 WHERE id = ?"
    # A deal that was there keeps an amount that was set by hand.
    _ADD: Final = (
        "UPDATE deal SET amount = amount + CASE WHEN manual_amount THEN 0 ELSE ? END, tax = tax + ?, updated_at = ? "
        "WHERE id = ?"
    )
    _TOO_LARGE: Final = "SELECT id FROM deal WHERE abs(amount) >= ? ORDER BY id LIMIT 1"

    def __init__(self, tx: Transaction, reading: Reading, file: CsvFile) -> None:
        self._tx = tx
        self._reading = reading
        self._file = file
        self._insert = insert_with(SHAPES["product_row"], self._GIVEN, {"owner_kind": "deal"})
        self._products: dict[int, Any] = {}
        (last,) = tx.execute("SELECT max(id) FROM product_row").fetchone()
        self._last_before = last or 0
        self._pending: list[Any] = []
        self._deal = self._highest = self._sort = 0
        self._currency = ""

    def write(self, rows: list[Row]) -> int:
        count = 0
        for line, values in rows:
            try:
                parameters = self._parameters(*values)
            except ValueError as error:
                self._reading.reject(self._file, line, f"the row's sum: expected {error}")
            else:
                self._pending.append(parameters)
                count += 1
        self._flush()
        return count

    def finish(self) -> None:
        added = _no_overflow(self._tx.execute(self._SUMS, (self._last_before,)))
        imported, now = self._reading.is_imported, self._tx.now_text
        while batch := list(islice(added, csv_files.BATCH)):
            follow = [(total, tax, deal) for deal, total, tax in batch if imported("deal", deal)]
            add = [(total, tax, now, deal) for deal, total, tax in batch if not imported("deal", deal)]
            self._tx.connection.executemany(self._FOLLOW, follow)
            self._tx.connection.executemany(self._ADD, add)
        found = self._tx.execute(self._TOO_LARGE, (money_units(LARGEST_AMOUNT),)).fetchone()
        if found is not None:
            raise _too_large(f"deal {found[0]}")

    def _flush(self) -> None:
        pending, self._pending = self._pending, []
        self._tx.connection.executemany(self._insert, pending)

    def _parameters(self, deal: int, product: int, price: Decimal | None, quantity: Decimal, discount: Decimal) -> Any:
        if deal != self._deal:
            self._turn_to(deal)
        name, listed, measure, type_, tax_rate, rate, included = self._product(product)
        price = listed if price is None else price
        total = row_sum(price, quantity, discount, self._currency)
        tax = 0 if rate is None else money_units(tax_of(total, rate, self._currency, included=bool(included)))
        self._sort += 10
        return (
            *(deal, product, name, decimal_text(price), decimal_text(quantity), decimal_text(discount)),
            *(money_units(total), self._currency, measure, type_, tax_rate, included, tax, self._sort),
        )

    def _turn_to(self, deal: int) -> None:
        """The rows of a deal usually stand together, and deals in order; else its last row may not be written yet."""
        if deal <= self._highest:
            self._flush()
        self._highest = max(self._highest, deal)
        self._deal = deal
        self._currency, last = self._tx.execute(self._DEAL, (deal,)).fetchone()
        self._sort = last or 0

    def _product(self, product: int) -> Any:
        found = self._products.get(product)
        if found is None:
            name, price, measure, type_, rate, included = self._tx.execute(self._PRODUCT, (product,)).fetchone()
            exact_rate = None if rate is None else exact_decimal(rate)
            found = (name, exact_decimal(price), measure, type_, rate, exact_rate, included)
            self._products[product] = found
        return found


def _no_overflow(rows: Iterable[Any]) -> Iterator[Any]:
    try:
        yield from rows
    except Exception as error:
        if "integer overflow" not in str(error):
            raise
        raise _too_large("a deal") from None


def _too_large(deal: str) -> ImportRefused:
    most = f"{LARGEST_AMOUNT:,f}"
    return ImportRefused(text=f"product_rows.csv: the rows of {deal} come to {most} or more. Nothing was imported.")


# -- small things ------------------------------------------------------------------------------------------------------


def _entries(*entries: tuple[str, str]) -> str:
    return json_text([entry for entry in entries if entry[0].strip()])


def _list_of(id_: int | None) -> str:
    return "[]" if id_ is None else f"[{id_}]"


def _day_text(day: Any) -> str | None:
    return None if day is None else day.isoformat()


def _begin_of(moved: Any, zone: tzinfo) -> datetime:
    return moved if isinstance(moved, datetime) else midnight(moved, zone)


def _custom(*address: str) -> str:
    return json_text({code: value for code, value in zip(_ADDRESS, address, strict=True) if value})
