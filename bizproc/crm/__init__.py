"""
What may be done to each kind of item: names, no logic.

    crm.deal.add_product(7)        the deal that the process runs on, or the one linked to its document
    crm.deal(42).add_product(7)    any other
    crm.deal.create(title="Tea")   a new one
"""

from typing import Final

from bizproc.crm.companies import OwnCompany
from bizproc.crm.contacts import OwnContact
from bizproc.crm.deals import OwnDeal
from bizproc.crm.nouns import Pipelines, Products, Stages, Users

deal: Final = OwnDeal()
contact: Final = OwnContact()
company: Final = OwnCompany()
user: Final = Users()
product: Final = Products()
pipeline: Final = Pipelines()
stage: Final = Stages()

__all__ = ["company", "contact", "deal", "pipeline", "product", "stage", "user"]
