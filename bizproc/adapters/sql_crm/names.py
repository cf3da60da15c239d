"""What things are called: users, items, files by their id, stages and entries of lists by their code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from bizproc.adapters.sql_crm import stages
from bizproc.adapters.sql_crm.definitions import option_label
from bizproc.adapters.sql_crm.reading import Runs, is_id, read
from bizproc.adapters.sql_crm.shapes import shape_of
from bizproc.core.errors import ItemNotFound, UnknownItem
from bizproc.model.printing import called

_ENTRY: Final = "SELECT name FROM reference WHERE list = ? AND code = ?"


def names(connection: Runs, wanted: Iterable[tuple[str, Any]]) -> dict[tuple[str, Any], str]:
    """See `ports.crm.Crm.names`."""
    found = {(kind, key): _name(connection, kind, key) for kind, key in wanted}
    return {which: name for which, name in found.items() if name is not None}


def _name(connection: Runs, kind: str, key: Any) -> str | None:
    match kind:
        case "stage":
            stage = stages.stage_called(connection, *key)
            return None if stage is None else stage.name or stage.code
        case "reference":
            row = connection.execute(_ENTRY, key).fetchone()
            return option_label(connection, *key) if row is None else row[0] or key[1]
        case _:
            return _called(connection, kind, key)


def _called(connection: Runs, kind: str, id: Any) -> str | None:
    if not is_id(id):
        return None
    try:
        return called(read(connection, shape_of(kind), id))
    except (ItemNotFound, UnknownItem):  # a custom field may point at what has gone since, or at what never was
        return None
