"""An item as the command line names it: `deal:5`."""

from __future__ import annotations

from bizproc.cli.mistakes import Mistake
from bizproc.model.kinds import class_of
from bizproc.model.references import LARGEST_ID, ItemRef


def parse_document(text: str) -> ItemRef:
    """The item that is meant. Raises Mistake, UnknownItem."""
    kind, colon, number = text.partition(":")
    is_id = number.isascii() and number.isdigit() and len(number) < 20 and int(number) <= LARGEST_ID
    if not (kind and colon and is_id):
        raise Mistake(f"--document: expected a kind of item and an id, as deal:5, got {text!r}.")
    class_of(kind)  # whether there is such a kind; smart items of all types are of one class
    return ItemRef(kind, int(number))
