"""The recipe `sales.exclusions`: leads that are none are closed, and nobody works on them."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from bizproc import Filter, Process, crm, on, process, recipe
from bizproc.model import Lead, normal_email, normal_phone
from bizproc_sales.settings import codes


@recipe("sales.exclusions", since="1.0", needs=("stage.lead.{status}",))
def exclusions(*, patterns: Sequence[str], status: str = "JUNK", only: Filter | None = None) -> Process[Any, None]:
    """
    Close new leads whose address, phone or name fits a pattern, exclude them, and stop what runs on them.

    In a pattern `*` stands for anything, `?` for one character: `*@spam.example`, `+33899*`, `*casino*`. Small and
    capital letters are the same. To see what it would do to the leads that are there, preview it on them.

    Args:
        patterns: What leads are compared with: their e-mail addresses, phones, titles, names and companies.
        status: Where they go; a final one.
        only: Which leads are looked at; all if left out.
    """
    unwanted = tuple(pattern.strip().lower() for pattern in codes("sales.exclusions", "patterns", patterns))

    @process("sales.exclusions", starts=on.created("lead", where=only, by_processes=True))
    async def look_at(lead: Lead) -> None:
        """Close the lead if it fits a pattern."""
        fitting = next((pattern for pattern in unwanted if fits(lead, pattern)), "")
        if fitting and not lead.closed:
            await crm.lead.stop_processes(f"excluded: {fitting}")
            await crm.lead.add_to_exclusions(comment=f"Fits {fitting}")
            await crm.lead.add_comment(f"Excluded: it fits {fitting}")
            await crm.lead.change_status(status)  # which ends this process, too

    return look_at


def fits(lead: Lead, pattern: str) -> bool:
    """Whether anything that the lead says of itself fits a pattern."""
    phones = [normal_phone(phone.value) for phone in lead.phones]
    emails = [normal_email(email.value) for email in lead.emails]
    texts = [lead.title.lower(), lead.full_name.lower(), lead.company_title.lower()]
    return any(fnmatchcase(text, pattern) for text in (*phones, *emails, *texts) if text)
