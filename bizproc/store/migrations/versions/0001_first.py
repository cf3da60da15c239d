"""The first schema. A store is made with it, never brought to it, so there is nothing to do: the chain begins here."""

from __future__ import annotations

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Never run: no store is older."""
