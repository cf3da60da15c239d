"""
Many checked rows at once, in one transaction: what an import writes. It reads no file and checks no cell.

A statement a file, made once, with what is the same in all its rows written into it; rows go through `executemany`.
Ids are kept. Nothing is told of it: no event, no line of history, no process starts. Here are the main kinds, for which
there are a million rows; all other nouns are written by `bulk_nouns.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Final

from bizproc.adapters import csv_files
from bizproc.adapters.csv_columns import AS_STORED, NOT_GIVEN
from bizproc.adapters.csv_files import Found, ImportReport, Progress, Reading, Row
from bizproc.adapters.sql_crm import stages
from bizproc.adapters.sql_crm.bulk_nouns import LINK, CustomFields, OtherRows, Stored, Writer, noun_writer
from bizproc.adapters.sql_crm.columns import FILES, OTHER_ROWS
from bizproc.adapters.sql_crm.custom import add_field, checked_custom
from bizproc.adapters.sql_crm.definitions import custom_fields
from bizproc.adapters.sql_crm.shapes import CODEC, SHAPES, Shape, linked_keys
from bizproc.core.errors import BizprocError, ImportRefused
from bizproc.model.days import day_of, midnight
from bizproc.model.money import LARGEST_AMOUNT, rounded, row_sum, tax_of
from bizproc.model.pipelines import GENERAL
from bizproc.model.portal import Portal
from bizproc.model.texts import composed, folded
from bizproc.store.transaction import Transaction
from bizproc.store.types import decimal_text, exact_decimal, json_text, moment_text, money_units

ADDRESS: Final = ("delivery_address", "delivery_city", "delivery_country")


def look(folder: Path) -> csv_files.Folder:
    """See which files there are, and that each can be read. Raises ImportRefused."""
    return csv_files.look(folder, FILES)


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
    return _Import(tx, portal, look(folder), progress, stopped).run(skip_bad=skip_bad)


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
        self._stored = Stored(tx)
        self._reading = Reading(folder, self._stored, progress)
        self._stopped = stopped
        self._amounts = Amounts(tx, self._reading)
        self._writers: Mapping[str, Callable[[Found], Writer]] = {
            "custom_fields.csv": lambda found: CustomFields(tx, self._reading, found),
            "users.csv": lambda found: _Users(tx, self._reading, found),
            "companies.csv": lambda found: _Companies(tx, self._reading, found),
            "contacts.csv": lambda found: _Contacts(tx, self._reading, found),
            "products.csv": lambda found: _Products(tx, self._reading, found, portal),
            "deals.csv": lambda found: _Deals(tx, self._reading, found, portal, self._stored),
            "product_rows.csv": lambda found: _ProductRows(tx, self._reading, found, self._amounts),
            OTHER_ROWS: lambda found: OtherRows(tx, self._reading, found, portal, self._stored, self._amounts.add),
        }

    def run(self, *, skip_bad: bool) -> ImportReport:
        """Read and write all files."""
        counts = {found.path.stem: self._import(found) for found in self._reading.folder.files}
        self._amounts.follow()
        broken = list(self._reading.broken_promises())
        if self._reading.tally.count and not skip_bad:
            raise csv_files.refusal(self._reading)
        if broken:
            # They are written, and so are those that refer to them.
            says = "Rows that refer to a bad row of a later file cannot be left out. Mend that one."
            raise ImportRefused(text="\n".join(("nothing was imported.", *map(str, broken[:20]), says)))
        return csv_files.report(self._reading, counts)

    def _import(self, found: Found) -> int:
        count, writer = 0, self._writer(found)
        for rows in self._reading.batches(found):
            if self._stopped():
                raise ImportRefused(text="The import was stopped: nothing was imported.")
            count += writer.write(rows)
        writer.finish()
        return count

    def _writer(self, found: Found) -> Writer:
        make = self._writers.get(found.file.name)
        if make is not None:
            return make(found)
        return noun_writer(self._tx, self._reading, found, self._portal, self._stored)


# -- one writer a file -------------------------------------------------------------------------------------------------


class _Nouns(Writer):
    """
    Writes nouns of one kind.

    Attributes:
        given: The fields whose values differ from row to row, in the order in which `parameters` gives them.
    """

    given: tuple[str, ...] = ()

    def __init__(self, tx: Transaction, reading: Reading, found: Found, **constants: Any) -> None:
        self._tx = tx
        self._reading = reading
        self._file = found.file
        shape = self._shape = SHAPES[str(found.file.kind)]
        now = dict.fromkeys(("created_at", "updated_at", "last_activity_at"), tx.now) if shape.is_item else {}
        constants = {**now, **constants}
        self._further = Further(tx, shape, found, self.given, {**shape.defaults, **constants})
        written = (*self.given, *self._further.added)
        self._insert = insert_with(shape, written, constants)
        self._searched = tuple(place for place, name in enumerate(written) if name in shape.companions)

    def write(self, rows: list[Row]) -> int:
        if self._further:
            return self._write_with_further(rows)
        self._tx.connection.executemany(self._insert, map(self.with_companions, map(self.parameters, rows)))
        return len(rows)

    def with_companions(self, parameters: Any) -> Any:
        """The values, and the folded forms of those that are searched."""
        return (*parameters, *(folded(parameters[place]) for place in self._searched))

    def _write_with_further(self, rows: list[Row]) -> int:
        written = []
        for row in rows:
            parameters = self.parameters(row)
            if parameters is None:
                continue
            try:
                written.append(self._further.applied(parameters, row[1]))
            except ValueError as error:
                self._reading.reject(self._file, row[0], str(error), id=row[1][0])
                continue
        self._tx.connection.executemany(self._insert, map(self.with_companions, written))
        self._link_lists(written)
        return len(written)

    def _link_lists(self, written: list[list[Any]]) -> None:
        names = (*self.given, *self._further.added)
        for field in self._shape.listed:
            if field.name in names:
                place = names.index(field.name)
                links = [
                    (to_kind, each, self._shape.kind, values[0])
                    for values in written
                    for to_kind, each in linked_keys(field, self._shape.read(field.name, values[place]))
                ]
                self._tx.connection.executemany(LINK, links)

    def parameters(self, row: Row) -> Any:
        """The values of `given`, as they stand in the table; None for a row that has been rejected."""
        return row[1][: len(self.given)]


class Further:
    """
    The further columns of a main kind: values that replace what the file's own columns say, and others beside them.

    Attributes:
        added: The fields that are written besides those that the writer gives.
    """

    def __init__(
        self, tx: Transaction, shape: Shape, found: Found, given: tuple[str, ...], defaults: Mapping[str, Any]
    ) -> None:
        self._tx = tx
        self._shape = shape
        self._given = given
        begin, names = len(found.file.columns), found.further
        self._says_all = begin + names.index(AS_STORED) if AS_STORED in names else None
        # What is said nowhere else may be said in `as_stored`, so all fields have a place then.
        wanted = tuple(shape.names) if self._says_all is not None else names
        self.added = tuple(each for each in wanted if each not in given and each not in (AS_STORED, "id"))
        self._defaults = shape.stored(self.added, defaults)
        self._index = {name: index for index, name in enumerate((*given, *self.added))}
        self._places = [
            (begin + place, name, self._index[name])
            for place, name in enumerate(names)
            if name not in (AS_STORED, "custom")
        ]
        self._custom = begin + names.index("custom") if "custom" in names else None

    def __bool__(self) -> bool:
        return bool(self._places or self._custom or self._says_all)

    def applied(self, parameters: Any, values: list[Any]) -> list[Any]:
        """The values of a row as they stand in the table. Raises ValueError: what is wrong."""
        made = [*parameters, *self._defaults]
        for place, name, index in self._places:
            if values[place] is not NOT_GIVEN:
                made[index] = self._stored(name, values[place])
        if self._custom is not None and values[self._custom] is not NOT_GIVEN:
            made[self._index["custom"]] = self._with_custom(made[self._index["custom"]], values[self._custom])
        if self._says_all is not None and values[self._says_all] is not NOT_GIVEN:
            for name, value in values[self._says_all].items():
                index = self._index_of(name)
                made[index] = self._as_stored(name, value)
        return made

    def _stored(self, name: str, value: Any) -> Any:
        if name == "manual_amount":
            return _BY_HAND if value else 0
        try:
            (stored,) = self._shape.stored((name,), {name: value})
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        return stored

    def _index_of(self, name: str) -> int:
        if name not in self._index or name == "id":
            raise ValueError(f"{AS_STORED}: there is no field {name!r}")
        return self._index[name]

    def _as_stored(self, name: str, value: Any) -> Any:
        field = self._shape.fields[name]
        if value is None and (field.optional or field.type.name == "anything"):
            return None
        if field.type.name != "text" or field.multiple or not isinstance(value, str):
            raise ValueError(f"{AS_STORED}: {name}: expected a text, or null where the field can be nothing")
        return composed(value)

    def _with_custom(self, before: str | None, given: Any) -> str:
        old = CODEC.decode(before or "{}")
        try:
            kept = checked_custom(self._tx, self._shape.kind, old, given, append=False, imported=True)
        except BizprocError as error:
            raise ValueError(f"custom: {error}") from None
        return CODEC.encode(dict(kept)) if kept else "{}"


_BY_HAND: Final = 2
"""In `manual_amount`, while an import runs: the amount of this deal was set by hand though it has rows."""


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
        id_, origin, title, phone, fax, *rest = row[1][:11]
        return (id_, origin or None, title, _entries((phone, "WORK"), (fax, "FAX")), *rest)


class _Contacts(_Nouns):
    given = ("id", "name", "last_name", "post", "phones", "emails", "company_ids", "responsible_id")

    def write(self, rows: list[Row]) -> int:
        if not self._further:
            links = [("company", values[6], "contact", values[0]) for _, values in rows if values[6] is not None]
            self._tx.connection.executemany(LINK, links)
        return super().write(rows)

    def parameters(self, row: Row) -> Any:
        id_, name, last_name, post, phone, email, company, responsible = row[1][:8]
        phones, emails = _entries((phone, "WORK")), _entries((email, "WORK"))
        return (id_, name, last_name, post, phones, emails, _list_of(company), responsible)


class _Products(_Nouns):
    given = ("id", "name", "section", "measure", "price", "currency", "active")

    def __init__(self, tx: Transaction, reading: Reading, found: Found, portal: Portal) -> None:
        super().__init__(tx, reading, found)
        self._currency = portal.currency

    def parameters(self, row: Row) -> Any:
        id_, name, section, measure, price, currency, active = row[1][:7]
        return (id_, name, section, measure, decimal_text(price), currency or self._currency, int(active))


class _Deals(_Nouns):
    """Deals, as if they had no rows: the amount is set by hand, where there is one."""

    given = (
        *("id", "origin_id", "title", "stage", "pipeline", "semantics", "closed", "company_id", "contact_ids"),
        *("responsible_id", "currency", "amount", "manual_amount", "begin_date", "close_date", "moved_at", "custom"),
    )

    def __init__(self, tx: Transaction, reading: Reading, found: Found, portal: Portal, stored: Stored) -> None:
        super().__init__(tx, reading, found, tax=Decimal(0))
        self._known = custom_fields(tx, "deal")
        self._portal = portal
        self._first = stages.first_stage(tx, "deal", GENERAL).code
        self._stages = {
            code: (code, s.pipeline, s.semantics, int(s.is_final)) for code, s in stored.stages("deal").items()
        }
        self._today = day_of(tx.now, portal.zone)

    def write(self, rows: list[Row]) -> int:
        if self._further:
            return super().write(rows)
        written = [parameters for parameters in map(self.parameters, rows) if parameters is not None]
        self._tx.connection.executemany(self._insert, map(self.with_companions, written))
        links = (("contact", values[5], "deal", values[0]) for _, values in rows if values[5] is not None)
        self._tx.connection.executemany(LINK, links)
        return len(written)

    def parameters(self, row: Row) -> Any:
        values = row[1]
        id_, origin, title, stage, company, contact, responsible, currency, amount, begin, close, moved, *address = (
            values[:15]
        )
        if any(address):
            self._define_address(address)
        currency = currency or self._portal.currency
        try:
            units = money_units(rounded(amount, currency)) if amount else 0
        except ValueError as error:
            return self._rejected(row, f"opportunity: expected {error}, got {amount}")
        code, pipeline, semantics, closed = self._stages[stage or self._first]
        try:
            moved_at = self._tx.now_text if moved is None else moment_text(_begin_of(moved, self._portal.zone))
            if close is None and closed:
                close = self._today if moved is None else self._day(moved)
        except OverflowError:
            return self._rejected(row, f"moved_at: expected a moment that exists in {self._portal.zone}, got {moved}")
        return (
            *(id_, origin or None, title, code, pipeline, semantics, closed, company, _list_of(contact)),
            *(responsible, currency, units, int(units > 0), _day_text(begin), _day_text(close)),
            moved_at,
            _custom(*address),
        )

    def _rejected(self, row: Row, reason: str) -> None:
        self._reading.reject(self._file, row[0], reason, id=row[1][0])
        row[1][5] = None  # no link

    def _define_address(self, address: list[str]) -> None:
        """A deal has no address of its own: its columns are custom fields, made where they are first needed."""
        for code, value in zip(ADDRESS, address, strict=True):
            if not value:
                continue
            if code not in self._known:
                add_field(self._tx, "deal", code, "text", address_label(code), multiple=False, options=())
                self._known[code] = custom_fields(self._tx, "deal")[code]
            elif self._known[code].multiple or self._known[code].type.name != "text":
                raise ImportRefused(
                    text=f"{self._file.name}: column {code} holds texts, and the custom field of deals with this code "
                    "does not."
                )

    def _day(self, moved: Any) -> Any:
        return day_of(moved, self._portal.zone) if isinstance(moved, datetime) else moved


def address_label(code: str) -> str:
    """How the custom field of a part of the address is called."""
    return code.replace("_", " ").capitalize()


# -- the rows of deals -------------------------------------------------------------------------------------------------


class _ProductRows(Writer):
    """Rows of deals that are what the catalogue says; the amounts follow at the end."""

    _GIVEN: Final = (
        *("owner_id", "product_id", "name", "price", "quantity", "discount_percent", "sum", "currency", "measure"),
        *("type", "tax_rate", "tax_included", "tax", "sort"),
    )
    _PRODUCT: Final = "SELECT name, price, measure, type, tax_rate, tax_included FROM product WHERE id = ?"
    _DEAL: Final = (
        "SELECT currency, (SELECT max(sort) FROM product_row WHERE owner_kind = 'deal' AND owner_id = deal.id) "
        "FROM deal WHERE id = ?"
    )

    def __init__(self, tx: Transaction, reading: Reading, found: Found, amounts: Amounts) -> None:
        self._tx = tx
        self._reading = reading
        self._file = found.file
        self._insert = insert_with(SHAPES["product_row"], self._GIVEN, {"owner_kind": "deal"})
        self._products: dict[int, Any] = {}
        amounts.expect_rows()
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


class Amounts:
    """The amounts of deals: they follow the rows that are imported."""

    _SUMS: Final = (
        "SELECT owner_id, sum(sum), sum(tax) FROM product_row WHERE id > ? AND owner_kind = 'deal' GROUP BY owner_id"
    )
    _FOLLOW: Final = (
        "UPDATE deal SET amount = CASE manual_amount WHEN 2 THEN amount ELSE ? END, tax = ?, "
        "manual_amount = (manual_amount = 2) WHERE id = ?"
    )
    # A deal that was there keeps an amount that was set by hand.
    _ADD: Final = (
        "UPDATE deal SET amount = amount + CASE WHEN manual_amount THEN 0 ELSE ? END, tax = tax + ?, updated_at = ? "
        "WHERE id = ?"
    )
    _BY_HAND_AFTER_ALL: Final = "UPDATE deal SET manual_amount = 1 WHERE manual_amount = 2"
    _TOO_LARGE: Final = "SELECT id FROM deal WHERE abs(amount) >= ? ORDER BY id LIMIT 1"

    def __init__(self, tx: Transaction, reading: Reading) -> None:
        self._tx = tx
        self._reading = reading
        self._added: dict[int, tuple[int, int]] = {}  # by rows that have ids of their own
        self._last_before: int | None = None

    def add(self, deal: int, units: int, tax: int) -> None:
        """A row with an id of its own was imported."""
        before = self._added.get(deal, (0, 0))
        self._added[deal] = (before[0] + units, before[1] + tax)

    def expect_rows(self) -> None:
        """From here on rows get the next ids."""
        (last,) = self._tx.execute("SELECT max(id) FROM product_row").fetchone()
        self._last_before = last or 0

    def follow(self) -> None:
        """All rows were imported."""
        sums, imported, now = self._sums(), self._reading.is_imported, self._tx.now_text
        while batch := list(islice(sums, csv_files.BATCH)):
            follow = [(total, tax, deal) for deal, total, tax in batch if imported("deal", deal)]
            add = [(total, tax, now, deal) for deal, total, tax in batch if not imported("deal", deal)]
            self._see_that_they_fit(follow)
            self._tx.connection.executemany(self._FOLLOW, follow)
            self._tx.connection.executemany(self._ADD, add)
        self._tx.execute(self._BY_HAND_AFTER_ALL)
        found = self._tx.execute(self._TOO_LARGE, (money_units(LARGEST_AMOUNT),)).fetchone()
        if found is not None:
            raise _too_large(f"deal {found[0]}")

    def _sums(self) -> Iterator[tuple[int, int, int]]:
        added = dict(self._added)
        if self._last_before is not None:
            for deal, total, tax in _no_overflow(self._tx.execute(self._SUMS, (self._last_before,))):
                more, more_tax = added.pop(deal, (0, 0))
                yield deal, total + more, tax + more_tax
        for deal, (total, tax) in added.items():
            yield deal, total, tax

    @staticmethod
    def _see_that_they_fit(sums: list[tuple[int, int, int]]) -> None:
        most = money_units(LARGEST_AMOUNT)
        for total, tax, deal in sums:
            if abs(total) >= most or abs(tax) >= most:
                raise _too_large(f"deal {deal}")


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
    return json_text({code: value for code, value in zip(ADDRESS, address, strict=True) if value})
