"""The CRM's nouns as frozen attrs classes: deal, contact, company, product row, activity, stage… Pure."""

from bizproc.model.companies import Company, CompanyFields
from bizproc.model.contacts import Contact, ContactFields
from bizproc.model.deals import Deal, DealFields
from bizproc.model.items import Item, StagedItem
from bizproc.model.money import Money, Number
from bizproc.model.multi_fields import MultiField
from bizproc.model.pipelines import Pipeline, PipelineFields, Semantics, Stage, StageFields, StageReached
from bizproc.model.portal import Portal
from bizproc.model.products import Product, ProductFields, ProductRef, ProductRow
from bizproc.model.references import ItemRef, ref_of
from bizproc.model.timeline import Activity, Comment, HistoryEvent
from bizproc.model.users import User, UserFields, Users

__all__ = [
    "Activity",
    "Comment",
    "Company",
    "CompanyFields",
    "Contact",
    "ContactFields",
    "Deal",
    "DealFields",
    "HistoryEvent",
    "Item",
    "ItemRef",
    "Money",
    "MultiField",
    "Number",
    "Pipeline",
    "PipelineFields",
    "Portal",
    "Product",
    "ProductFields",
    "ProductRef",
    "ProductRow",
    "Semantics",
    "Stage",
    "StageFields",
    "StageReached",
    "StagedItem",
    "User",
    "UserFields",
    "Users",
    "ref_of",
]
