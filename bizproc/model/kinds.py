"""Kinds of nouns by name, and their classes."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from bizproc.core.errors import UnknownItem
from bizproc.model.companies import Company
from bizproc.model.contacts import Contact
from bizproc.model.deals import Deal
from bizproc.model.pipelines import Pipeline, Stage
from bizproc.model.products import Product, ProductRow
from bizproc.model.timeline import Activity, Comment, HistoryEvent
from bizproc.model.users import User

NOUNS: Final = MappingProxyType(
    {cls.item_type: cls for cls in (User, Product, Pipeline, Stage, Deal, Company, Contact)}
)
"""What stands by itself: it can be created, read and updated."""

BELONGINGS: Final = MappingProxyType({cls.item_type: cls for cls in (ProductRow, Comment, Activity, HistoryEvent)})
"""What belongs to an item."""


def class_of(kind: str) -> Any:
    """The class of a kind of noun. Raises UnknownItem."""
    if kind not in NOUNS:
        raise UnknownItem(kind=kind, known=", ".join(NOUNS))
    return NOUNS[kind]
