"""
The CRM's tables, made from the model: one column a field, of the field's type. No statement and no engine's table.

A row holds all that its item shows, lists included (as JSON): one SELECT reads it. What must be found from the other
side has a companion that points back:

    link               from a contact or company to the items in whose list it stands
    activity_binding   from an item to the activities that stand beside it

Texts that people search by have a companion column with their folded form (`title_folded`): case does not count there.

There are no foreign keys: writes look whether what they point at is there, since they must say what is not, and
deleting an item cuts its relations one by one, since each cut is a change with a history of its own. Ids of items are
never used again (AUTOINCREMENT): instances and histories outside keep naming them.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlalchemy import Column, Dialect, Index, Integer, MetaData, Table, Text, UniqueConstraint
from sqlalchemy.types import TypeDecorator, TypeEngine

from bizproc.model.companies import Company
from bizproc.model.contacts import Contact
from bizproc.model.deals import Deal
from bizproc.model.fields import TEXT, Field, fields_of
from bizproc.model.kinds import NOUNS
from bizproc.model.pipelines import Pipeline, Stage
from bizproc.model.products import Product, ProductRow
from bizproc.model.timeline import Activity, Comment, HistoryEvent
from bizproc.model.users import User
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


def companions(cls: Any) -> dict[str, str]:
    """
    The texts of a noun that people search by, and the columns with their folded forms, which stand last.

    Only of what stands by itself: rows, comments and history are written too often.
    """
    texts = (field for field in fields_of(cls).values() if field.name in _SEARCHED and cls.item_type in NOUNS)
    return {field.name: f"{field.name}_folded" for field in texts if field.type is TEXT and not field.multiple}


_SEARCHED: Final = ("title", "name", "second_name", "last_name")


def _table(cls: Any, *more: UniqueConstraint, reuses_ids: bool = False) -> Table:
    columns = [_column(field) for field in fields_of(cls).values()]
    columns += [Column(name, Text) for name in companions(cls).values()]
    return Table(cls.item_type, metadata, *columns, *more, sqlite_strict=True, sqlite_autoincrement=not reuses_ids)


def _companion(name: str, *columns: Column[Any]) -> Table:
    """All of its columns are its key, and it is stored in their order."""
    return Table(name, metadata, *columns, sqlite_strict=True, sqlite_with_rowid=False)


def _key(name: str, kind: type[TypeEngine[Any]]) -> Column[Any]:
    return Column(name, kind, primary_key=True, nullable=False, autoincrement=False)


user = _table(User)
product = _table(Product)
pipeline = _table(Pipeline)
stage = _table(Stage, UniqueConstraint("kind", "code", name="stage_code"))
Index("stage_of_pipeline", stage.c.kind, stage.c.pipeline, stage.c.sort)

deal = _table(Deal)
Index("deal_company", deal.c.company_id)
Index("deal_stage", deal.c.stage)
company = _table(Company)
contact = _table(Contact)

product_row = _table(ProductRow)
Index("product_row_of", product_row.c.owner_kind, product_row.c.owner_id, product_row.c.sort)
comment = _table(Comment, reuses_ids=True)
Index("comment_of", comment.c.owner_kind, comment.c.owner_id)
history_event = _table(HistoryEvent, reuses_ids=True)
Index("history_event_of", history_event.c.owner_kind, history_event.c.owner_id)
activity = _table(Activity, reuses_ids=True)
# 1 until the commit that makes the activity ends: what is made with a change of stage is not completed by it.
activity.append_column(Column("fresh", Integer, nullable=False))
Index(
    "activity_until_stage_change",
    activity.c.owner_kind,
    activity.c.owner_id,
    sqlite_where=(activity.c.complete_on_stage_change == 1) & (activity.c.completed == 0),
)

activity_binding = _companion("activity_binding", _key("kind", Text), _key("item", Integer), _key("activity", Integer))
link = _companion("link", _key("to_kind", Text), _key("to_id", Integer), _key("kind", Text), _key("item", Integer))

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
