"""
The CRM's tables, made from the model: one column a field, of the field's type. No statement and no engine's table.

A row holds all that its item shows, lists included (as JSON): one SELECT reads it. What must be found from the other
side has a companion that points back:

    link               from an item to those in whose list it stands (`kind` is the table of these)
    activity_binding   from an item to the activities that stand beside it
    comment_binding    from an item to the comments of others that stand beside it too

Texts that people search by have a companion column with their folded form (`title_folded`): case does not count there.

There are no foreign keys: writes look whether what they point at is there, since they must say what is not, and
deleting an item cuts its relations one by one, since each cut is a change with a history of its own. Ids of items are
never used again (AUTOINCREMENT): instances and histories outside keep naming them.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlalchemy import Column, Dialect, Index, Integer, MetaData, Table, Text, UniqueConstraint, text
from sqlalchemy.types import TypeDecorator, TypeEngine

from bizproc.model.fields import TEXT, Field, fields_of
from bizproc.model.kinds import BELONGINGS, NOUNS
from bizproc.store.types import ExactDecimal, Json, Moment, Money

metadata = MetaData()


class Day(TypeDecorator[date]):
    """A date as ISO text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: Dialect) -> str | None:
        return None if value is None else value.isoformat()

    def process_result_value(self, value: str | None, dialect: Dialect) -> date | None:
        return None if value is None else date.fromisoformat(value)


_COLUMN_TYPES: Final[dict[str, type[TypeEngine[Any]]]] = {
    "text": Text,
    "integer": Integer,
    "truth": Integer,  # a STRICT table knows no booleans
    "number": ExactDecimal,
    "money": Money,
    "day": Day,
    "moment": Moment,
    "custom": Json,
    "anything": Json,
    "reference": Json,
    "multi_field": Json,
}


def _column(field: Field) -> Column[Any]:
    kind = Json if field.multiple else _COLUMN_TYPES[field.type.name]
    return Column(
        field.name, kind, primary_key=field.name == "id", nullable=field.optional or field.type.name == "anything"
    )


_NAMES: Final = {"order": "client_order", "group": "user_group"}
"""Kinds that SQL has other uses for."""


def companions(cls: Any) -> dict[str, str]:
    """
    The texts of a noun that people search by, and the columns with their folded forms, which stand last.

    Only of what stands by itself: rows, comments and history are written too often.
    """
    texts = (field for field in fields_of(cls).values() if field.name in _SEARCHED and cls.item_type in NOUNS)
    return {field.name: f"{field.name}_folded" for field in texts if field.type is TEXT and not field.multiple}


_SEARCHED: Final = ("title", "name", "second_name", "last_name")


def _table(cls: Any, *, reuses_ids: bool = False) -> Table:
    columns = [_column(field) for field in fields_of(cls).values()]
    columns += [Column(name, Text) for name in companions(cls).values()]
    unique = [UniqueConstraint(*names) for names in getattr(cls, "unique", ())]
    name = _NAMES.get(cls.item_type, cls.item_type)
    return Table(name, metadata, *columns, *unique, sqlite_strict=True, sqlite_autoincrement=not reuses_ids)


def _pointed_at(table: Table, cls: Any) -> None:
    """What is found from the other side: deleting an item looks for all that point at it."""
    for field in fields_of(cls).values():
        if field.refers in _FOUND_FROM and not field.multiple:
            column = table.c[field.name]
            Index(f"{table.name}_{field.name}", column, sqlite_where=column.is_not(None))


_FOUND_FROM: Final = ("lead", "deal", "quote", "company", "contact", "details")


def _companion(name: str, *columns: Column[Any]) -> Table:
    """All of its columns are its key, and it is stored in their order."""
    return Table(name, metadata, *columns, sqlite_strict=True, sqlite_with_rowid=False)


def _key(name: str, kind: type[TypeEngine[Any]]) -> Column[Any]:
    return Column(name, kind, primary_key=True, nullable=False, autoincrement=False)


tables: Final[dict[str, Table]] = {}
"""By kind."""

_ONCE: Final = ("comment", "history_event", "activity", "notification")
"""Nobody outside keeps naming these."""

for _kind, _class in {**NOUNS, **BELONGINGS}.items():
    tables[_kind] = _table(_class, reuses_ids=_kind in _ONCE)
    _pointed_at(tables[_kind], _class)
    if "owner_id" in tables[_kind].c:
        _more = ("sort",) if _kind == "product_row" else ()
        Index(f"{_kind}_of", *(tables[_kind].c[name] for name in ("owner_kind", "owner_id", *_more)))

Index("stage_code", tables["stage"].c.kind, tables["stage"].c.code, unique=True)
Index("stage_of_pipeline", tables["stage"].c.kind, tables["stage"].c.pipeline, tables["stage"].c.sort)
Index("deal_stage", tables["deal"].c.stage)
Index("lead_stage", tables["lead"].c.stage)
Index("smart_item_type", tables["smart_item"].c.type)
Index("absence_user", tables["absence"].c.user_id, tables["absence"].c.end)
Index("booking_user", tables["booking"].c.user_id, tables["booking"].c.end)
Index("exclusion_value", tables["exclusion"].c.value)
Index("wait_step", tables["wait"].c.made_by, tables["wait"].c.step)
Index("wait_open", tables["wait"].c.made_by, sqlite_where=tables["wait"].c.completed == 0)
Index("message_step", tables["message"].c.step, unique=True, sqlite_where=tables["message"].c.step.is_not(None))

document = tables["document"]
document.append_column(Column("step", Text))  # the key of the step that made it: the same step makes it once
document.append_column(Column("link", Integer, nullable=False, server_default="0"))  # how many links it has had
Index("document_step", document.c.step)
Index("payment_reference", tables["payment"].c.provider, tables["payment"].c.reference)

activity = tables["activity"]
# 1 until the commit that makes the activity ends: what is made with a change of stage is not completed by it.
activity.append_column(Column("fresh", Integer, nullable=False))
Index(
    "activity_until_stage_change",
    activity.c.owner_kind,
    activity.c.owner_id,
    sqlite_where=(activity.c.complete_on_stage_change == 1) & (activity.c.completed == 0),
)

activity_binding = _companion("activity_binding", _key("kind", Text), _key("item", Integer), _key("activity", Integer))
Index("activity_binding_activity", activity_binding.c.activity)
comment_binding = _companion("comment_binding", _key("kind", Text), _key("item", Integer), _key("comment", Integer))
Index("comment_binding_comment", comment_binding.c.comment)
link = _companion("link", _key("to_kind", Text), _key("to_id", Integer), _key("kind", Text), _key("item", Integer))

portal_secret = Table(
    "portal_secret",
    metadata,
    Column("id", Integer, primary_key=True),  # always 1
    Column("secret", Text, nullable=False),  # in hexadecimal digits; signs the tokens in links
    sqlite_strict=True,
)

document_counter = Table(
    "document_counter",
    metadata,
    _key("template", Integer),
    Column("last", Integer, nullable=False),  # the number of its last document
    sqlite_strict=True,
)

calendar_feed = Table(
    "calendar_feed",
    metadata,
    _key("user", Integer),
    Column("link", Integer, nullable=False),  # which of the links to the user's calendar is valid
    sqlite_strict=True,
)

custom_field = Table(
    "custom_field",
    metadata,
    _key("kind", Text),
    _key("code", Text),
    Column("type", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("multiple", Integer, nullable=False),
    Column("options", Json, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# What queues remember (`queues.py`): the state of each partition, and what is held until somebody can take it.
queue = Table(
    "queue",
    metadata,
    _key("name", Text),
    _key("part", Text),
    Column("state", Json, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
hold = Table(
    "hold",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("queue", Text, nullable=False),
    Column("part", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("arrived", Moment, nullable=False),
    Column("kind", Text, nullable=False),
    Column("item", Integer, nullable=False),
    Column("responsible", Integer),
    Column("asked", Json, nullable=False),
    UniqueConstraint("queue", "part", "kind", "item"),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)
Index("hold_order", hold.c.queue, hold.c.part, hold.c.priority, hold.c.arrived, hold.c.number)
Index("hold_item", hold.c.kind, hold.c.item)

# Loads of queues are counted in the transaction of each pick.
for _kind in ("lead", "deal", "quote", "invoice", "smart_item"):
    _item = tables[_kind].c
    Index(f"{_kind}_load", _item.responsible_id, sqlite_where=text("closed = 0"))
Index("activity_load", activity.c.responsible_id, sqlite_where=text("completed = 0"))
