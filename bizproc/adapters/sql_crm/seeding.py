"""What a new store holds before anybody wrote into it."""

from __future__ import annotations

import secrets

from bizproc.adapters.sql_crm.reading import Runs
from bizproc.adapters.sql_crm.shapes import SHAPES
from bizproc.adapters.sql_crm.stages import add_default_stages
from bizproc.model.lists import LISTS
from bizproc.model.pipelines import DEFAULT_STAGES, GENERAL


def seed(transaction: Runs, secret: str | None = None) -> None:
    """
    The deals' general pipeline, the stages of each kind of item, the lists of fields, the secret that signs links.

    Does nothing where they are: a store may be opened again.

    Args:
        transaction: Where to write.
        secret: What signs links, in hexadecimal digits; drawn at random, if left out.
    """
    if transaction.execute("SELECT 1 FROM pipeline WHERE id = ?", (GENERAL,)).fetchone():
        return
    pipeline, reference = SHAPES["pipeline"], SHAPES["reference"]
    transaction.execute(pipeline.insert, pipeline.row({"id": GENERAL, "kind": "deal", "name": "General", "sort": 10}))
    transaction.execute("INSERT INTO portal_secret (id, secret) VALUES (1, ?)", (secret or secrets.token_hex(32),))
    for kind in DEFAULT_STAGES:
        add_default_stages(transaction, kind, GENERAL)
    for list_, entries in LISTS.items():
        for place, (code, name) in enumerate(entries.items(), start=1):
            entry = {"id": None, "list": list_, "code": code, "name": name, "sort": place * 10, "system": True}
            transaction.execute(reference.insert, reference.row(entry))
