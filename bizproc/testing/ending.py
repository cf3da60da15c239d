"""
How a story ended: the CRM's data, how its instances stand, and what it returned.

Two endings can be compared, and read line by line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import field, frozen

from bizproc.adapters import sql_crm
from bizproc.testing.world import World

Rows = tuple[tuple[str, tuple[Any, ...]], ...]

# What instances left behind; not their journals: how often something was tried may differ.
_INSTANCES = (
    "SELECT id, process, document_type, document_id, state, ended_by, outcome, waits_for, until, started_at, ended_at "
    "FROM instance ORDER BY id"
)
_NOTES = (
    "SELECT instance.id, instance_log.at, text, facts "
    "FROM instance_log JOIN instance ON instance.key = instance ORDER BY 1, 2, 3"
)


@frozen
class Ending:
    """How a story ended."""

    crm: Rows
    instances: Rows
    messages: Rows
    returned: Any = field(eq=repr)

    def lines(self) -> list[str]:
        """The ending as text, a line a row."""
        rows = [f"{where}: {', '.join(map(repr, row))}" for where, row in (*self.crm, *self.instances, *self.messages)]
        return [*rows, f"returned: {self.returned!r}"]


async def ending_of(world: World, returned: Any) -> Ending:
    """How the story in this world has ended."""
    return await world.runtime.read(
        lambda connection: Ending(_crm(connection), _instances(connection), _messages(world), returned)
    )


def _crm(connection: Any) -> Rows:
    # But for the secret that signs links: each store has another.
    tables = [table.name for table in sql_crm.metadata.sorted_tables if table.name != "portal_secret"]
    return tuple((name, row) for name in tables for row in _sorted(connection.execute(f"SELECT * FROM {name}")))  # noqa: S608  our own names


def _instances(connection: Any) -> Rows:
    named = (("instance", _INSTANCES), ("note", _NOTES))
    return tuple((name, row) for name, text in named for row in connection.execute(text).fetchall())


def _messages(world: World) -> Rows:
    """What the outside has, as a set by step key: several at once may arrive in another order."""
    sent = {
        (name, one.key, repr(one.payload)) for name, channel in world.outside.channels.items() for one in _sent(channel)
    }
    return tuple(("message", row) for row in sorted(sent))


def _sent(channel: Any) -> list[Any]:
    return list(getattr(channel, "sent", ()))


def _sorted(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=repr)
