"""The recipe `billing.document`: a document goes out, and somebody sees that it is read."""

from __future__ import annotations

from typing import Any, Literal

from bizproc import Filter, Process, crm, on, process, recipe, wait
from bizproc.errors import WrongArgument
from bizproc.model import Deal


@recipe(
    "billing.document",
    since="1.0",
    needs=(
        "template.{template}",
        "stage.deal.{stage}",
        "provider.documents",
        "provider.mail",
    ),
)
def document(
    *,
    template: str,
    stage: str = "PREPARATION",
    subject: str = "Your document {number}",
    text: str = "Dear customer,\n\nplease find attached {number}. You can read it here, too: {link}",
    nudge_after: int = 3,
    nudge: Literal["mail", "call"] = "mail",
    only: Filter | None = None,
) -> Process[..., Any]:
    """
    Make a document with signature and stamp, mail its PDF, and nudge the client where the mail is not read.

    Args:
        template: The code of the template that it is made from.
        stage: The deal's stage in which it begins.
        subject: Of the mail; {number} is that of the document.
        text: Of the mail; {number} and {link}, the page on which the document can be read, are filled in.
        nudge_after: After how many working days the client is nudged.
        nudge: Whether the mail is sent again, or somebody is to call.
        only: Which deals, as they are when they enter the stage; all if left out.
    """

    if not 1 <= nudge_after <= 365:
        expected = "working days, from 1 to 365"
        raise WrongArgument(
            process="billing.document", parameter="nudge_after", expected=expected, got=repr(nudge_after)
        )

    @process("billing.document", starts=on.stage("deal", stage, where=only))
    async def send_document(deal: Deal) -> str:
        """Mail a document of the deal, and see that it is read."""
        made = await crm.deal.create_document(template, wait_for_pdf=True, with_stamp=True, public_link=True)
        attachments = [] if made.pdf_id is None else [await crm.drive.file(made.pdf_id)]
        link = f"[url]{made.public_url}[/url]"
        called, letter = (each.replace("{number}", made.number).replace("{link}", link) for each in (subject, text))

        sent = await crm.deal.send_email(called, letter, attachments=attachments, track_clicks=True)
        await wait.working_days(nudge_after)
        message = await crm.message(sent).read()
        if message.opened_at is not None:
            return "read"
        if (await crm.deal.read()).closed:
            return "closed"
        if nudge == "mail":
            await crm.deal.send_email(called, letter, attachments=attachments, track_clicks=True)
        else:
            await crm.deal.schedule_call(f"Has {made.number} arrived?", complete_on_stage_change=True)
        return "nudged"

    return send_document
