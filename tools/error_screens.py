"""
Writes tests/unit/errors/screens: what stands on a terminal for each class of error, to be read by people.

    python tools/error_screens.py

Each screen is made of a real instance of the class, by what the command line prints with. A test keeps the files equal.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bizproc.cli.output import screen
from bizproc.core import errors

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "unit" / "errors" / "screens"

BOOKED = SimpleNamespace(user_id=2, start="2026-03-02 09:00", end="2026-03-02 10:00")
DB = "/srv/crm.db"
ON = {"kind": "deal", "id": 5}
RUN = {"instance": "tea-1", "process": "sales.follow_up"}

# Bases of others, which are raised under no name of their own; Cancelled ends an instance, and no command.
BARE = {"ActionError", "BizprocError", "Cancelled", "CodecError", "InstanceError", "StepFailure"}

EXAMPLES: dict[str, dict[str, Any]] = {
    "ProcessDefinitionError": {
        "process": "sales.follow_up",
        "detail": "retention must be more than nothing, got -1 day",
    },
    "RecipeDefinitionError": {"recipe": "sales.follow_up", "detail": "the setting `every` needs its type."},
    "RecipeUnusable": {
        "use": "eu_leads",
        "recipe": "sales.lead_distribution",
        "detail": "no distribution that is installed has it.",
    },
    "WrongArgument": {
        "process": "sales.follow_up",
        "parameter": "discount",
        "expected": "Decimal or int",
        "got": "'7' (str)",
    },
    "NotDurable": {"what": "asyncio.sleep"},
    "NotInProcess": {"command": "deal.add_product"},
    "NestedStep": {"command": "deal.add_product", "step": "scoring.score"},
    "NoTruthValue": {"filter": "F.amount >= 100"},
    "NoSuchAction": {
        "noun": "crm.deal",
        "action": "add_coment",
        "hint": "Did you mean add_comment? It has: add_comment, comments.",
    },
    "NoSuchField": {"path": "F", "field": "ammount", "hint": " Did you mean 'amount'?"},
    "NotJournallable": {"path": "return value.rows[2]", "type": "socket", "detail": "no codec is known for it"},
    "NotRestorable": {"path": "scoring.score", "type": "int", "detail": "expected a whole number, got 'high'"},
    "RecordedError": {"class_name": "billing.NoCredit", "text": "the limit is reached"},
    "NotPrintable": {"what": "a Deal", "instead": "Print one of its fields, such as `deal.title`."},
    "ReplayMismatch": {
        "instance": "tea-1",
        "step": "3",
        "recorded": 'deal.change_stage("WON")',
        "asked": 'deal.change_stage("LOSE")',
    },
    "StepInterrupted": {"name": "billing.charge", "step": "4"},
    "StepTimedOut": {"name": "scoring.score", "step": "4", "timeout": "30s"},
    "StepAborted": {"name": "scoring.score", "step": "4"},
    "InstanceNotFound": {"instance": "tea-9"},
    "InstanceFailed": {**RUN, "error_class": "ProductNotFound", "text": "there is no product 7 in the catalogue."},
    "InstanceCancelled": RUN,
    "InstanceTerminated": {**RUN, "reason": "the client has left"},
    "InstanceStuck": {**RUN, "text": "no process 'sales.follow_up' (version 1) is loaded"},
    "InstanceNotFinished": {**RUN, "state": "waiting", "timeout": "0:00:05"},
    "StartRefused": {"process": "sales.follow_up", "document": "deal:5", "existing": "tea-1", "policy": "refuse"},
    "QueueFull": {
        "process": "sales.follow_up",
        "document": "deal:5",
        "existing": "tea-1",
        "policy": "queue",
        "waiting": 1000,
    },
    "LoopRefused": {
        "process": "sales.tidy",
        "length": 3,
        "most": 2,
        "chain": (
            "deal:5 was changed by sales.sort",
            "deal:5 was changed by sales.tidy",
            "deal:5 was changed by sales.sort",
        ),
    },
    "StartConflict": {"instance": "tea-1", "first": "follow_up(deal:5)", "now": "follow_up(deal:6)"},
    "UnknownProcess": {"process": "sales.folow_up", "version": 1, "loaded": "sales.follow_up 1, sales.tidy 1"},
    "ChildFailed": {
        "child": "tea-1/3",
        "process": "sales.invoice",
        "state": "failed",
        "text": "ProductNotFound: there is no product 7 in the catalogue.",
    },
    "InstancePoisoned": {"instance": "tea-1", "times": 2},
    "UnknownStep": {"instance": "tea-1", "step": "9", "known": "0, 1, 2"},
    "NotResumable": {"instance": "tea-1", "state": "waiting", "detail": "there is no error to go on from"},
    "JournalTooLong": {"instance": "tea-1", "length": 100_000},
    "UnknownItem": {"kind": "dael", "known": "lead, deal, company, contact"},
    "ItemNotFound": ON,
    "LinkedItemMissing": {**ON, "wanted": "company"},
    "AmbiguousItem": {**ON, "wanted": "contact", "candidates": (1, 2)},
    "UnknownField": {"kind": "deal", "field": "ammount", "known": "amount, currency, title"},
    "WrongFieldValue": {"kind": "deal", "field": "amount", "expected": "an amount", "got": "'much' (str)"},
    "UnknownStage": {"kind": "deal", "pipeline": "0", "stage": "WONN", "known": "NEW, EXECUTING, WON, LOSE"},
    "UnknownPipeline": {"kind": "deal", "pipeline": 7, "known": "0, 1"},
    "UnknownUser": {"user": 77},
    "UnknownDepartment": {"department": "slaes", "known": "sales, service"},
    "UnknownGroup": {"group": "slaes", "known": "sales, service"},
    "ProductNotFound": {"product": 7},
    "WrongValue": {"action": "deal.add_product", "parameter": "quantity", "expected": "more than 0", "got": "0"},
    "EmptyText": {"action": "deal.add_comment", "parameter": "text"},
    "NobodyAvailable": {"queue": "Department('sales')", "reasons": "user 1 is absent until 2026-08-31."},
    "RowNotFound": {**ON, "row": 9},
    "OrderNotFound": {"order": 9},
    "UnknownEventType": {"type": "CALL_BAK", "known": "CALL_BACK, INFO"},
    "ResourceBusy": {"kind": "deal", "field": "custom.visit", "bookings": (BOOKED,)},
    "NobodyFound": {**ON, "action": "deal.add_task", "parameter": "responsible"},
    "DateMissing": {**ON, "field": "close_date"},
    "DateTooEarly": {**ON, "field": "close_date", "count": 3, "end": "2026-03-01"},
    "DocumentNeeded": {"action": "wait.until_stage"},
    "WrongFilter": {
        "filter": "F.closed",
        "detail": "this alone is no condition: compare it, as in (F.closed == True).",
    },
    "FilterUnreadable": {"position": 7, "detail": "a value is missing", "shown": "amount >", "mark": "       ^"},
    "CurrencyMismatch": {"what": "deal 5", "has": "USD", "asked": "EUR"},
    "NoDocument": {"kind": "deal"},
    "AlreadyExists": {"kind": "product", "field": "code", "value": "'TEA'"},
    "NoClient": {**ON, "action": "deal.generate_document"},
    "AlreadyConverted": {"kind": "lead", "id": 5, "stage": "CONVERTED"},
    "ConversionRefused": {
        "kind": "lead",
        "id": 5,
        "wanted": "deal",
        "reason": "contact.last_name is missing or empty.",
    },
    "UnknownDetailsTemplate": {"template": "swiss", "known": "french, german"},
    "DetailsMissing": {"kind": "company", "id": 3, "template": "french"},
    "DetailsRefused": {"id": 4, "text": "bank: iban: expected an IBAN, got 'FR00'"},
    "FileMissing": {"sha256": "9f86d081884c…", "where": "/srv/crm.db-files"},
    "FileDamaged": {"sha256": "9f86d081884c…", "where": "/srv/crm.db-files/9f/86d081884c"},
    "TemplateUnfit": {"template": 3, "detail": "it is a text, and no .docx"},
    "DocumentFailed": {"template": 3, "number": "2026-14", "reason": "the template asks for `deal.delivry`"},
    "DocumentNotReady": {"document": 14, "number": "2026-14", "timeout": "1 minute"},
    "NothingToPay": {"order": 9},
    "PaymentUnfit": {"payment": 4, "expected": "180.00 EUR", "got": "18.00 EUR"},
    "NoResponsible": ON,
    "NoSender": {"user": 2},
    "NoClientAddress": {**ON, "wanted": "emails"},
    "BadAddress": {"what": "to", "address": "'robin at tea'"},
    "AttachmentsTooLarge": {"size": 31_000_000, "most": 20_000_000},
    "MessageNotFound": {"message": 12},
    "ChannelMissing": {"channel": "mail", "known": "documents, payments"},
    "SendRefused": {"channel": "mail", "reason": "550 no such mailbox"},
    "SendDelayed": {"channel": "mail", "reason": "421 try again later"},
    "DeliveryUnknown": {"channel": "mail", "step": "4", "reason": "the program was stopped while it was sent"},
    "NeverOpen": {"zone": "Europe/Paris", "moment": "2026-01-05 09:00", "detail": "it has no working hours"},
    "ImportRefused": {
        "text": (
            "nothing was imported, for there is 1 bad row. Mend it, or import all others with --skip-bad.\n"
            "deals.csv:3: stage_id: there is no stage 'WONN'"
        )
    },
    "ExportRefused": {"text": "crm-csv holds deals.csv, and an export overwrites nothing: name an empty folder."},
    "SettingsError": {"where": "bizproc.toml", "detail": "time_zone: there is no time zone 'Mars'."},
    "ExtraMissing": {"what": "the web pages", "extra": "web", "package": "starlette"},
    "PortTaken": {"host": "127.0.0.1", "port": 8480, "detail": "Address already in use"},
    "StoreInUse": {"path": DB, "pid": 4711},
    "StoreMissing": {"path": DB},
    "StoreLost": {"path": DB, "detail": "nothing more is committed here."},
    "StoreLocked": {"path": DB, "detail": "database is locked"},
    "Unanswered": {"path": DB, "owner": 4711, "detail": "its owner (process 4711) has not answered within 0:00:10"},
    "StoreNewer": {"path": DB, "found": 9, "known": 1},
    "StoreUnreadable": {"path": DB, "detail": "file is not a database"},
    "StoreReadOnly": {"path": DB, "detail": "/srv is read-only for this user, or its disk is."},
    "StoreFull": {"path": DB, "detail": "database or disk is full"},
    "StoreDamaged": {"path": DB, "detail": "database disk image is malformed"},
}


def classes() -> dict[str, type[errors.BizprocError]]:
    """All that can come to a screen, by name."""
    named = {name: getattr(errors, name) for name in errors.__all__ if name not in BARE}
    return {name: cls for name, cls in named.items() if issubclass(cls, BaseException)}


def instance_of(name: str) -> errors.BizprocError:
    """One that could have been raised."""
    if name == "StoreError":
        return errors.StoreError("copy.db exists: a copy of a store overwrites nothing. Choose another name.")
    return classes()[name](**EXAMPLES[name])


def family_of(cls: type) -> str:
    """The page that a class stands on: that of the base it belongs to."""
    bases = ("ActionError", "CodecError", "InstanceError", "StepFailure", "StoreError")
    return next((base.__name__ for base in cls.__mro__ if base.__name__ in bases), "others")


def screens() -> dict[str, str]:
    """The files, by name."""
    pages: dict[str, list[str]] = {}
    for name, cls in classes().items():
        pages.setdefault(f"{family_of(cls)}.txt", []).append(f"-- {name}\n{screen(instance_of(name))}\n")
    return {name: "\n".join(parts) for name, parts in sorted(pages.items())}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = screens()
    for old in FOLDER.glob("*.txt"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, "utf-8", newline="\n")


if __name__ == "__main__":
    main()
