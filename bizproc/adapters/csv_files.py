"""
The folder of CSV files that an import reads: which files and columns there are, and what their cells may hold.

Pure: it reads files and checks them, and writes nowhere. What the store holds already it asks of a `Known`. Rows come
in batches, so that a file of any length needs little memory; of each row only the id is remembered, for others refer to
it.
"""

from __future__ import annotations

import csv
import re
from codecs import getincrementaldecoder
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from io import BufferedReader, TextIOWrapper
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from attrs import define, field, frozen

from bizproc.core.errors import BadRow, ImportRefused
from bizproc.model.money import exact, is_currency
from bizproc.model.references import LARGEST_ID
from bizproc.model.texts import composed

Row: TypeAlias = tuple[int, list[Any]]
"""The line on which it begins, and its values in the order of the file's columns."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told now and then: the file that is being read, how many bytes of all files are done, and how many there are."""

BATCH: Final = 5_000
SHOWN: Final = 20
KEPT: Final = 1_000
"""How many bad rows are told of one by one; the others are counted."""

_REMEMBERED: Final = 500_000
_CHUNK: Final = 1 << 20


class Known(Protocol):
    """What the store holds, as far as rows refer to it."""

    def exists(self, kind: str, id: int) -> bool:
        """Whether it held such an item before the import."""

    def has_stage(self, code: str) -> bool:
        """Whether deals have a stage of this code, in whatever pipeline."""

    def stage_codes(self) -> Iterable[str]:
        """The codes of all of them."""


# -- what cells may hold -----------------------------------------------------------------------------------------------

Read: TypeAlias = Callable[[str], Any]
"""A value from a cell that is not empty. Raises ValueError: what was expected."""


class _Wrong(Exception):
    """Why a cell, and so its row, is bad; `follows` where that is another row's fault."""

    def __init__(self, reason: str, *, follows: bool = False) -> None:
        super().__init__(reason)
        self.follows = follows


class _Memo(dict[str, Any]):
    """Values that were read already: cells repeat, and looking up costs a tenth of reading."""

    def __init__(self, read: Read) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, cell: str) -> Any:
        value = self._read(cell)
        if len(self) < _REMEMBERED:
            self[cell] = value
        return value


_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _text(cell: str) -> str:
    if not cell.strip():
        raise ValueError("a text that says something")
    return cell


def _id(cell: str) -> int:
    if not (cell.isascii() and cell.isdigit() and len(cell) <= 19 and 1 <= int(cell) <= LARGEST_ID):
        raise ValueError("a positive whole number")
    return int(cell)


def _number(cell: str) -> Decimal:
    if not _NUMBER.fullmatch(cell):
        raise ValueError("a number with a decimal point, as 7 or 7.50")
    return exact(Decimal(cell))


def _more_than_zero(cell: str) -> Decimal:
    number = _number(cell)
    if number <= 0:
        raise ValueError("more than 0")
    return number


def _not_negative(cell: str) -> Decimal:
    number = _number(cell)
    if number < 0:
        raise ValueError("0 or more")
    return number


def _percent(cell: str) -> Decimal:
    number = _number(cell)
    if not 0 <= number <= 100:
        raise ValueError("0 to 100")
    return number


def _day(cell: str) -> date:
    try:
        if _DATE.fullmatch(cell):
            return date.fromisoformat(cell)
    except ValueError:  # the 31st of June
        pass
    raise ValueError("a date, as 1996-07-31")


def _moment(cell: str) -> date | datetime:
    """A day, or a moment with its distance from UTC."""
    if _DATE.match(cell) and cell[10:11] == "T":
        try:
            moment = datetime.fromisoformat(cell)
        except ValueError:
            moment = None
        if moment is None or moment.utcoffset() is None:
            raise ValueError("a date, as 1996-07-31, or a moment, as 1996-07-31T09:00Z")
        return moment
    return _day(cell)


def _truth(cell: str) -> bool:
    if cell not in ("Y", "N"):
        raise ValueError("Y or N")
    return cell == "Y"


def _currency(cell: str) -> str:
    if not is_currency(cell):
        raise ValueError("a currency's code of three capital letters, as EUR")
    return cell


# -- files and columns -------------------------------------------------------------------------------------------------


@frozen
class Column:
    """
    One column.

    Attributes:
        read: None for a text that is kept as it stands.
        refers: The kind of item whose id it holds.
        required: An empty cell is an error; else it is `empty`.
    """

    name: str
    read: Read | None = None
    refers: str | None = None
    required: bool = False
    empty: Any = None
    is_stage: bool = False


@frozen
class CsvFile:
    """One file: its name, and the kind of item in it; None for the rows of deals."""

    name: str
    kind: str | None
    columns: tuple[Column, ...]

    @property
    def header(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def _texts(*names: str) -> tuple[Column, ...]:
    return tuple(map(Column, names))


def _refers(name: str, kind: str, *, required: bool = False) -> Column:
    return Column(name, _id, refers=kind, required=required)


_ID: Final = Column("id", _id, required=True)

# In this order: what others refer to comes first.
FILES: Final = (
    CsvFile(
        "users.csv",
        "user",
        (_ID, *_texts("first_name", "last_name", "title", "email", "work_phone"), _refers("manager_id", "user")),
    ),
    CsvFile(
        "companies.csv",
        "company",
        (
            *(_ID, Column("origin_id"), Column("title", _text, required=True)),
            *_texts("phone", "fax", "address", "city", "region", "postal_code", "country"),
            _refers("responsible_id", "user"),
        ),
    ),
    CsvFile(
        "contacts.csv",
        "contact",
        (
            *(_ID, *_texts("first_name", "last_name", "post", "phone", "email")),
            *(_refers("company_id", "company"), _refers("responsible_id", "user")),
        ),
    ),
    CsvFile(
        "products.csv",
        "product",
        (
            *(_ID, Column("name", _text, required=True), *_texts("section", "measure")),
            *(
                Column("price", _number, empty=Decimal(0)),
                Column("currency", _currency),
                Column("active", _truth, empty=True),
            ),
        ),
    ),
    CsvFile(
        "deals.csv",
        "deal",
        (
            *(_ID, Column("origin_id"), Column("title", _text, required=True), Column("stage_id", is_stage=True)),
            *(_refers("company_id", "company"), _refers("contact_id", "contact"), _refers("responsible_id", "user")),
            *(Column("currency", _currency), Column("opportunity", _not_negative, empty=Decimal(0))),
            *(Column("begin_date", _day), Column("close_date", _day), Column("moved_at", _moment)),
            *_texts("delivery_address", "delivery_city", "delivery_country"),
        ),
    ),
    CsvFile(
        "product_rows.csv",
        None,
        (
            *(_refers("deal_id", "deal", required=True), _refers("product_id", "product", required=True)),
            *(Column("price", _number), Column("quantity", _more_than_zero, empty=Decimal(1))),
            Column("discount_percent", _percent, empty=Decimal(0)),
        ),
    ),
)
_OF_KIND: Final = {file.kind: file for file in FILES}


# -- the folder as a whole ---------------------------------------------------------------------------------------------


@frozen
class Found:
    """A file that is there: where its columns stand, and its size."""

    file: CsvFile
    path: Path
    places: tuple[int, ...]
    size: int
    has_nul: bool


@frozen
class Folder:
    """
    A folder whose files can be read.

    Attributes:
        files: In the order in which they are to be read.
        ignored: CSV files that are none of these.
    """

    path: Path
    files: tuple[Found, ...]
    ignored: tuple[str, ...]

    @property
    def size(self) -> int:
        return sum(found.size for found in self.files)


def look(path: Path) -> Folder:
    """
    See which files there are, and that each can be read as a whole: its encoding, its header.

    Raises:
        ImportRefused: a line for each that cannot.
    """
    names = ", ".join(file.name for file in FILES)
    if not path.exists():
        raise ImportRefused(
            text=f"there is no folder {path}. Import takes a folder that holds {names} (not all need be there)."
        )
    if not path.is_dir():
        raise ImportRefused(text=f"{path} is a file: import takes the folder that holds {names}.")
    there = [file for file in FILES if (path / file.name).exists()]
    if not there:
        raise ImportRefused(text=f"{path} holds none of the files that import reads: {names}.")
    found, wrong = [], []
    for file in there:
        try:
            found.append(_look_at(file, path / file.name))
        except ImportRefused as refused:
            wrong.append(str(refused))
    if wrong:
        raise ImportRefused(text="\n".join(wrong))
    others = (each.name for each in path.iterdir() if each.suffix.lower() == ".csv")
    return Folder(path, tuple(found), tuple(sorted(set(others) - {file.name for file in FILES})))


def _look_at(file: CsvFile, path: Path) -> Found:
    try:
        has_nul = _check_encoding(file, path)
        header = _header(file, path)
        size = path.stat().st_size
    except OSError as error:
        raise ImportRefused(text=f"{file.name}: cannot be read: {error.strerror}.") from None
    _check_header(file, header)
    return Found(file, path, tuple(header.index(name) for name in file.header), size, has_nul)


def _check_encoding(file: CsvFile, path: Path) -> bool:
    """See that it is UTF-8; whether there are NUL characters in it."""
    decoder, line, has_nul = getincrementaldecoder("utf-8")(), 1, False
    with path.open("rb") as opened:
        while True:
            chunk = opened.read(_CHUNK)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                line += bytes(error.object[: error.start]).count(b"\n")
                wrong = error.object[error.start]
                raise ImportRefused(
                    text=f"{file.name}:{line}: the file is not UTF-8 (byte 0x{wrong:02X}). Save it as UTF-8."
                ) from None
            if not chunk:
                return has_nul
            # What the decoder holds back (the beginning of a character) has no line end in it.
            line += chunk.count(b"\n")
            has_nul = has_nul or b"\0" in chunk


def _open(path: Path) -> tuple[BufferedReader, TextIOWrapper]:
    """The file as bytes, whose position is known, and as text."""
    opened = path.open("rb")
    return opened, TextIOWrapper(opened, encoding="utf-8-sig", newline="")


def _header(file: CsvFile, path: Path) -> list[str]:
    _, text = _open(path)
    with text:
        try:
            for cells in csv.reader(text, strict=True):
                if any(cell.strip() for cell in cells):
                    return [cell.strip() for cell in cells]
        except csv.Error as error:
            raise ImportRefused(text=f"{file.name}:1: the header cannot be read: {error}.") from None
    raise ImportRefused(text=f"{file.name}: is empty. Its first line must be: {','.join(file.header)}")


def _check_header(file: CsvFile, header: list[str]) -> None:
    known = file.header
    missing = [name for name in known if name not in header]
    unknown = [name for name in header if name not in known]
    twice = sorted({name for name in header if header.count(name) > 1})
    says = []
    if missing:
        says.append(f"{_columns(missing)} {'is' if len(missing) == 1 else 'are'} missing")
    if unknown:
        says.append(f"{_columns(unknown)} {'is' if len(unknown) == 1 else 'are'} not known")
    if twice:
        says.append(f"{_columns(twice)} stand{'s' if len(twice) == 1 else ''} there twice")
    if len(header) == 1 and (other := next((mark for mark in ";\t|" if mark in header[0]), None)):
        says = [f"the cells are separated by {other!r}, and must be by commas"]
    if says:
        raise ImportRefused(text=f"{file.name}:1: {'; '.join(says)}. The columns are: {', '.join(known)}.")


def _columns(names: list[str]) -> str:
    return f"column{'s' if len(names) > 1 else ''} {', '.join(map(shown, names))}"


def shown(cell: str) -> str:
    """A cell as an error shows it: in one line, and not all of a long one."""
    return repr(cell if len(cell) <= 60 else f"{cell[:45]}…{cell[-10:]}")


# -- reading -----------------------------------------------------------------------------------------------------------


@define
class Tally:
    """
    Rows that cannot be imported.

    Attributes:
        bad: Rows that are wrong themselves, the first of them.
        following: Rows that refer to one that is bad, the first of them.
    """

    bad: list[BadRow] = field(factory=list)
    bad_count: int = 0
    following: list[BadRow] = field(factory=list)
    following_count: int = 0

    def add(self, row: BadRow, *, follows: bool) -> None:
        """Count a row; keep what it says unless there are too many."""
        rows = self.following if follows else self.bad
        if len(rows) < KEPT:
            rows.append(row)
        if follows:
            self.following_count += 1
        else:
            self.bad_count += 1

    @property
    def count(self) -> int:
        """All of them."""
        return self.bad_count + self.following_count

    def lines(self) -> Iterator[str]:
        """What is wrong, a line a row; not more than people read."""
        yield from map(str, self.bad[:SHOWN])
        if self.bad_count > SHOWN:
            yield f"… and {self.bad_count - SHOWN:,} more"
        if self.following_count:
            which = "it" if self.bad_count == 1 else "one of them"
            yield f"… and {_counted(self.following_count, 'row that refers', 'rows that refer')} to {which}"


def _bad(count: int) -> str:
    return _counted(count, "bad row", "bad rows")


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


class Reading:
    """
    Reads the files of a folder, one after the other in their order.

    Attributes:
        tally: The rows that cannot be imported. Each is told of once; it does not come out of `batches`.
    """

    def __init__(self, folder: Folder, known: Known, progress: Progress | None = None) -> None:
        self.folder = folder
        self.tally = Tally()
        self._known = known
        self._progress = progress
        self._ids: dict[str, dict[int, int]] = defaultdict(dict)  # of good rows, with their lines
        self._bad_ids: dict[str, dict[int, int]] = defaultdict(dict)
        self._lost: set[str] = set()  # kinds of which a row has no id that can be read
        self._line = 0
        self._before = 0

    def is_imported(self, kind: str, id: int) -> bool:
        """Whether a good row has this id."""
        return id in self._ids[kind]

    def batches(self, found: Found) -> Iterator[list[Row]]:
        """The good rows of a file. What refers to its own file is looked at when all ids are known."""
        own = [
            place
            for place, column in enumerate(found.file.columns)
            if column.refers and column.refers == found.file.kind
        ]
        rows = self._rows(found, own)
        if own:
            rows = iter(self._without_lost(found.file, list(rows), own))
        batch: list[Row] = []
        for row in rows:
            batch.append(row)
            if len(batch) == BATCH:
                yield batch
                batch = []
        if batch:
            yield batch
        self._before += found.size
        self._tell(found, 0)

    def reject(self, file: CsvFile, line: int, reason: str, *, id: int | str = "") -> None:
        """A row that came out of `batches` turned out to be bad all the same."""
        self.tally.add(BadRow(file=file.name, line=line, reason=reason), follows=False)
        self._forget(file, id, line)

    def _tell(self, found: Found, position: int) -> None:
        if self._progress is not None:
            self._progress(found.file.name, self._before + position, self.folder.size)

    def _rows(self, found: Found, own: list[int]) -> Iterator[Row]:
        file, width = found.file, len(found.file.columns)
        readers = [(place, read) for place, read in enumerate(self._readers(file, own)) if read is not None]
        order = None if found.places == tuple(range(width)) else itemgetter(*found.places)
        opened, text = _open(found.path)
        with text:
            for count, (line, cells) in enumerate(self._records(file, text)):
                if count % BATCH == 0:
                    self._tell(found, opened.tell())
                if len(cells) != width:
                    self._reject_width(found, line, cells)
                    continue
                values: list[Any] = cells if order is None else list(order(cells))
                self._line = line
                if found.has_nul and any("\0" in cell for cell in cells):
                    self._reject(file, line, values, 0, readers, "a cell holds a NUL character")
                    continue
                done = 0
                try:
                    for place, read in readers:
                        values[place] = read(values[place])
                        done += 1
                except _Wrong:
                    self._reject(file, line, values, done, readers)
                else:
                    yield line, values

    def _records(self, file: CsvFile, text: TextIOWrapper) -> Iterator[tuple[int, list[str]]]:
        """The lines' cells, with the line on which each begins; blank lines and the header are left out."""
        reader: Any = csv.reader(map(composed, text), strict=True)
        header, line = True, 1
        while True:
            try:
                for cells in reader:
                    if header and cells:
                        header = not any(cell.strip() for cell in cells)
                    elif cells:
                        yield line, cells
                    line = reader.line_num + 1
            except csv.Error as error:
                self._reject_broken(file, line, reader.line_num, str(error))
                line = reader.line_num + 1
            else:
                return

    # -- cells

    def _readers(self, file: CsvFile, own: list[int]) -> Iterator[Read | None]:
        for place, column in enumerate(file.columns):
            if place == 0 and file.kind is not None:
                yield self._fresh_id(file.kind)
            elif column.is_stage:
                yield _Memo(_named(column, self._stage)).__getitem__
            elif column.refers and place not in own:
                yield _Memo(_named(column, self._reference(column.refers))).__getitem__
            else:
                yield None if column.read is None else _Memo(_named(column, column.read)).__getitem__

    def _fresh_id(self, kind: str) -> Read:
        """Reads an id that no other row has, and remembers it."""
        ids, bad, known = self._ids[kind], self._bad_ids[kind], self._known
        read_id = _named(_ID, _id)

        def read(cell: str) -> int:
            id_: int = read_id(cell)
            before = ids.get(id_) or bad.get(id_)
            if before is not None and before != self._line:
                raise _Wrong(f"id {id_} stands in line {before} already")
            if known.exists(kind, id_):
                bad[id_] = self._line
                raise _Wrong(f"id {id_} is in the store already")
            ids[id_] = self._line
            return id_

        return read

    def _stage(self, cell: str) -> str:
        if not self._known.has_stage(cell):
            raise ValueError(f"one of {', '.join(self._known.stage_codes())}")
        return cell

    def _reference(self, kind: str) -> Read:
        def read(cell: str) -> int:
            id_ = _id(cell)
            self._check_there(kind, id_)
            return id_

        return read

    def _check_there(self, kind: str, id_: int) -> None:
        if id_ in self._ids[kind]:
            return
        if id_ in self._bad_ids[kind]:
            where = f"{_OF_KIND[kind].name}:{self._bad_ids[kind][id_]}"
            raise _Wrong(f"refers to {kind} {id_}, a bad row ({where})", follows=True)
        if not self._known.exists(kind, id_):
            name = _OF_KIND[kind].name
            raise _Wrong(f"there is no {kind} {id_}, neither in {name} nor in the store", follows=kind in self._lost)

    def _without_lost(self, file: CsvFile, rows: list[Row], own: list[int]) -> list[Row]:
        """Leave out rows that refer to one of their own file that is not there; and those that refer to these."""
        while True:
            left = [row for row in rows if all(self._still_good(file, row, place) for place in own)]
            if len(left) == len(rows):
                return left
            rows = left

    def _still_good(self, file: CsvFile, row: Row, place: int) -> bool:
        line, values = row
        column = file.columns[place]
        try:
            if values[place] is not None:
                self._check_there(str(column.refers), values[place])
        except _Wrong as wrong:
            reason = f"{column.name}: {wrong}"
            self.tally.add(BadRow(file=file.name, line=line, reason=reason), follows=wrong.follows)
            self._forget(file, values[0], line)
            return False
        return True

    # -- bad rows

    def _reject(
        self, file: CsvFile, line: int, values: list[Any], done: int, readers: list[tuple[int, Read]], reason: str = ""
    ) -> None:
        """A row is bad: say all that is wrong with it. The first `done` values have been read already."""
        wrongs = [_Wrong(reason)] if reason else []
        for place, read in readers[done:]:
            try:
                values[place] = read(values[place])
            except _Wrong as wrong:
                wrongs.append(wrong)
        own = [str(wrong) for wrong in wrongs if not wrong.follows]
        reasons = own or [str(wrong) for wrong in wrongs]
        self.tally.add(BadRow(file=file.name, line=line, reason="; ".join(reasons)), follows=not own)
        self._forget(file, values[0], line)

    def _reject_width(self, found: Found, line: int, cells: list[str]) -> None:
        file, width = found.file, len(found.file.columns)
        hint = " (a text with a comma in it needs quotes)" if len(cells) > width else ""
        reason = f"{_counted(len(cells), 'cell', 'cells')} where the header has {width}{hint}"
        self.tally.add(BadRow(file=file.name, line=line, reason=reason), follows=False)
        place = found.places[0]
        self._forget(file, cells[place] if place < len(cells) else "", line)

    def _reject_broken(self, file: CsvFile, first: int, last: int, error: str) -> None:
        lines = "" if first == last else f" (it goes on to line {last})"
        reason = f"{_BROKEN.get(error, error)}{lines}"
        self.tally.add(BadRow(file=file.name, line=first, reason=reason), follows=False)
        self._forget(file, "", first)

    def _forget(self, file: CsvFile, id_: int | str, line: int) -> None:
        """What refers to a bad row is told so."""
        if file.kind is None:
            return
        try:
            id_ = _id(str(id_))
        except ValueError:
            self._lost.add(file.kind)
            return
        if self._ids[file.kind].get(id_) in (None, line):
            self._ids[file.kind].pop(id_, None)
            self._bad_ids[file.kind].setdefault(id_, line)


_BROKEN: Final[Mapping[str, str]] = {
    "unexpected end of data": "a quote is opened and never closed",
    "',' expected after '\"'": "a quote is closed inside a cell (a quote inside quotes is written twice)",
    f"field larger than field limit ({csv.field_size_limit()})": "a cell is too long: perhaps a quote was never closed",
}


def _named(column: Column, read: Read) -> Read:
    """A reader of whole cells, empty ones too, that says which column it is about."""

    def read_cell(cell: str) -> Any:
        if not cell:
            if column.required:
                raise _Wrong(f"{column.name}: is empty")
            return column.empty
        try:
            return read(cell)
        except _Wrong as wrong:
            raise _Wrong(f"{column.name}: {wrong}", follows=wrong.follows) from None
        except ValueError as error:
            raise _Wrong(f"{column.name}: expected {error}, got {shown(cell)}") from None

    return read_cell


# -- what is told at the end -------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class ImportReport:
    """
    What an import did.

    Attributes:
        counts: How many rows of each file were written, by its name without `.csv`.
        skipped: How many rows were left out.
        bad: Those that were bad, at most the first thousand; then those that refer to one of them.
        ignored: CSV files in the folder that import does not know.
    """

    counts: Mapping[str, int]
    skipped: int = 0
    bad: tuple[BadRow, ...] = ()
    lines: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def report(reading: Reading, counts: Mapping[str, int]) -> ImportReport:
    """What a reading came to, all of whose batches were written."""
    tally = reading.tally
    return ImportReport(
        counts=counts,
        skipped=tally.count,
        bad=(*tally.bad, *tally.following),
        lines=tuple(tally.lines()),
        ignored=reading.folder.ignored,
    )


def refusal(reading: Reading) -> ImportRefused:
    """Why nothing is written."""
    tally = reading.tally
    mend = f"Mend {'it' if tally.bad_count == 1 else 'them'}, or import all others with --skip-bad."
    there_are = "there is" if tally.bad_count == 1 else "there are"
    first = f"nothing was imported, for {there_are} {_bad(tally.bad_count)}. {mend}"
    return ImportRefused(text="\n".join((first, *tally.lines())), rows=tuple(tally.bad))


__all__ = [
    "FILES",
    "Column",
    "CsvFile",
    "Folder",
    "Found",
    "ImportReport",
    "Known",
    "Reading",
    "look",
    "refusal",
    "report",
]
