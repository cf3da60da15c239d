"""The CRM's nouns as frozen attrs classes: deal, contact, company, product row, activity, stage… Pure."""

from bizproc.model.addresses import ClientAddress
from bizproc.model.assignments import Assignment, Considered, Explanation
from bizproc.model.audiences import AudienceChange
from bizproc.model.booking_fields import BookingSettings
from bizproc.model.companies import Company, CompanyFields
from bizproc.model.contacts import Contact, ContactFields
from bizproc.model.conversions import Conversion
from bizproc.model.custom_fields import CustomField, CustomType, Options
from bizproc.model.deals import Deal, DealFields
from bizproc.model.details import (
    Address,
    AddressFields,
    BankDetails,
    BankDetailsFields,
    ClientDetails,
    ClientDetailsFields,
    Details,
    DetailsTemplate,
    DetailsTemplateFields,
)
from bizproc.model.exclusions import Exclusion, ExclusionFields, normal_email, normal_phone
from bizproc.model.files import File, FileFields
from bizproc.model.invoices import Invoice, InvoiceFields
from bizproc.model.items import Item, StagedItem
from bizproc.model.leads import Lead, LeadFields
from bizproc.model.lists import Reference, ReferenceFields
from bizproc.model.mailboxes import Mailbox, MailboxFields, Template, TemplateFields
from bizproc.model.messages import CrmDocument, Message
from bizproc.model.money import Money, Number
from bizproc.model.multi_fields import MultiField
from bizproc.model.orders import Order, Payment
from bizproc.model.organisation import (
    Absence,
    AbsenceFields,
    Department,
    DepartmentFields,
    Group,
    GroupFields,
    WorkingHours,
    WorkingHoursFields,
)
from bizproc.model.pipelines import Pipeline, PipelineFields, Semantics, Stage, StageFields, StageReached
from bizproc.model.planned import Booking, Notification, Task, Wait, WaitOutcome
from bizproc.model.portal import Portal
from bizproc.model.products import Product, ProductFields, ProductRef, ProductRow
from bizproc.model.quotes import Quote, QuoteFields
from bizproc.model.references import ItemRef, ref_of
from bizproc.model.smart_items import SmartItem, SmartItemFields, SmartType, SmartTypeFields
from bizproc.model.timeline import Activity, Comment, HistoryEvent
from bizproc.model.users import Supervisor, User, UserFields, Users, supervisor

__all__ = [
    "Absence",
    "AbsenceFields",
    "Activity",
    "Address",
    "AddressFields",
    "Assignment",
    "AudienceChange",
    "BankDetails",
    "BankDetailsFields",
    "Booking",
    "BookingSettings",
    "ClientAddress",
    "ClientDetails",
    "ClientDetailsFields",
    "Comment",
    "Company",
    "CompanyFields",
    "Considered",
    "Contact",
    "ContactFields",
    "Conversion",
    "CrmDocument",
    "CustomField",
    "CustomType",
    "Deal",
    "DealFields",
    "Department",
    "DepartmentFields",
    "Details",
    "DetailsTemplate",
    "DetailsTemplateFields",
    "Exclusion",
    "ExclusionFields",
    "Explanation",
    "File",
    "FileFields",
    "Group",
    "GroupFields",
    "HistoryEvent",
    "Invoice",
    "InvoiceFields",
    "Item",
    "ItemRef",
    "Lead",
    "LeadFields",
    "Mailbox",
    "MailboxFields",
    "Message",
    "Money",
    "MultiField",
    "Notification",
    "Number",
    "Options",
    "Order",
    "Payment",
    "Pipeline",
    "PipelineFields",
    "Portal",
    "Product",
    "ProductFields",
    "ProductRef",
    "ProductRow",
    "Quote",
    "QuoteFields",
    "Reference",
    "ReferenceFields",
    "Semantics",
    "SmartItem",
    "SmartItemFields",
    "SmartType",
    "SmartTypeFields",
    "Stage",
    "StageFields",
    "StageReached",
    "StagedItem",
    "Supervisor",
    "Task",
    "Template",
    "TemplateFields",
    "User",
    "UserFields",
    "Users",
    "Wait",
    "WaitOutcome",
    "WorkingHours",
    "WorkingHoursFields",
    "normal_email",
    "normal_phone",
    "ref_of",
    "supervisor",
]
