"""Hypothesis strategies for what bizproc works with. Hypothesis is optional: it is needed here and nowhere else."""

from bizproc.testing.strategies.filters import filters

__all__ = ["filters"]
