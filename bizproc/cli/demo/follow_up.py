"""The process of the demonstration: an ordinary one, as anybody would write it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from bizproc import crm, process, wait
from bizproc.model import Deal

SAMPLER = 1
"""The product that is offered."""

CALL = "Call the client back"


@process("demo.follow_up")
async def follow_up(deal: Deal, *, discount: Decimal = Decimal(5), patience: timedelta = timedelta(days=10)) -> str:
    """
    Offer the tea sampler, then follow the deal to its end.

    Args:
        deal: What was ordered.
        discount: Percent off the sampler.
        patience: How long a client may think before somebody calls, and again before the deal is closed.
    """
    await crm.deal.add_product(SAMPLER, quantity=2, discount_percent=discount)
    reached = await wait.until_stage("EXECUTING", timeout=patience)
    if reached.timed_out:
        await crm.deal.add_activity(CALL, important=True, complete_on_stage_change=True)
        reached = await wait.until_stage("EXECUTING", timeout=patience)
    if reached.timed_out:
        await crm.deal.add_comment(f"{deal.title}: no answer to our offer, nor to our call.")
        await crm.deal.change_stage("LOSE")  # the process ends here
    return "won over" if reached.matched else "turned down"
