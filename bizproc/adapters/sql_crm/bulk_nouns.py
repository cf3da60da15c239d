"""
Checked rows of any noun, written as an import brings them: by the noun's shape, with what must follow from each row.

No noun needs a line here for being imported. What has laws of its own (stages, what belongs to an item, product rows)
is looked at by its fields.
"""


# ruff: noqa: S608 - the names in these texts are those of the model's tables; values are always parameters

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from functools import cache
from typing import Any, Final, cast

from bizproc.adapters.csv_columns import NOT_GIVEN
from bizproc.adapters.csv_files import Found, Reading, Row, Wrong
from bizproc.adapters.sql_crm import stages
from bizproc.adapters.sql_crm.custom import add_field, checked_custom
from bizproc.adapters.sql_crm.definitions import custom_fields
from bizproc.adapters.sql_crm.seeding import seed
from bizproc.adapters.sql_crm.shapes import SHAPES, Shape, linked_keys
from bizproc.adapters.sql_crm.tables import metadata
from bizproc.core.errors import BizprocError, WrongFieldValue
from bizproc.model.custom_fields import Options
from bizproc.model.fields import shown
from bizproc.model.money import row_sum, tax_of
from bizproc.model.pipelines import GENERAL, Stage
from bizproc.model.portal import Portal
from bizproc.model.references import ItemRef
from bizproc.model.smart_items import SMART_ITEM
from bizproc.store.connection import connect
from bizproc.store.sharing import borrow
from bizproc.store.sqlite import driver
from bizproc.store.transaction import Transaction
from bizproc.store.types import money_units

LINK: Final = "INSERT INTO link (to_kind, to_id, kind, item) VALUES (?, ?, ?, ?)"
_BIND: Final = "INSERT INTO activity_binding (kind, item, activity) VALUES (?, ?, ?)"
_BIND_COMMENT: Final = "INSERT INTO comment_binding (kind, item, comment) VALUES (?, ?, ?)"

_HIDDEN: Final[Mapping[str, Mapping[str, Any]]] = {"activity": {"fresh": 0}}
"""Columns that no field shows."""

_NOW: Final = ("created_at", "updated_at", "last_activity_at", "moved_at", "at", "start", "end")
"""Moments that are the import's where no other is given."""


class Writer(ABC):
    """Writes the rows of one file."""

    @abstractmethod
    def write(self, rows: list[Row]) -> int:
        """Write a batch; how many rows were written."""

    def finish(self) -> None:  # noqa: B027  most have nothing left to do then
        """All rows have been written."""


# -- what the store holds ----------------------------------------------------------------------------------------------


@cache
def seeds() -> Mapping[str, Mapping[int, tuple[Any, ...]]]:
    """The rows that every new store holds, by kind and id."""
    connection = connect(None, timedelta(0))
    try:
        with borrow(connection) as shared:
            metadata.create_all(shared, checkfirst=False)
        seed(connection)
        rows = {kind: connection.execute(shape.select).fetchall() for kind, shape in SHAPES.items()}
    finally:
        connection.close()
    ids = {kind: shape.names.index("id") for kind, shape in SHAPES.items()}
    return {kind: {row[ids[kind]]: tuple(row) for row in found} for kind, found in rows.items() if found}


class Stored:
    """What the store held before the import: `csv_files.Known`."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._last = {kind: self._last_id(shape) for kind, shape in SHAPES.items()}
        self._stages: dict[str, Mapping[str, Stage]] = {}

    def _last_id(self, shape: Shape) -> int:
        (last,) = self._tx.execute(f"SELECT max(id) FROM {shape.table.name}").fetchone()
        return -1 if last is None else int(last)

    def exists(self, kind: str, id: int) -> bool:
        # Most ids of an import lie above all that the store has: no need to ask.
        return id <= self._last[kind] and self._tx.execute(SHAPES[kind].exists, (id,)).fetchone() is not None

    def is_replaceable(self, kind: str, id: int) -> bool:
        seeded = seeds().get(kind, {}).get(id)
        if seeded is None:
            return False
        row = self._tx.execute(SHAPES[kind].select_one, (id,)).fetchone()
        return row is not None and tuple(row) == seeded and not self._is_in_use(kind, SHAPES[kind].item(row))

    def _is_in_use(self, kind: str, item: Any) -> bool:
        """Whether items are in this stage."""
        if kind != "stage" or item.kind not in stages.STAGED:
            return False
        table = SHAPES[item.kind].table.name
        return self._tx.execute(f"SELECT 1 FROM {table} WHERE stage = ? LIMIT 1", (item.code,)).fetchone() is not None

    def stages(self, kind: str) -> Mapping[str, Stage]:
        """The stages of a kind by their codes; to be asked for when all stages have been imported."""
        if kind not in self._stages:
            shape = SHAPES["stage"]
            rows = self._tx.execute(f"{shape.select} WHERE kind = ? ORDER BY pipeline, sort, id", (kind,))
            self._stages[kind] = {stage.code: stage for stage in map(shape.item, rows)}
        return self._stages[kind]

    def stage_codes(self, kind: str) -> Collection[str]:
        return self.stages(kind).keys()


# -- any noun ----------------------------------------------------------------------------------------------------------


def noun_writer(tx: Transaction, reading: Reading, found: Found, portal: Portal, stored: Stored) -> Writer:
    """The writer of a noun that has none of its own."""
    cls = _OF_KIND.get(str(found.file.kind), Nouns)
    return cls(tx, reading, found, portal, stored)


class Nouns(Writer):
    """Writes the rows of any noun."""

    def __init__(self, tx: Transaction, reading: Reading, found: Found, portal: Portal, stored: Stored) -> None:
        self.tx = tx
        self.reading = reading
        self.found = found
        self.stored = stored
        self.portal = portal
        shape = self.shape = SHAPES[str(found.file.kind)]
        self._names = tuple(column.name for column in found.columns)
        now = {name: tx.now for name in _NOW if name in shape.fields}
        self._defaults = {**shape.defaults, **now}
        hidden = _HIDDEN.get(shape.kind, {})
        self._hidden = tuple(hidden.values())
        columns = (*shape.columns(shape.names), *hidden)
        marks = ", ".join("?" * len(columns))
        self._insert = f"INSERT INTO {shape.table.name} ({', '.join(columns)}) VALUES ({marks})"
        self._references = [f.name for f in shape.fields.values() if f.type.name == "reference"]
        self._seeded = seeds().get(shape.kind, {})

    def write(self, rows: list[Row]) -> int:
        made: list[tuple[Row, dict[str, Any], list[Any]]] = []
        for row in rows:
            values = self._values(row[1])
            try:
                self.complete(values)
                made.append((row, values, [*self.shape.row(values), *self._hidden]))
            except Wrong as wrong:
                self._reject(row, str(wrong), follows=wrong.follows)
            except (BizprocError, ValueError) as error:
                self._reject(row, str(error))
        self._make_room(values["id"] for _, values, _ in made)
        written = self._inserted(made)
        for values in written:
            self.after(values)
        return len(written)

    def _values(self, cells: Iterable[Any]) -> dict[str, Any]:
        given = {name: value for name, value in zip(self._names, cells, strict=True) if value is not NOT_GIVEN}
        return {**self._defaults, **given}

    def _reject(self, row: Row, reason: str, *, follows: bool = False) -> None:
        self.reading.reject(self.found.file, row[0], reason, id=row[1][0], follows=follows)

    def _make_room(self, ids: Iterable[int]) -> None:
        """What every new store holds is replaced by what is imported (`Stored.is_replaceable` has said that it may)."""
        replaced = [(id_,) for id_ in ids if id_ in self._seeded]
        self.tx.connection.executemany(self.shape.delete, replaced)

    def _inserted(self, made: list[tuple[Row, dict[str, Any], list[Any]]]) -> list[dict[str, Any]]:
        try:
            with self.tx.savepoint():
                self.tx.connection.executemany(self._insert, [parameters for _, _, parameters in made])
        except driver().IntegrityError:
            return [values for row, values, parameters in made if self._insert_one(row, parameters)]
        return [values for _, values, _ in made]

    def _insert_one(self, row: Row, parameters: list[Any]) -> bool:
        try:
            with self.tx.savepoint():
                self.tx.execute(self._insert, parameters)
        except driver().IntegrityError as error:
            same = str(error).partition(": ")[2].replace(f"{self.shape.table.name}.", "").replace(", ", " and ")
            self._reject(row, f"there is one with this {same} already")
            return False
        return True

    # -- what a row must keep, and what follows from it

    def complete(self, values: dict[str, Any]) -> None:
        """Fill in what follows from what was given. Raises Wrong, ValueError, or an error of ours: why it is bad."""
        if values.get("currency") is None and "currency" in values and not self.shape.fields["currency"].optional:
            values["currency"] = self.portal.currency
        if self.shape.is_staged:
            self._set_stage(values)
        if self.shape.fields.keys() >= {"owner_kind", "owner_id"}:
            owner = ItemRef(values["owner_kind"], values["owner_id"])
            self._see_that_it_is_there("owner_id", owner)
            if self.shape.kind == "activity":
                values["bindings"] = values["bindings"] or (owner,)
        for name in self._references:
            several = values[name] if isinstance(values[name], tuple) else (values[name],)
            for ref in (each for each in several if each is not None):
                self._see_that_it_is_there(name, ref)
        if values.get("custom"):
            values["custom"] = checked_custom(
                self.tx, self.kind_of(values), {}, values["custom"], append=False, imported=True
            )
        for name, field in self.shape.fields.items():
            if values[name] is None and not field.optional and field.type.name != "anything":
                raise Wrong(f"{name}: is empty")

    def _see_that_it_is_there(self, name: str, ref: ItemRef) -> None:
        kind = ref.kind
        if kind not in SHAPES:
            if not self._is_smart(kind):
                raise Wrong(f"{name}: there is no kind of item {kind!r}")
            kind = SMART_ITEM
        try:
            self.reading.see_that_it_is_there(kind, ref.id)
        except Wrong as wrong:
            raise Wrong(f"{name}: {wrong}", follows=wrong.follows) from None

    def _is_smart(self, kind: str) -> bool:
        return self.tx.execute("SELECT 1 FROM smart_type WHERE code = ?", (kind,)).fetchone() is not None

    def kind_of(self, values: dict[str, Any]) -> str:
        """Of which kind the item is; a smart item is of its type's."""
        return str(values["type"]) if self.shape.kind == SMART_ITEM else self.shape.kind

    def _set_stage(self, values: dict[str, Any]) -> None:
        """The stage decides the pipeline; without one an item begins in the first of its pipeline."""
        kind = self.kind_of(values)
        if kind not in SHAPES and not self._is_smart(kind):
            raise Wrong(f"type: there is no smart type {kind!r}")
        given = values["stage"] or stages.first_stage(self.tx, kind, values["pipeline"] or 0).code
        stage = self.stored.stages(kind).get(given)
        if stage is None:
            raise Wrong(f"stage: expected one of {', '.join(self.stored.stage_codes(kind))}, got {given!r}")
        follows = {"pipeline": stage.pipeline, "semantics": stage.semantics, "closed": stage.is_final}
        for name, value in follows.items():
            if name in self._names and values[name] != self._defaults[name] and values[name] != value:
                raise Wrong(f"{name}: the stage {stage.code} says {value}, and not {values[name]}")
        values |= {"stage": stage.code, **follows}
        if values["amount"] and "manual_amount" not in self._names:
            values["manual_amount"] = True

    def after(self, values: dict[str, Any]) -> None:
        """The row is written: what points back at it."""
        for field in self.shape.listed:
            table = self.shape.table.name
            links = [(kind, each, table, values["id"]) for kind, each in linked_keys(field, values[field.name])]
            self.tx.connection.executemany(LINK, links)
        if self.shape.kind == "activity":
            self.tx.connection.executemany(_BIND, {(ref.kind, ref.id, values["id"]) for ref in values["bindings"]})
        if self.shape.kind == "comment":
            self.tx.connection.executemany(_BIND_COMMENT, {(ref.kind, ref.id, values["id"]) for ref in values["also"]})


class _Pipelines(Nouns):
    """Pipelines; where no stages come with them they get those that a new one has."""

    def complete(self, values: dict[str, Any]) -> None:
        super().complete(values)
        stages.prepare_pipeline(self.tx, values)

    def after(self, values: dict[str, Any]) -> None:
        super().after(values)
        brought = any(found.file.kind == "stage" for found in self.reading.folder.files)
        if not brought and not stages.stages_of(self.tx, values["kind"], values["id"]):
            stages.add_default_stages(self.tx, values["kind"], values["id"])


class _Stages(Nouns):
    """Stages: each in a pipeline that there is; a code is used once."""

    def complete(self, values: dict[str, Any]) -> None:
        super().complete(values)
        if not values["code"].strip():
            raise Wrong("code: is empty")
        if values["kind"] not in stages.STAGED and not self._is_smart(values["kind"]):
            raise Wrong(f"kind: expected one of {', '.join(stages.STAGED)}, got {values['kind']!r}")
        if values["pipeline"] != GENERAL:  # every kind that has stages has that one, if only by having stages
            stages.check_pipeline(self.tx, values["kind"], values["pipeline"])


class OtherRows(Nouns):
    """Product rows that are not what the catalogue says, or of other items than deals. Sums are worked out."""

    def __init__(
        self,
        tx: Transaction,
        reading: Reading,
        found: Found,
        portal: Portal,
        stored: Stored,
        add: Callable[[int, int, int], None],
    ) -> None:
        super().__init__(tx, reading, found, portal, stored)
        self._add = add

    def complete(self, values: dict[str, Any]) -> None:
        super().complete(values)
        if values["quantity"] <= 0:
            raise Wrong("quantity: expected more than 0")
        currency = values["currency"]
        total = row_sum(values["price"], values["quantity"], values["discount_percent"], currency)
        tax = tax_of(total, values["tax_rate"], currency, included=values["tax_included"])
        for name, value in (("sum", total), ("tax", tax)):
            if name in self._names and values[name] not in (value, self._defaults[name]):
                raise Wrong(f"{name}: it comes to {value}, and not to {values[name]}")
        values |= {"sum": total, "tax": tax}

    def after(self, values: dict[str, Any]) -> None:
        super().after(values)
        if values["owner_kind"] == "deal":
            self._add(values["owner_id"], money_units(values["sum"]), money_units(values["tax"]))


_OF_KIND: Final[Mapping[str, type[Nouns]]] = {"pipeline": _Pipelines, "stage": _Stages}


# -- custom fields -----------------------------------------------------------------------------------------------------


class CustomFields(Writer):
    """Defines custom fields; one that is there and the same is left as it is."""

    def __init__(self, tx: Transaction, reading: Reading, found: Found) -> None:
        self._tx = tx
        self._reading = reading
        self._found = found
        self._names = tuple(column.name for column in found.columns)

    def write(self, rows: list[Row]) -> int:
        count = 0
        for line, values in rows:
            try:
                count += self._define(**dict(zip(self._names, values, strict=True)))
            except BizprocError as error:
                self._reading.reject(self._found.file, line, str(error))
        return count

    def _define(
        self, kind: str, code: str, type: str, label: str = "", *, multiple: bool = False, options: Options = ()
    ) -> bool:
        known = custom_fields(self._tx, kind).get(code)
        if known is not None and (known.type.name, known.multiple) == (type, multiple):
            return False
        if not isinstance(options, list | tuple | dict):
            raise WrongFieldValue(
                kind="custom field", field="options", expected="a list or an object", got=shown(options)
            )
        given = _settings(options) if type == "booking" else _choices(options)
        add_field(self._tx, kind, code, type, label, multiple=multiple, options=given)
        return True


def _choices(options: Any) -> Options:
    """Codes with their labels, as an export writes them, or texts that are both."""
    if _are_pairs(options):
        return {str(code): str(label) for code, label in options}
    return [str(each) for each in options]


def _settings(options: Any) -> Options:
    """The settings of a field for bookings, as an export writes them or as an object; all else is refused later."""
    settings = {str(name): value for name, value in options} if _are_pairs(options) else options
    return cast("Options", settings)  # `add_field` says what is wrong with it


def _are_pairs(options: Any) -> bool:
    return isinstance(options, list) and all(isinstance(each, list) and len(each) == 2 for each in options)
