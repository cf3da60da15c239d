"""
All that the CRM holds, as CSV files that an import reads: the other direction of `bulk.py`.

It reads one state, row by row, and keeps none. A file of a main kind has the columns that people know; a further column
stands in it only where some row needs it to say what those cannot. So it reads such a table twice: first to see what is
needed. What an import makes of the files, exported again, gives the same bytes.
"""


# ruff: noqa: S608 - the names in these texts are those of the model's tables; values are always parameters

from __future__ import annotations

import csv
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import tzinfo
from itertools import groupby
from pathlib import Path
from typing import Any, Final, TypeAlias

import orjson
from attrs import define, field, frozen

from bizproc.adapters.csv_columns import AS_STORED, MAIN, PRODUCT_ROWS, STANDS_FOR, CsvFile
from bizproc.adapters.csv_files import BATCH, Progress
from bizproc.adapters.sql_crm.bulk import ADDRESS, address_label
from bizproc.adapters.sql_crm.bulk_nouns import seeds
from bizproc.adapters.sql_crm.columns import CUSTOM_FIELDS, FILES, OTHER_ROWS, STAMPS, cell_writer, moment_cell, padded
from bizproc.adapters.sql_crm.reading import Runs
from bizproc.adapters.sql_crm.shapes import CODEC, SHAPES, Shape, amount_of
from bizproc.core.errors import ExportRefused
from bizproc.model.days import day_of, midnight
from bizproc.model.money import digits_of, row_sum, tax_of
from bizproc.model.multi_fields import MultiField
from bizproc.model.portal import Portal
from bizproc.store.types import json_value, moment

Cells: TypeAlias = Sequence[str]


@frozen
class ExportReport:
    """
    What an export wrote.

    Attributes:
        counts: How many rows went into each file, by its name without `.csv`.
    """

    counts: Mapping[str, int]


def export_folder(
    connection: Runs,
    *,
    folder: Path,
    portal: Portal,
    progress: Progress | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> ExportReport:
    """
    Write all files into a folder that is empty or not there yet. See `Runtime.export_folder`.

    The connection must show one state from the beginning to the end.

    Raises:
        ExportRefused: the folder holds something, or cannot be written; what was begun is taken back.
    """
    export = _Export(connection, portal, progress, stopped)
    with _parts(folder) as target:
        counts = {file.name.removesuffix(".csv"): export.write(file, target) for file in FILES}
        export.finish()
        return ExportReport({name: count for name, count in counts.items() if count is not None})


# -- files -------------------------------------------------------------------------------------------------------------


@define
class _Parts:
    """Files that get their names when all of them are complete."""

    folder: Path
    made: list[Path] = field(factory=list)

    def path(self, name: str) -> Path:
        path = self.folder / f"{name}.part"
        self.made.append(path)
        return path


@contextmanager
def _parts(folder: Path) -> Iterator[_Parts]:
    parts, is_new = _Parts(folder), False
    try:
        is_new = not folder.exists()
        _see_that_it_is_empty(folder)
        folder.mkdir(exist_ok=True)
        yield parts
        for part in parts.made:
            part.rename(part.with_suffix(""))
    except BaseException as error:
        for part in parts.made:
            part.unlink(missing_ok=True)
        if is_new and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        if isinstance(error, OSError):
            raise ExportRefused(text=f"{folder} cannot be written: {error.strerror or error}.") from None
        raise


def _see_that_it_is_empty(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ExportRefused(text=f"{folder} is a file: export writes into a folder.")
    there = next(iter(sorted(folder.iterdir())), None) if folder.exists() else None
    if there is not None:
        raise ExportRefused(
            text=f"{folder} holds {there.name}, and an export overwrites nothing: name an empty folder."
        )
    if not folder.parent.is_dir():
        raise ExportRefused(text=f"there is no folder {folder.parent} to make {folder.name} in. Make it first.")


class _Export:
    """One export."""

    def __init__(
        self, connection: Runs, portal: Portal, progress: Progress | None, stopped: Callable[[], bool]
    ) -> None:
        self._connection = connection
        self._portal = portal
        self._progress = progress
        self._stopped = stopped
        self._done = 0
        self._total = sum(self._count(shape.table.name) for shape in SHAPES.values()) if progress is not None else 0
        self._tables: Mapping[str, _Table] = {
            CUSTOM_FIELDS.name: _CustomFields(connection),
            PRODUCT_ROWS.name: _PlainRows(connection),
            OTHER_ROWS: _OtherRows(connection),
            **{file.name: _MAINS[str(file.kind)](connection, portal) for file in MAIN},
        }

    def _count(self, table: str) -> int:
        (count,) = self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(count)

    def write(self, file: CsvFile, target: _Parts) -> int | None:
        """Write one file; how many rows it has, or None where it need not be there."""
        table = self._tables.get(file.name) or _Nouns(self._connection, file)
        if not table.is_wanted():
            return None
        count = 0
        with target.path(file.name).open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened)
            writer.writerow(table.header())
            for count, cells in enumerate(table.rows(), start=1):
                writer.writerow(cells)
                if count % BATCH == 0:
                    self._go_on(file, count)
        self._done += count
        self._go_on(file, 0)
        return count

    def finish(self) -> None:
        """All that is wanted is written; rows that every new store holds were counted, and are not."""
        if self._progress is not None:
            total = max(self._total, self._done)
            self._progress("", total, total)

    def _go_on(self, file: CsvFile, count: int) -> None:
        if self._stopped():
            raise ExportRefused(text="The export was stopped: nothing was written.")
        if self._progress is not None:
            self._progress(file.name, self._done + count, max(self._total, self._done + count))


class _Table(ABC):
    """What one file holds."""

    def is_wanted(self) -> bool:
        """Whether the file is written at all."""
        return True

    @abstractmethod
    def header(self) -> Cells: ...

    @abstractmethod
    def rows(self) -> Iterator[Cells]: ...


# -- any noun ----------------------------------------------------------------------------------------------------------


class _Nouns(_Table):
    """A noun that has no columns of its own: all fields of the model."""

    def __init__(self, connection: Runs, file: CsvFile) -> None:
        self._connection = connection
        self._shape = SHAPES[str(file.kind)]
        self._names = (*file.header, *(name for name in file.further if name != AS_STORED))
        self._cells = _Cells(self._shape)

    def is_wanted(self) -> bool:
        """Not where there are no rows, or only those that every new store holds."""
        seeded = seeds().get(self._shape.kind, {})
        count = 0
        place = self._shape.names.index("id")
        for row in self._connection.execute(self._shape.select):
            if seeded.get(row[place]) != tuple(row):
                return True
            count += 1
        return count != len(seeded)

    def header(self) -> Cells:
        return self._names

    def rows(self) -> Iterator[Cells]:
        for row in self._connection.execute(f"{self._shape.select} ORDER BY id"):
            yield self._cells.of(self._names, dict(zip(self._shape.names, row, strict=True)))


class _Cells:
    """From a row to cells, by the types of its fields."""

    def __init__(self, shape: Shape) -> None:
        self._money = {name for name, field in shape.fields.items() if field.type.name == "money"}
        self._write = {name: cell_writer(field) for name, field in shape.fields.items()}

    def of(self, names: Iterable[str], stored: Mapping[str, Any]) -> list[str]:
        """The cells of these fields."""
        return [self.cell(name, stored) for name in names]

    def cell(self, name: str, stored: Mapping[str, Any]) -> str:
        """The cell of a field."""
        if name in self._money and stored[name] is not None:
            return f"{amount_of(stored[name], stored.get('currency') or ''):f}"
        return self._write[name](stored[name])


# -- the main kinds ----------------------------------------------------------------------------------------------------


@frozen
class _Line:
    """
    A row of a main kind.

    Attributes:
        cells: What its own columns say.
        unsaid: The fields that they do not say, or not wholly, with their cells.
        as_stored: What no cell can say.
    """

    cells: Cells
    unsaid: Mapping[str, str]
    as_stored: Mapping[str, Any]


class _Main(_Table):
    """A main kind: its columns, and further ones where a row needs them."""

    kind: str

    def __init__(self, connection: Runs, portal: Portal) -> None:
        self._connection = connection
        self._file = next(file for file in FILES if file.kind == self.kind)
        self._shape = SHAPES[self.kind]
        self._cells = _Cells(self._shape)
        self._portal = portal
        names = STANDS_FOR[self.kind]
        said = {names.get(name, name) for name in self._file.header}
        self._other = [name for name in self._file.further if name not in said and name not in (*STAMPS, AS_STORED)]
        defaults = self._shape.defaults
        self._defaults = dict(zip(self._other, self._shape.stored(self._other, defaults), strict=True))
        self._stamps = [name for name in STAMPS if name in self._file.further]
        self._needed: tuple[str, ...] = ()

    def header(self) -> Cells:
        """Looks at all rows, to see which further columns are needed."""
        needed: set[str] = set()
        first, stamped = None, False
        for stored in self._stored():
            stamps = [stored[name] for name in self._stamps]
            first = first or stamps
            stamped = stamped or stamps != first or not _is_imported(stored)
            line = self._line(stored)
            needed |= line.unsaid.keys()
            if line.as_stored:
                needed.add(AS_STORED)
        if stamped:
            needed |= set(self._stamps)
        self._needed = tuple(name for name in self._file.further if name in needed)
        return (*self._file.header, *self._needed)

    def rows(self) -> Iterator[Cells]:
        for stored in self._stored():
            line = self._line(stored)
            yield (*line.cells, *(self._further(name, line, stored) for name in self._needed))

    def _further(self, name: str, line: _Line, stored: Mapping[str, Any]) -> str:
        if name == AS_STORED:
            return orjson.dumps(dict(line.as_stored)).decode() if line.as_stored else ""
        return self._cells.cell(name, stored) if name in self._stamps else line.unsaid.get(name, "")

    def _stored(self) -> Iterator[Mapping[str, Any]]:
        for row in self._connection.execute(f"{self._shape.select} ORDER BY id"):
            yield dict(zip(self._shape.names, row, strict=True))

    def _line(self, stored: Mapping[str, Any]) -> _Line:
        unsaid: dict[str, str] = {}
        as_stored: dict[str, Any] = {}
        for name, default in self._defaults.items():
            if stored[name] != default:
                cell = self._cells.cell(name, stored)
                if cell:
                    unsaid[name] = cell
                else:
                    as_stored[name] = stored[name]
        if stored.get("origin_id") == "" and "origin_id" in self._file.header:
            as_stored["origin_id"] = ""  # which is not the same as none
        return _Line(self.say(stored, unsaid, as_stored), unsaid, as_stored)

    @abstractmethod
    def say(self, stored: Mapping[str, Any], unsaid: dict[str, str], as_stored: dict[str, Any]) -> Cells:
        """The cells of its own columns; what they cannot say goes into the others."""

    def _text_that_must_say_something(self, name: str, stored: Mapping[str, Any], as_stored: dict[str, Any]) -> str:
        text = str(stored[name])
        if text.strip():
            return text
        as_stored[name] = text
        return ""

    def _single(self, name: str, stored: Mapping[str, Any], unsaid: dict[str, str]) -> str:
        """The first of a list."""
        ids = json_value(stored[name])
        if len(ids) > 1:
            unsaid[name] = stored[name]
        return str(ids[0]) if ids else ""

    def _multi(
        self, name: str, types: Sequence[str], stored: Mapping[str, Any], unsaid: dict[str, str]
    ) -> tuple[str, ...]:
        """The first value of each of these types."""
        entries = [MultiField(*entry) for entry in json_value(stored[name])]
        firsts = [next((each for each in entries if each.type == type_), None) for type_ in types]
        if entries != [each for each in firsts if each is not None]:
            unsaid[name] = stored[name]
        return tuple("" if each is None else each.value for each in firsts)


def _is_imported(stored: Mapping[str, Any]) -> bool:
    """Whether its stamps say nothing but when it was imported."""
    alike = len({stored.get(name) for name in ("created_at", "updated_at", "last_activity_at")}) == 1
    return alike and not any(stored.get(name) for name in ("created_by", "modified_by", "moved_by"))


class _Users(_Main):
    kind = "user"

    def say(self, stored: Mapping[str, Any], unsaid: dict[str, str], as_stored: dict[str, Any]) -> Cells:
        return self._cells.of(("id", "name", "last_name", "post", "email", "work_phone", "manager_id"), stored)


class _Companies(_Main):
    kind = "company"

    def say(self, stored: Mapping[str, Any], unsaid: dict[str, str], as_stored: dict[str, Any]) -> Cells:
        title = self._text_that_must_say_something("title", stored, as_stored)
        phones = self._multi("phones", ("WORK", "FAX"), stored, unsaid)
        rest = ("address", "city", "region", "postal_code", "country", "responsible_id")
        return [*self._cells.of(("id", "origin_id"), stored), title, *phones, *self._cells.of(rest, stored)]


class _Contacts(_Main):
    kind = "contact"

    def say(self, stored: Mapping[str, Any], unsaid: dict[str, str], as_stored: dict[str, Any]) -> Cells:
        phones = self._multi("phones", ("WORK",), stored, unsaid)
        emails = self._multi("emails", ("WORK",), stored, unsaid)
        company = self._single("company_ids", stored, unsaid)
        names = self._cells.of(("id", "name", "last_name", "post"), stored)
        return [*names, *phones, *emails, company, self._cells.cell("responsible_id", stored)]


class _Products(_Main):
    kind = "product"

    def say(self, stored: Mapping[str, Any], unsaid: dict[str, str], as_stored: dict[str, Any]) -> Cells:
        name = self._text_that_must_say_something("name", stored, as_stored)
        price = padded(stored["price"], digits_of(stored["currency"]))
        id_, *texts = self._cells.of(("id", "section", "measure"), stored)
        return [id_, name, *texts, price, *self._cells.of(("currency", "active"), stored)]


class _Deals(_Main):
    kind = "deal"

    _HAS_ROWS: Final = "SELECT 1 FROM product_row WHERE owner_kind = 'deal' AND owner_id = ? LIMIT 1"

    def __init__(self, connection: Runs, portal: Portal) -> None:
        super().__init__(connection, portal)
        del self._defaults["manual_amount"]  # it follows from the amount and the rows
        fields = connection.execute("SELECT code, type, multiple FROM custom_field WHERE kind = 'deal'")
        self._texts = {code for code, type_, multiple in fields if type_ == "text" and not multiple}

    def say(self, stored: Mapping[str, Any], unsaid: dict[str, str], as_stored: dict[str, Any]) -> Cells:
        title = self._text_that_must_say_something("title", stored, as_stored)
        contact = self._single("contact_ids", stored, unsaid)
        if stored["manual_amount"] and self._connection.execute(self._HAS_ROWS, (stored["id"],)).fetchone():
            unsaid["manual_amount"] = "Y"
        if stored["closed"] and stored["close_date"] is None:
            as_stored["close_date"] = None
        amount = "" if stored["amount"] < 0 else self._cells.cell("amount", stored)
        begin = (*self._cells.of(("id", "origin_id"), stored), title, stored["stage"])
        people = (self._cells.cell("company_id", stored), contact, self._cells.cell("responsible_id", stored))
        days = self._cells.of(("begin_date", "close_date"), stored)
        address = self._address(stored, unsaid)
        return [*begin, *people, stored["currency"], amount, *days, self._moved(stored["moved_at"]), *address]

    def _moved(self, stored: str) -> str:
        """A day, where it was its first moment."""
        return _day_of(stored, self._portal.zone) or moment_cell(stored)

    def _address(self, stored: Mapping[str, Any], unsaid: dict[str, str]) -> list[str]:
        """The custom fields that have columns; the others stand together in one."""
        custom = dict(CODEC.decode(stored["custom"]))
        address = [custom.pop(code, "") if code in self._texts else "" for code in ADDRESS]
        if custom:
            unsaid["custom"] = CODEC.encode(custom)
        return address


def _day_of(stored: str, zone: tzinfo) -> str | None:
    found = moment(stored)
    try:
        day = day_of(found, zone)
        return day.isoformat() if midnight(day, zone) == found else None
    except OverflowError:  # at the ends of time
        return None


_MAINS: Final[Mapping[str, type[_Main]]] = {cls.kind: cls for cls in (_Users, _Companies, _Contacts, _Products, _Deals)}


# -- product rows ------------------------------------------------------------------------------------------------------


class _Rows(_Table):
    """Product rows, item by item; those of a deal stand together, in one file or in the other."""

    _SELECT: Final = (
        "SELECT {columns}, p.name, p.measure, p.type, p.tax_rate, p.tax_included, d.currency FROM product_row r "
        "LEFT JOIN product p ON p.id = r.product_id LEFT JOIN deal d ON r.owner_kind = 'deal' AND d.id = r.owner_id "
        "ORDER BY r.owner_kind, r.owner_id, r.sort, r.id"
    )

    def __init__(self, connection: Runs) -> None:
        self._connection = connection
        self._shape = SHAPES["product_row"]
        self._cells = _Cells(self._shape)

    def groups(self, *, plain: bool) -> Iterator[list[Mapping[str, Any]]]:
        """The rows of each item of which an import of the plain columns makes the same rows; or of all others."""
        columns = ", ".join(f"r.{name}" for name in self._shape.names)
        names = self._shape.names
        found = self._connection.execute(self._SELECT.format(columns=columns))
        rows = ((dict(zip(names, row, strict=False)), row[len(names) :]) for row in found)
        for _, of_one in groupby(rows, key=lambda row: (row[0]["owner_kind"], row[0]["owner_id"])):
            group = list(of_one)
            if all(self._is_plain(place, *each) for place, each in enumerate(group, start=1)) is plain:
                yield [stored for stored, _ in group]

    def _is_plain(self, place: int, stored: Mapping[str, Any], catalogue: Sequence[Any]) -> bool:
        name, measure, type_, tax_rate, tax_included, currency = catalogue
        expected = {
            "owner_kind": "deal",
            "name": name,
            "measure": measure,
            "type": type_,
            "tax_rate": tax_rate,
            "tax_included": tax_included,
            "currency": currency,
            "sort": place * 10,
        }
        if any(stored[each] != value for each, value in expected.items()):
            return False
        row = self._shape.item([stored[each] for each in self._shape.names])
        total = row_sum(row.price, row.quantity, row.discount_percent, row.currency)
        return bool(
            row.sum == total and row.tax == tax_of(total, row.tax_rate, row.currency, included=row.tax_included)
        )


class _PlainRows(_Rows):
    """Rows of deals that are what the catalogue says."""

    def header(self) -> Cells:
        return PRODUCT_ROWS.header

    def rows(self) -> Iterator[Cells]:
        for group in self.groups(plain=True):
            for stored in group:
                price = padded(stored["price"], digits_of(stored["currency"]))
                ids = (str(stored["owner_id"]), str(stored["product_id"]))
                yield (*ids, price, stored["quantity"], stored["discount_percent"])


class _OtherRows(_Rows):
    """All others."""

    def is_wanted(self) -> bool:
        return next(iter(self.groups(plain=False)), None) is not None

    def header(self) -> Cells:
        return self._shape.names

    def rows(self) -> Iterator[Cells]:
        for group in self.groups(plain=False):
            for stored in group:
                yield self._cells.of(self._shape.names, stored)


# -- custom fields -----------------------------------------------------------------------------------------------------


class _CustomFields(_Table):
    """Definitions of custom fields, but for those that an import of deals makes by itself."""

    def __init__(self, connection: Runs) -> None:
        self._connection = connection

    def is_wanted(self) -> bool:
        return next(self.rows(), None) is not None

    def header(self) -> Cells:
        return (*CUSTOM_FIELDS.header, *CUSTOM_FIELDS.further)

    def rows(self) -> Iterator[Cells]:
        select = "SELECT kind, code, type, label, multiple, options FROM custom_field ORDER BY kind, code"
        own = {("deal", code, "text", address_label(code), 0, "[]") for code in ADDRESS if self._is_used(code)}
        for row in self._connection.execute(select):
            if tuple(row) not in own:
                kind, code, type_, label, multiple, options = row
                yield (kind, code, type_, label, "Y" if multiple else "N", "" if options == "[]" else options)

    def _is_used(self, code: str) -> bool:
        some = "SELECT 1 FROM deal WHERE json_extract(custom, ?) <> '' LIMIT 1"
        return self._connection.execute(some, (f"$.{code}",)).fetchone() is not None
