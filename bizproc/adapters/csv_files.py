"""
The folder of CSV files that an import reads: it looks at the files, reads their rows and checks them.

Pure: it writes nowhere. Which files and columns there are, and what a cell may hold, stands in `csv_columns.py`; what
the store holds already it asks of a `Known`. Rows come in batches, so that a file of any length needs little memory; of
each row only the id is remembered, for others refer to it.
"""

from __future__ import annotations

import csv
from codecs import getincrementaldecoder
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from io import BufferedReader, TextIOWrapper
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import orjson
from attrs import define, field, frozen

from bizproc.adapters.csv_columns import AS_STORED, ID, MAIN, PRODUCT_ROWS, Column, CsvFile, Read, id_
from bizproc.core.errors import BadRow, ImportRefused
from bizproc.model.texts import composed

Row: TypeAlias = tuple[int, list[Any]]
"""The line on which it begins, and its values in the order of the file's columns."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told now and then: the file that is being read, how many bytes of all files are done, and how many there are."""

BATCH: Final = 5_000
SHOWN: Final = 20
KEPT: Final = 1_000
"""How many bad rows are told of one by one; the others are counted."""

_REMEMBERED: Final = 10_000
_CHUNK: Final = 1 << 20


# Texts of a CRM are longer than the csv module expects; a quote that is never closed must still come to an end.
csv.field_size_limit(1 << 24)


class Known(Protocol):
    """What the store holds, as far as rows refer to it."""

    def exists(self, kind: str, id: int) -> bool:
        """Whether it held such an item before the import."""

    def is_replaceable(self, kind: str, id: int) -> bool:
        """Whether it is one that every new store holds, and that nobody has changed."""

    def stage_codes(self, kind: str) -> Collection[str]:
        """The codes of all stages of this kind, in whatever pipeline; those that this import has brought, too."""


class Wrong(Exception):
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


# -- the folder as a whole ---------------------------------------------------------------------------------------------


@frozen
class Found:
    """
    A file that is there.

    Attributes:
        columns: Those that it has: first those that it must have, then the further ones, whatever their order in it.
        places: Where these columns stand in it.
    """

    file: CsvFile
    path: Path
    columns: tuple[Column, ...]
    places: tuple[int, ...]
    size: int
    has_nul: bool

    @property
    def further(self) -> tuple[str, ...]:
        """The names of its further columns; their values stand behind all others."""
        return tuple(column.name for column in self.columns[len(self.file.columns) :])


@frozen
class Folder:
    """
    A folder whose files can be read.

    Attributes:
        files: In the order in which they are to be read.
        ignored: CSV files that are none of these.
        names: By kind of item the file that holds it, whether it is there or not.
    """

    path: Path
    files: tuple[Found, ...]
    ignored: tuple[str, ...]
    names: Mapping[str, str]

    @property
    def size(self) -> int:
        return sum(found.size for found in self.files)


def look(path: Path, files: Sequence[CsvFile]) -> Folder:
    """
    See which of these files there are, and that each can be read as a whole: its encoding, its header.

    Raises:
        ImportRefused: a line for each that cannot.
    """
    names = ", ".join(file.name for file in (*MAIN, PRODUCT_ROWS))
    if not path.exists():
        raise ImportRefused(
            text=f"there is no folder {path}. Import takes a folder that holds {names} (not all need be there)."
        )
    if not path.is_dir():
        raise ImportRefused(text=f"{path} is a file: import takes the folder that holds {names}.")
    there = [file for file in files if _is_there(path / file.name)]
    if not there:
        raise ImportRefused(
            text=f"{path} holds none of the files that import reads: {names}, and for other kinds files like leads.csv."
        )
    found, wrong = [], []
    for file in there:
        try:
            found.append(_look_at(file, path / file.name))
        except ImportRefused as refused:
            wrong.append(str(refused))
    if wrong:
        raise ImportRefused(text="\n".join(wrong))
    others = (each.name for each in path.iterdir() if each.suffix.lower() == ".csv")
    ignored = tuple(sorted(set(others) - {file.name for file in files}))
    return Folder(path, tuple(found), ignored, {file.kind: file.name for file in files if file.kind is not None})


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()  # a link that leads nowhere was meant to lead somewhere


def _look_at(file: CsvFile, path: Path) -> Found:
    try:
        # Only what has an end: a pipe or a device would be waited for, or read, for ever.
        if path.exists() and not path.is_file():
            raise ImportRefused(text=f"{file.name}: cannot be read: it is no file.")
        has_nul = _check_encoding(file, path)
        header = _header(file, path)
        size = path.stat().st_size
    except OSError as error:
        raise ImportRefused(text=f"{file.name}: cannot be read: {error.strerror}.") from None
    _check_header(file, header)
    places = {name: place for place, name in enumerate(header)}
    columns = (*file.columns, *(column for name, column in file.further.items() if name in places))
    return Found(file, path, columns, tuple(places[column.name] for column in columns), size, has_nul)


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
    counts = Counter(header)
    missing = [name for name in known if name not in counts]
    unknown = [name for name in header if name not in known and name not in file.further]
    twice = sorted(name for name, count in counts.items() if count > 1)
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
        may = f" There may be: {', '.join(file.further)}." if file.further and unknown else ""
        raise ImportRefused(text=f"{file.name}:1: {'; '.join(says)}. The columns are: {', '.join(known)}.{may}")


def _columns(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f"column{'s' if len(names) > 1 else ''} {', '.join(map(shown, names[:_NAMED]))}{more}"


_NAMED: Final = 10
"""So many columns are named in an error."""


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
        self._kinds = {found.file.kind: found for found in folder.files if found.file.kind is not None}
        self._read: set[str] = set()  # kinds whose rows have been read
        self._promised: dict[str, frozenset[int]] = {}
        self._relied_on: dict[tuple[str, int], tuple[CsvFile, int, str]] = {}
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
        kind = found.file.kind
        own = [place for place, column in enumerate(found.columns) if column.refers and column.refers == kind]
        rows = self._rows(found, own)
        if own:
            rows = iter(self._without_lost(found, list(rows), own))
        batch: list[Row] = []
        for row in rows:
            batch.append(row)
            if len(batch) == BATCH:
                yield batch
                batch = []
        if batch:
            yield batch
        if kind is not None:
            self._read.add(kind)
        self._before += found.size
        self._tell(found, 0)

    def reject(self, file: CsvFile, line: int, reason: str, *, id: int | str = "", follows: bool = False) -> None:
        """A row that came out of `batches` turned out to be bad all the same."""
        self.tally.add(BadRow(file=file.name, line=line, reason=reason), follows=follows)
        self._forget(file, id, line)

    def see_that_it_is_there(self, kind: str, id: int) -> None:
        """Raises Wrong if there is no such item, neither among the good rows nor in the store."""
        self._check_there(kind, id)

    def broken_promises(self) -> Iterator[BadRow]:
        """Rows that were written because a later file seemed to hold what they refer to, and that row was bad."""
        for (kind, number), (file, line, name) in self._relied_on.items():
            if number not in self._ids[kind]:
                yield BadRow(file=file.name, line=line, reason=f"{name}: refers to {kind} {number}, a bad row")

    def _tell(self, found: Found, position: int) -> None:
        if self._progress is not None:
            self._progress(found.file.name, self._before + position, self.folder.size)

    def _rows(self, found: Found, own: list[int]) -> Iterator[Row]:
        file, width = found.file, len(found.columns)
        readers = [(place, read) for place, read in enumerate(self._readers(found, own)) if read is not None]
        stored = found.further.index(AS_STORED) + len(file.columns) if AS_STORED in found.further else None
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
                if stored is not None and values[stored]:
                    _fill_in(file, values, stored)
                if found.has_nul and any("\0" in cell for cell in cells):
                    self._reject(file, line, values, 0, readers, "a cell holds a NUL character")
                    continue
                done = 0
                try:
                    for place, read in readers:
                        values[place] = read(values[place])
                        done += 1
                except Wrong:
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

    def _readers(self, found: Found, own: list[int]) -> Iterator[Read | None]:
        kind = found.file.kind
        for place, column in enumerate(found.columns):
            if place == 0 and kind is not None:
                yield self._fresh_id(kind, column)
            elif column.stage_of is not None:
                yield _Memo(_named(column, self._stage(column.stage_of))).__getitem__
            elif column.refers is not None and place not in own:
                yield self._reference(found.file, column)
            else:
                yield None if column.read is None else _Memo(_named(column, column.read)).__getitem__

    def _fresh_id(self, kind: str, column: Column) -> Read:
        """Reads an id that no other row has, and remembers it."""
        ids, bad, known = self._ids[kind], self._bad_ids[kind], self._known
        read_id = _named(column, column.read or id_)

        def read(cell: str) -> int:
            id_: int = read_id(cell)
            before = ids.get(id_) or bad.get(id_)
            if before is not None and before != self._line:
                raise Wrong(f"id {id_} stands in line {before} already")
            if known.exists(kind, id_) and not known.is_replaceable(kind, id_):
                bad[id_] = self._line
                raise Wrong(f"id {id_} is in the store already")
            ids[id_] = self._line
            return id_

        return read

    def _stage(self, kind: str) -> Read:
        codes = self._known.stage_codes(kind)

        def read(cell: str) -> str:
            if cell not in codes:
                raise ValueError(f"one of {', '.join(codes)}")
            return cell

        return read

    def _reference(self, file: CsvFile, column: Column) -> Read:
        assert column.refers is not None
        assert column.read is not None
        kind, plain, later = column.refers, column.read, self._later(column.refers)

        def read(cell: str) -> Any:
            value = plain(cell)
            for each in value if column.many else (value,):
                if each in later:
                    self._relied_on.setdefault((kind, each), (file, self._line, column.name))
                else:
                    self._check_there(kind, each)
            return value

        return _Memo(_named(column, read)).__getitem__

    def _later(self, kind: str) -> frozenset[int]:
        """The ids that a file which is read later holds, where kinds refer to each other in a circle."""
        found = self._kinds.get(kind)
        if found is None or kind in self._read:
            return frozenset()
        if kind not in self._promised:
            self._promised[kind] = frozenset(self._ids_in(found))
        return self._promised[kind]

    def _ids_in(self, found: Found) -> Iterator[int]:
        _, text = _open(found.path)
        place, read = found.places[0], found.columns[0].read or id_
        with text:
            try:
                for cells in csv.reader(text, strict=True):
                    try:
                        yield read(cells[place])
                    except (ValueError, IndexError):  # the header, or a row that is bad
                        continue
            except csv.Error:  # told of when the file is read
                return

    def _check_there(self, kind: str, id_: int) -> None:
        if id_ in self._ids[kind]:
            return
        where = self.folder.names[kind]
        if id_ in self._bad_ids[kind]:
            raise Wrong(f"refers to {kind} {id_}, a bad row ({where}:{self._bad_ids[kind][id_]})", follows=True)
        if not self._known.exists(kind, id_):
            raise Wrong(f"there is no {kind} {id_}, neither in {where} nor in the store", follows=kind in self._lost)

    def _without_lost(self, found: Found, rows: list[Row], own: list[int]) -> list[Row]:
        """Leave out rows that refer to one of their own file that is not there; and those that refer to these."""
        while True:
            left = [row for row in rows if all(self._still_good(found, row, place) for place in own)]
            if len(left) == len(rows):
                return left
            rows = left

    def _still_good(self, found: Found, row: Row, place: int) -> bool:
        line, values = row
        column, value = found.columns[place], values[place]
        if value is None or value is column.empty:
            return True
        try:
            for each in value if column.many else (value,):
                self._check_there(str(column.refers), each)
        except Wrong as wrong:
            reason = f"{column.name}: {wrong}"
            self.tally.add(BadRow(file=found.file.name, line=line, reason=reason), follows=wrong.follows)
            self._forget(found.file, values[0], line)
            return False
        return True

    # -- bad rows

    def _reject(
        self, file: CsvFile, line: int, values: list[Any], done: int, readers: list[tuple[int, Read]], reason: str = ""
    ) -> None:
        """A row is bad: say all that is wrong with it. The first `done` values have been read already."""
        wrongs = [Wrong(reason)] if reason else []
        for place, read in readers[done:]:
            try:
                values[place] = read(values[place])
            except Wrong as wrong:
                wrongs.append(wrong)
        own = [str(wrong) for wrong in wrongs if not wrong.follows]
        reasons = own or [str(wrong) for wrong in wrongs]
        self.tally.add(BadRow(file=file.name, line=line, reason="; ".join(reasons)), follows=not own)
        self._forget(file, values[0], line)

    def _reject_width(self, found: Found, line: int, cells: list[str]) -> None:
        file, width = found.file, len(found.columns)
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
            number: int = (file.columns[0].read or ID.read or int)(str(id_))
        except ValueError:
            self._lost.add(file.kind)
            return
        if self._ids[file.kind].get(number) in (None, line):
            self._ids[file.kind].pop(number, None)
            self._bad_ids[file.kind].setdefault(number, line)


_BROKEN: Final[Mapping[str, str]] = {
    "unexpected end of data": "a quote is opened and never closed",
    "',' expected after '\"'": "a quote is closed inside a cell (a quote inside quotes is written twice)",
    f"field larger than field limit ({csv.field_size_limit()})": "a cell is too long: perhaps a quote was never closed",
}


def _fill_in(file: CsvFile, values: list[Any], stored: int) -> None:
    """A value that its column cannot say stands in another one; its own cell must not be complained of meanwhile."""
    try:
        names = orjson.loads(values[stored])
    except ValueError:
        return  # its own column says so
    for place, column in enumerate(file.columns):
        if column.required and column.read is not id_ and isinstance(names, dict) and column.name in names:
            values[place] = values[place] or "?"


def _named(column: Column, read: Read) -> Read:
    """A reader of whole cells, empty ones too, that says which column it is about."""

    def read_cell(cell: str) -> Any:
        if not cell:
            if column.required:
                raise Wrong(f"{column.name}: is empty")
            return column.empty
        try:
            return read(cell)
        except Wrong as wrong:
            raise Wrong(f"{column.name}: {wrong}", follows=wrong.follows) from None
        except ValueError as error:
            raise Wrong(f"{column.name}: expected {error}, got {shown(cell)}") from None

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
    "Folder",
    "Found",
    "ImportReport",
    "Known",
    "Progress",
    "Reading",
    "Row",
    "Wrong",
    "look",
    "refusal",
    "report",
]
