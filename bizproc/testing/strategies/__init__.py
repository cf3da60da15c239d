"""Hypothesis strategies for what bizproc works with. Hypothesis is optional: it is needed here and nowhere else."""

from bizproc.testing.strategies.items import companies, contacts, deals, leads, products, users
from bizproc.testing.strategies.moments import moments
from bizproc.testing.strategies.parameters import parameters

__all__ = ["companies", "contacts", "deals", "leads", "moments", "parameters", "products", "users"]
