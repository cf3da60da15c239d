"""What a new store holds before anybody wrote into it."""

from __future__ import annotations

from bizproc.adapters.sql_crm.reading import Runs
from bizproc.adapters.sql_crm.shapes import SHAPES
from bizproc.adapters.sql_crm.stages import add_default_stages
from bizproc.model.pipelines import GENERAL


def seed(transaction: Runs) -> None:
    """The deals' general pipeline and its stages. Does nothing where they are: a store may be opened again."""
    if transaction.execute("SELECT 1 FROM pipeline WHERE id = ?", (GENERAL,)).fetchone():
        return
    shape = SHAPES["pipeline"]
    transaction.execute(shape.insert, shape.row({"id": GENERAL, "kind": "deal", "name": "General", "sort": 10}))
    add_default_stages(transaction, "deal", GENERAL)
