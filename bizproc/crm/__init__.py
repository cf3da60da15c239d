"""
What may be done to each kind of item: names, no logic.

    crm.deal.add_product(7)        the deal that the process runs on, or the one linked to its document
    crm.deal(42).add_product(7)    any other
    crm.deal.create(title="Tea")   a new one
    crm.item("contract", 9)        an item of a smart type
"""

from typing import Final, overload

from bizproc.crm.companies import OwnCompany
from bizproc.crm.contacts import OwnContact
from bizproc.crm.deals import OwnDeal
from bizproc.crm.documents import Documents
from bizproc.crm.drive import Drive
from bizproc.crm.invoices import OwnInvoice
from bizproc.crm.items import id_of as _id_of
from bizproc.crm.leads import OwnLead
from bizproc.crm.messages import Messages
from bizproc.crm.nouns import (
    Absences,
    AllBankDetails,
    AllDetails,
    Departments,
    DetailsTemplates,
    Exclusions,
    Groups,
    HoursOfWork,
    Mailboxes,
    Pipelines,
    Products,
    References,
    SmartTypes,
    Stages,
    Templates,
    Users,
)
from bizproc.crm.queues import Queues
from bizproc.crm.quotes import OwnQuote
from bizproc.crm.smart_items import OwnSmartItem, SmartItemActions
from bizproc.model.smart_items import SmartItem

lead: Final = OwnLead()
deal: Final = OwnDeal()
contact: Final = OwnContact()
company: Final = OwnCompany()
quote: Final = OwnQuote()
invoice: Final = OwnInvoice()
user: Final = Users()
department: Final = Departments()
group: Final = Groups()
absence: Final = Absences()
working_hours: Final = HoursOfWork()
product: Final = Products()
pipeline: Final = Pipelines()
stage: Final = Stages()
smart_type: Final = SmartTypes()
reference: Final = References()
details_template: Final = DetailsTemplates()
details: Final = AllDetails()
bank_details: Final = AllBankDetails()
mailbox: Final = Mailboxes()
template: Final = Templates()
exclusion: Final = Exclusions()
queue: Final = Queues()
document: Final = Documents()
message: Final = Messages()
drive: Final = Drive()

__all__ = [
    "absence",
    "bank_details",
    "company",
    "contact",
    "deal",
    "department",
    "details",
    "details_template",
    "document",
    "drive",
    "exclusion",
    "group",
    "invoice",
    "item",
    "lead",
    "mailbox",
    "message",
    "pipeline",
    "product",
    "queue",
    "quote",
    "reference",
    "smart_type",
    "stage",
    "template",
    "user",
    "working_hours",
]


@overload
def item(type: str) -> OwnSmartItem: ...


@overload
def item(type: str, id: SmartItem | int) -> SmartItemActions: ...


def item(type: str, id: SmartItem | int | None = None) -> SmartItemActions:
    """Items of a smart type: the process's own or the one linked to its document, or any other by itself or its id."""
    return OwnSmartItem(type) if id is None else SmartItemActions(type, _id_of(id))
