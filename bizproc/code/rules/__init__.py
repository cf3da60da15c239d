"""
What `bizproc check` looks for in process code: one function a rule, with its words and its examples.

Where a rule cannot be certain it is silent: a false alarm costs more trust than a fault costs that a test finds.
"""

from __future__ import annotations

from typing import Final

from bizproc.code.rules.awaiting import FOREIGN_AWAIT, NOT_AWAITED
from bizproc.code.rules.cancelling import SWALLOWED_CANCEL, UNSHIELDED_EFFECT
from bizproc.code.rules.ending import AFTER_END
from bizproc.code.rules.order import SET_ORDER
from bizproc.code.rules.outside import CLOCK, ENVIRONMENT, OUTSIDE, RANDOM
from bizproc.code.rules.rule import Rule
from bizproc.code.rules.sharing import MODULE_STATE, SHARED_QUEUE
from bizproc.code.rules.starting import FILTER_TRUTH, MANY_WAIT

RULES: Final[tuple[Rule, ...]] = (
    CLOCK,
    RANDOM,
    ENVIRONMENT,
    OUTSIDE,
    FOREIGN_AWAIT,
    NOT_AWAITED,
    SET_ORDER,
    MODULE_STATE,
    SHARED_QUEUE,
    SWALLOWED_CANCEL,
    UNSHIELDED_EFFECT,
    AFTER_END,
    MANY_WAIT,
    FILTER_TRUTH,
)

__all__ = ["RULES", "Rule"]
