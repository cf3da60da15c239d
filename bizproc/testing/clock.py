"""The virtual clock, which is also an adapter: the demonstration runs on it."""

from bizproc.adapters.virtual_clock import BEGINNING, VirtualClock

__all__ = ["BEGINNING", "VirtualClock"]
