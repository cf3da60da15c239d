"""Kinds of nouns by name, and their classes."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from bizproc.core.errors import UnknownItem
from bizproc.model.companies import Company
from bizproc.model.contacts import Contact
from bizproc.model.deals import Deal
from bizproc.model.details import BankDetails, ClientDetails, DetailsTemplate
from bizproc.model.exclusions import Exclusion
from bizproc.model.files import File
from bizproc.model.invoices import Invoice
from bizproc.model.leads import Lead
from bizproc.model.lists import Reference
from bizproc.model.mailboxes import Mailbox, Template
from bizproc.model.messages import CrmDocument, Message
from bizproc.model.orders import Order, Payment
from bizproc.model.organisation import Absence, Department, Group, WorkingHours
from bizproc.model.pipelines import Pipeline, Stage
from bizproc.model.planned import Booking, Notification, Task, Wait
from bizproc.model.products import Product, ProductRow
from bizproc.model.quotes import Quote
from bizproc.model.smart_items import SMART_ITEM, SmartItem, SmartType, is_type_code
from bizproc.model.timeline import Activity, Comment, HistoryEvent
from bizproc.model.users import User

NOUNS: Final = MappingProxyType(
    {
        cls.item_type: cls
        for cls in (
            *(Reference, File, Department, User, Group, Absence, WorkingHours, Product, SmartType, Pipeline, Stage),
            *(Lead, Deal, Company, Contact, Quote, Invoice, SmartItem),
            *(DetailsTemplate, ClientDetails, BankDetails, Mailbox, Template, Exclusion),
        )
    }
)
"""What stands by itself: it can be created, read and updated. Each stands after most of those that it points at."""

BELONGINGS: Final = MappingProxyType(
    {
        cls.item_type: cls
        for cls in (
            *(ProductRow, Comment, Activity, HistoryEvent, Task, Booking, Wait, Notification),
            *(Order, Payment, Message, CrmDocument),
        )
    }
)
"""What belongs to an item."""


def class_of(kind: str) -> Any:
    """The class of a kind of noun: of what is no other's name, `SmartItem`. Raises UnknownItem for what is no name."""
    if kind in NOUNS and kind != SMART_ITEM:
        return NOUNS[kind]
    if kind == SMART_ITEM or kind in BELONGINGS or not is_type_code(kind):
        raise UnknownItem(kind=kind, known=", ".join(each for each in NOUNS if each != SMART_ITEM))
    return SmartItem
