"""
What the names of bizproc are in process code: which make a command, which touch the world.

Texts only. A test holds them equal to the face.
"""

from __future__ import annotations

from typing import Final

MAKES_PROCESS: Final = "bizproc.process"
MAKES_STEP: Final = "bizproc.action"
SHIELD: Final = "bizproc.shield"
START: Final = "bizproc.start"
MAKES_RECIPE: Final = "bizproc.recipe"
FILTER: Final = "bizproc.F"

COMMANDS: Final = frozenset(
    {
        "attempt",
        "continue_as_new",
        "for_each",
        "gather",
        "new_id",
        "note",
        "now",
        "patched",
        "race",
        "random",
        "shield",
        "start",
    }
)
"""The verbs that make something to be awaited."""

READS: Final = frozenset(
    {"activities", "comments", "details", "find", "get", "orders", "products", "read", "tasks"}
    | {"info", "payment_info", "product_info"}
)
"""What may be asked of an item without changing anything."""

STAGE_WAITS: Final = frozenset({"bizproc.wait.until_stage", "bizproc.wait.until_status"})

# Where a name of the face is really at home: a project may import it from there, too.
_HOMES: Final = (
    ("bizproc.core.process.", "bizproc."),
    ("bizproc.core.steps.", "bizproc."),
    ("bizproc.core.outcome.", "bizproc."),
    ("bizproc.verbs.", "bizproc."),
    ("bizproc.recipe.recipe", "bizproc.recipe"),
    ("bizproc.core.errors.", "bizproc.errors."),
)


def as_faced(name: str) -> str:
    """A dotted name of bizproc as the face has it."""
    for home, faced in _HOMES:
        if name.startswith(home):
            return faced + name[len(home) :]
    return name


def is_crm_action(origin: str) -> bool:
    """Whether calling this makes an action on an item: `bizproc.crm.deal.add_product`, and not `bizproc.crm.deal`."""
    return origin.startswith("bizproc.crm.") and "." in origin.removeprefix("bizproc.crm.")


def makes_command(origin: str) -> bool:
    """Whether calling this makes something to be awaited."""
    verb = origin.removeprefix("bizproc.")
    return origin != verb and (verb in COMMANDS or is_wait(origin) or is_crm_action(origin))


def is_wait(origin: str) -> bool:
    """Whether calling this makes a wait."""
    return origin.startswith("bizproc.wait.") and origin.count(".") == 2


def is_effect(origin: str) -> bool:
    """Whether awaiting what this makes changes something in the world."""
    return origin == START or (is_crm_action(origin) and origin.rpartition(".")[2] not in READS)
