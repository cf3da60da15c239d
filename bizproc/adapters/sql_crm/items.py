"""
Items: made, changed and deleted, with what follows from it: history, events, derived fields.

What a change comes to is worked out on values first (`_Change`), and written at the end: if nothing differs, nothing is
written and nothing is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from bizproc.adapters.sql_crm import history, rows, special, stages, timeline
from bizproc.adapters.sql_crm.custom import checked_custom
from bizproc.adapters.sql_crm.reading import exists, read, referring
from bizproc.adapters.sql_crm.shapes import SHAPES, Shape, linked_keys, pointed_at, shape_of
from bizproc.core.errors import (
    AlreadyExists,
    ItemNotFound,
    ProductNotFound,
    UnknownItem,
    UnknownUser,
    WrongFieldValue,
)
from bizproc.model.days import day_of
from bizproc.model.fields import shown, unknown
from bizproc.model.kinds import BELONGINGS, NOUNS
from bizproc.model.money import rounded
from bizproc.model.pipelines import code_in
from bizproc.model.portal import Portal
from bizproc.model.references import ItemRef
from bizproc.ports.performing import Performing

IMPORTED: Final = ("id", "created_at", "updated_at", "moved_at", "created_by", "modified_by")
"""Derived fields that an import may bring along."""

_FIXED: Final = {
    "stage": ("kind", "pipeline", "code", "semantics"),
    "pipeline": ("kind",),
    "smart_type": ("code",),
    "reference": ("list", "code"),
    "details": ("template_id", "company_id", "contact_id"),
    "bank_details": ("details_id",),
    "exclusion": ("type", "value"),
}

Values = dict[str, Any]

# -- create ------------------------------------------------------------------------------------------------------------


def create(
    performing: Performing,
    portal: Portal,
    kind: str,
    fields: Mapping[str, Any],
    author: int | None,
    *,
    imported: bool = False,
) -> Any:
    """Make one noun. See `ports.crm.Crm.create`."""
    shape = shape_of(kind)
    given = _checked(shape, fields, imported=imported)
    special.check_given(performing.transaction, shape, given)
    values = {"id": None, **_beginnings(shape, performing, portal, author), **given}
    _set_primaries(shape, values, given)
    _prepare(performing, portal, shape, values, given)
    _check_references(performing, shape, values)
    _check_unique(performing, shape, values)
    ref = ItemRef(kind, _insert(performing, shape, values))
    values["id"] = ref.id
    special.made(performing.transaction, shape, values)
    _write_links(performing, shape, ref.id, (), values)
    if shape.is_item:
        _tell_created(performing, shape, ref, values, author)
    return shape.cls(**values)


def _beginnings(shape: Shape, performing: Performing, portal: Portal, author: int | None) -> Values:
    """What a new item holds where nothing was given."""
    values = dict(shape.defaults)
    if shape.is_item:
        now = performing.now
        values |= {
            "created_at": now,
            "updated_at": now,
            "last_activity_at": now,
            "created_by": author,
            "modified_by": author,
        }
    elif "created_at" in values:
        values["created_at"] = performing.now
    if shape.is_staged:
        values |= {"moved_at": performing.now, "moved_by": author, "currency": portal.currency}
    if shape.kind == "product":
        values["currency"] = portal.currency
    return values


def _prepare(performing: Performing, portal: Portal, shape: Shape, values: Values, given: Values) -> None:
    """Work out what follows from what was given."""
    if shape.is_staged:
        _begin_in_stage(performing, portal, shape, values, given)
        _begin_amount(shape, values)
    if shape.kind == "pipeline":
        stages.prepare_pipeline(performing.transaction, values)
    if shape.kind == "stage":
        stages.prepare_stage(performing.transaction, values, given)
    special.prepare(performing, shape, values, None)
    if "custom" in given:
        values["custom"] = checked_custom(performing.transaction, shape.kind, {}, given["custom"], append=False)
    _round_revenue(shape, portal, values)


def _begin_in_stage(performing: Performing, portal: Portal, shape: Shape, values: Values, given: Values) -> None:
    """The stage decides the pipeline; without one an item begins in the first of its pipeline."""
    tx, kind, code = performing.transaction, shape.kind, given.get("stage") or None
    if given.get("pipeline") is not None:
        stages.check_pipeline(tx, kind, values["pipeline"])
    if code is None:
        stage = stages.first_stage(tx, kind, values["pipeline"])
    elif given.get("pipeline") is not None:
        stage = stages.stage_in(tx, kind, values["pipeline"], code)
    else:
        found = stages.stage_called(tx, kind, code)
        if found is None:
            raise stages.unknown_stage(tx, kind, values["pipeline"], code)
        stage = found
    closed = stage.is_final
    values |= {"stage": stage.code, "pipeline": stage.pipeline, "semantics": stage.semantics, "closed": closed}
    if closed and "close_date" in shape.fields and given.get("close_date") is None:
        values["close_date"] = day_of(values["moved_at"], portal.zone)


def _begin_amount(shape: Shape, values: Values) -> None:
    amount = _amount_by_hand(shape, values["amount"], values["currency"])
    values |= {"amount": amount, "manual_amount": amount > 0, "tax": rounded(Decimal(0), values["currency"])}


def _insert(performing: Performing, shape: Shape, values: Values) -> int:
    if values["id"] is not None and exists(performing.transaction, shape, values["id"]):
        raise AlreadyExists(kind=shape.kind, field="id", value=str(values["id"]))
    cursor = performing.transaction.execute(shape.insert, shape.row(values))
    return int(cursor.lastrowid)


def _tell_created(performing: Performing, shape: Shape, ref: ItemRef, values: Values, author: int | None) -> None:
    history.line(performing, ref, "created", author)
    facts = {name: values[name] for name in ("stage", "semantics", "pipeline") if shape.is_staged}
    history.emit(performing, f"{ref.kind}.created", ref, author, **facts)


# -- as it was ---------------------------------------------------------------------------------------------------------


def before(performing: Performing, item: Any, changes: Mapping[str, Any]) -> Any:
    """An item before changes. See `ports.crm.Crm.before`."""
    shape = shape_of(item.item_type)
    values: Values = {name: getattr(item, name) for name in shape.names}
    custom = dict(values.get("custom") or {})
    for name, (old, _new) in changes.items():
        if name.startswith("custom."):
            _put(custom, name.removeprefix("custom."), old)
        elif name in values:
            values[name] = old
    if "custom" in values:
        values["custom"] = custom
    if shape.is_staged and "stage" in changes:
        stage = stages.stage_called(performing.transaction, shape.kind, values["stage"])
        if stage is not None:
            values |= {"semantics": stage.semantics, "closed": stage.is_final}
    return shape.cls(**values)


def _put(custom: dict[str, Any], code: str, value: Any) -> None:
    if value is None:
        custom.pop(code, None)
    else:
        custom[code] = value


# -- update ------------------------------------------------------------------------------------------------------------


def update(
    performing: Performing,
    portal: Portal,
    ref: ItemRef,
    fields: Mapping[str, Any],
    author: int | None,
    *,
    append: bool = False,
) -> Any:
    """Change one noun. See `ports.crm.Crm.update`."""
    shape = shape_of(ref.kind)
    item = read(performing.transaction, shape, ref.id)
    given = _checked(shape, fields)
    change = _Change(performing, portal, shape, item)
    change.give(given, append=append)
    return item if not change.differs() else change.write(author)


def change_pipeline(
    performing: Performing, portal: Portal, ref: ItemRef, pipeline: int, stage: str | None, author: int | None
) -> bool:
    """Move an item to another pipeline. See `ports.crm.Crm.change_pipeline`."""
    tx, shape = performing.transaction, shape_of(ref.kind)
    if not shape.is_staged:
        raise UnknownItem(kind=ref.kind, known=f"of those that have pipelines: {', '.join(stages.STAGED)}")
    item = read(tx, shape, ref.id)
    stages.check_pipeline(tx, ref.kind, pipeline)
    if item.pipeline == pipeline:
        return False
    change = _Change(performing, portal, shape, item)
    change.ends = True
    preferred = None if stage is None else stages.stage_called(tx, ref.kind, code_in(pipeline, stage))
    given: Values = {"pipeline": pipeline}
    if preferred is not None and preferred.pipeline == pipeline:
        given["stage"] = preferred.code
    change.give(given, append=False)
    change.write(author)
    return True


class _Change:
    """
    A change of one item, while it is being worked out.

    Attributes:
        ends: Whether a move to another pipeline says that the item's instances are to end.
    """

    def __init__(self, performing: Performing, portal: Portal, shape: Shape, item: Any) -> None:
        self.performing = performing
        self.portal = portal
        self.shape = shape
        self.ref = ItemRef(item.item_type, item.id)
        self.ends = False
        self.old: Values = {name: getattr(item, name) for name in shape.names}
        self.new: Values = dict(self.old)

    def give(self, given: Values, *, append: bool) -> None:
        """Take the new values, and work out what follows from them."""
        for name, value in given.items():
            if name in self.shape.fields and name != "custom":
                self.new[name] = _appended(self.old[name], value) if append and self._is_multiple(name) else value
        _set_primaries(self.shape, self.new, given)
        if "custom" in given:
            tx = self.performing.transaction
            self.new["custom"] = checked_custom(tx, self.shape.kind, self.old["custom"], given["custom"], append=append)
        if self.shape.is_staged:
            self._follow_stage(given)
            self._follow_amount(given)
        special.check_given(self.performing.transaction, self.shape, given)
        special.prepare(self.performing, self.shape, self.new, self.old)
        _round_revenue(self.shape, self.portal, self.new)
        self._check_fixed()
        changed = self._changed_names()
        _check_references(self.performing, self.shape, self.new, changed)
        _check_unique(self.performing, self.shape, self.new, changed)

    def _check_fixed(self) -> None:
        """What items refer to, or what they derive from it, cannot change under them."""
        for name in _FIXED.get(self.shape.kind, ()):
            if self.new[name] != self.old[name]:
                expected = f"{self.old[name]!r}, which it was made with and keeps"
                raise WrongFieldValue(kind=self.shape.kind, field=name, expected=expected, got=repr(self.new[name]))

    def differs(self) -> bool:
        """Whether anything is to be written."""
        return bool(self._changed_names())

    def write(self, author: int | None) -> Any:
        """Write it and tell of it; gives the item as it is then."""
        changes = self._changes()
        self._stamp(author)
        names = self._changed_names()
        row = (*self.shape.written(names, self.new), self.ref.id)
        self.performing.transaction.execute(self.shape.update_of(names), row)
        _write_links(self.performing, self.shape, self.ref.id, self.old, self.new)
        if self.shape.is_item:
            self._tell(changes, author)
        return self.shape.cls(**self.new)

    def _is_multiple(self, name: str) -> bool:
        return self.shape.fields[name].multiple

    def _changed_names(self) -> tuple[str, ...]:
        return tuple(name for name in self.shape.names if self.new[name] != self.old[name])

    def _changes(self) -> dict[str, tuple[Any, Any]]:
        """What history and events tell; what merely follows (semantics, closed, stamps) is not told."""
        changes = {
            name: (self.old[name], self.new[name])
            for name in self._changed_names()
            if name != "custom" and (not self.shape.fields[name].derived or name == "manual_amount")
        }
        if "custom" in self.shape.fields:
            old, new = self.old["custom"], self.new["custom"]
            for code in (*old, *(each for each in new if each not in old)):
                if old.get(code) != new.get(code):
                    changes[f"custom.{code}"] = (old.get(code), new.get(code))
        return changes

    def _stamp(self, author: int | None) -> None:
        if self.shape.is_item:
            self.new |= {"updated_at": self.performing.now, "modified_by": author}
        if self._moves():
            self.new |= {"moved_at": self.performing.now, "moved_by": author}

    def _moves(self) -> bool:
        return self.shape.is_staged and self.new["stage"] != self.old["stage"]

    def _tell(self, changes: dict[str, tuple[Any, Any]], author: int | None) -> None:
        performing, ref = self.performing, self.ref
        history.changed(performing, ref, changes, author)
        if self._moves():
            # Before those who start at the new stage: what they make must not be completed by this change.
            timeline.complete_at_stage_change(performing, ref, author)
            facts = {"stage": self.new["stage"], "was": self.old["stage"], "semantics": self.new["semantics"]}
            history.emit(performing, f"{ref.kind}.stage_changed", ref, author, **facts, pipeline=self.new["pipeline"])
            if self.new["pipeline"] != self.old["pipeline"]:
                facts = {"pipeline": self.new["pipeline"], "was": self.old["pipeline"], "stage": self.new["stage"]}
                facts |= {"ends": True} if self.ends else {}
                history.emit(performing, f"{ref.kind}.pipeline_moved", ref, author, **facts)
        if "responsible_id" in changes:
            was, now = changes["responsible_id"]
            history.emit(performing, f"{ref.kind}.responsible_changed", ref, author, responsible=now, was=was)

    # -- what follows from a stage

    def _follow_stage(self, given: Values) -> None:
        tx, kind = self.performing.transaction, self.shape.kind
        if self.new["pipeline"] != self.old["pipeline"]:
            stages.check_pipeline(tx, kind, self.new["pipeline"])
            if not given.get("stage"):
                self.new["stage"] = stages.first_stage(tx, kind, self.new["pipeline"]).code
        if self.new["stage"] == self.old["stage"] and self.new["pipeline"] == self.old["pipeline"]:
            return
        stage = stages.stage_in(tx, kind, self.new["pipeline"], self.new["stage"])
        self.new |= {"semantics": stage.semantics, "closed": stage.is_final}
        if stage.is_final and not self.old["closed"] and "close_date" in self.new and "close_date" not in given:
            self.new["close_date"] = day_of(self.performing.now, self.portal.zone)

    # -- what follows from an amount and a currency

    def _follow_amount(self, given: Values) -> None:
        currency = self.new["currency"]
        recast = currency != self.old["currency"]
        if recast:
            rows.recast(self.performing, self.ref, currency)
        if "amount" in given:
            amount = _amount_by_hand(self.shape, self.new["amount"], currency)
            self.new |= {"amount": amount, "manual_amount": amount > 0}
        if recast or "amount" in given:
            total = rows.totals(self.performing.transaction, self.ref, currency)
            self.new["tax"] = total.tax
            self.new["amount"] = (
                _amount(self.shape, "amount", self.new["amount"], currency) if self.new["manual_amount"] else total.sum
            )


def fill_custom(performing: Performing, portal: Portal, ref: ItemRef, code: str, value: Any) -> bool:
    """Let a custom field hold what nobody can write into it; whether that changed anything."""
    change = _Change(performing, portal, shape_of(ref.kind), read(performing.transaction, shape_of(ref.kind), ref.id))
    custom = {**change.old["custom"], code: value}
    change.new["custom"] = MappingProxyType({name: each for name, each in custom.items() if each is not None})
    if change.differs():
        change.write(performing.author)
        return True
    return False


# -- delete ------------------------------------------------------------------------------------------------------------

_OWNED: Final = tuple(
    f"DELETE FROM {SHAPES[kind].table.name} WHERE owner_kind = ? AND owner_id = ?"  # noqa: S608  tables of ours
    for kind in BELONGINGS
    if "owner_id" in SHAPES[kind].fields and kind not in ("activity", "comment", "order")
)


def delete(performing: Performing, portal: Portal, ref: ItemRef, author: int | None) -> None:
    """Delete one item. See `ports.crm.Crm.delete`."""
    shape = shape_of(ref.kind)
    if not (shape.is_item or shape.deletable):
        deletable = ", ".join(kind for kind in NOUNS if SHAPES[kind].is_item or SHAPES[kind].deletable)
        raise UnknownItem(kind=ref.kind, known=f"of those that can be deleted: {deletable}")
    item = read(performing.transaction, shape, ref.id)
    _cut_relations(performing, portal, ref, author)
    tx = performing.transaction
    if shape.is_item:
        _delete_belongings(performing, ref)
    # One by one, by what the item lists: they are found from the other side, and in no order of their own.
    listed = {field.name: getattr(item, field.name) for field in shape.listed}
    _write_links(performing, shape, ref.id, listed, dict.fromkeys(listed, ()))
    tx.execute(shape.delete, (ref.id,))
    if shape.is_item:
        facts = {name: getattr(item, name) for name in ("stage", "semantics", "pipeline") if shape.is_staged}
        history.emit(performing, f"{ref.kind}.deleted", ref, author, **facts, item=item)


def _delete_belongings(performing: Performing, ref: ItemRef) -> None:
    tx = performing.transaction
    orders = tx.execute("SELECT id FROM client_order WHERE owner_kind = ? AND owner_id = ?", (ref.kind, ref.id))
    for (order,) in orders.fetchall():
        for text in _OWNED:
            tx.execute(text, ("order", order))
        tx.execute(SHAPES["order"].delete, (order,))
    for text in _OWNED:
        tx.execute(text, (ref.kind, ref.id))
    timeline.unbind(performing, ref)


def _cut_relations(performing: Performing, portal: Portal, ref: ItemRef, author: int | None) -> None:
    """What pointed at it points at nothing: each such item changes, with a history of its own; what it owned goes."""
    for kind in NOUNS:
        shape = SHAPES[kind]
        pointing = shape.pointing_at(ref.kind)
        if not pointing:
            continue
        for id_ in referring(performing.transaction, shape, ref):
            item = read(performing.transaction, shape, id_)
            itself = ItemRef(item.item_type, id_)
            if any(getattr(item, name) == ref.id for name in shape.owners):
                delete(performing, portal, itself, author)
            else:
                cut = {field.name: _without(getattr(item, field.name), ref) for field in pointing}
                update(performing, portal, itself, cut, author)


def _without(value: Any, ref: ItemRef) -> Any:
    if isinstance(value, tuple):
        return tuple(each for each in value if each not in (ref, ref.id))
    return None if value == ref.id else value


# -- fields ------------------------------------------------------------------------------------------------------------


def _checked(shape: Shape, fields: Mapping[str, Any], *, imported: bool = False) -> Values:
    """The values that are given, as their fields keep them. Raises UnknownField, WrongFieldValue."""
    given: Values = {}
    for name, value in fields.items():
        field = shape.writable.get(name)
        if field is None and imported and name in IMPORTED:
            field = shape.fields.get(name)
        if field is None:
            raise _unwritable(shape, name, value)
        given[field.name] = field.checked(value)
    if given.get("id", 1) < 1:
        raise WrongFieldValue(kind=shape.kind, field="id", expected="a positive integer", got=str(given["id"]))
    return given


def _unwritable(shape: Shape, name: str, value: Any) -> Exception:
    if name in shape.fields:
        expected = "no value, for it follows from others or from what happens"
        return WrongFieldValue(kind=shape.kind, field=name, expected=expected, got=shown(value))
    return unknown(shape.kind, name, shape.writable)


def _set_primaries(shape: Shape, values: Values, given: Values) -> None:
    """`contact_id` and the like: the first of a list, under a name of its own. Nothing takes the first away."""
    for name, many in shape.primaries.items():
        if name not in given:
            continue
        values.pop(name, None)
        before: tuple[int, ...] = values[many]
        first = given[name]
        values[many] = before[1:] if first is None else (first, *(each for each in before if each != first))


def _appended(old: tuple[Any, ...], new: tuple[Any, ...]) -> tuple[Any, ...]:
    """The union, in order, without duplicates (D4)."""
    return tuple(dict.fromkeys((*old, *new)))


def _round_revenue(shape: Shape, portal: Portal, values: Values) -> None:
    """The one amount that stands beside no rows."""
    if values.get("revenue") is not None:
        values["revenue"] = _amount(shape, "revenue", values["revenue"], values["currency"] or portal.currency)


def _amount(shape: Shape, name: str, value: Decimal, currency: str) -> Decimal:
    try:
        return rounded(value, currency)
    except ValueError as error:
        raise WrongFieldValue(kind=shape.kind, field=name, expected=str(error), got=str(value)) from None


def _amount_by_hand(shape: Shape, value: Decimal, currency: str) -> Decimal:
    if value < 0:
        raise WrongFieldValue(
            kind=shape.kind, field="amount", expected="0 (it follows the rows again) or more", got=str(value)
        )
    return _amount(shape, "amount", value, currency)


# -- relations ---------------------------------------------------------------------------------------------------------


def _check_references(performing: Performing, shape: Shape, values: Values, names: Iterable[str] | None = None) -> None:
    """Raises if what a field points at is not there."""
    for field in shape.fields.values():
        if names is not None and field.name not in names:
            continue
        for kind, id_ in pointed_at(field, values[field.name]):
            if not exists(performing.transaction, shape_of(kind), id_):
                raise _missing(kind, id_)


def _missing(kind: str, id_: int) -> Exception:
    match kind:
        case "user":
            return UnknownUser(user=id_)
        case "product":
            return ProductNotFound(product=id_)
        case _:
            return ItemNotFound(kind=kind, id=id_)


def _check_unique(performing: Performing, shape: Shape, values: Values, names: Iterable[str] | None = None) -> None:
    """Raises AlreadyExists if another one has what no two may have."""
    for columns in shape.unique:
        if names is not None and not set(columns).intersection(names):
            continue
        row = shape.stored(columns, values)
        found = performing.transaction.execute(shape.same_as(columns), (*row, values["id"])).fetchone()
        if found is not None:
            shown_ = ", ".join(repr(values[name]) for name in columns)
            raise AlreadyExists(kind=shape.kind, field=", ".join(columns), value=shown_)


def _write_links(performing: Performing, shape: Shape, id_: int, old: Values | tuple[()], new: Values) -> None:
    """Keep the companion of lists that are found from the other side."""
    tx, table = performing.transaction, shape.table.name
    for field in shape.listed:
        before = linked_keys(field, old[field.name] if old else ())
        after = linked_keys(field, new[field.name])
        for kind, gone in (each for each in before if each not in after):
            tx.execute(
                "DELETE FROM link WHERE to_kind = ? AND to_id = ? AND kind = ? AND item = ?", (kind, gone, table, id_)
            )
        for kind, come in (each for each in after if each not in before):
            tx.execute("INSERT INTO link (to_kind, to_id, kind, item) VALUES (?, ?, ?, ?)", (kind, come, table, id_))
