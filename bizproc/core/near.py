"""What may have been meant by a name that is nothing's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

MOST: Final = 20
"""So many names are listed; where there are more nobody reads them."""

_LIKE: Final = 0.6

_AS_GOOD: Final = 0.1
"""Names that are this much less like than the best one are not told: all of a module are a little like each other."""


def near(name: str, known: Iterable[str]) -> list[str]:
    """Those that are like it, the most like it first."""
    from difflib import SequenceMatcher, get_close_matches  # for who has misspelt something, not for each start

    found = get_close_matches(name, sorted(set(known)), n=3, cutoff=_LIKE)
    likeness = [SequenceMatcher(None, each, name).ratio() for each in found]
    return [each for each, like in zip(found, likeness, strict=True) if like >= likeness[0] - _AS_GOOD]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one that is the most like it; None where nothing is."""
    return next(iter(near(name, known)), None)


def meant(name: str, known: Iterable[str]) -> str:
    """`Did you mean …?`; empty where nothing is like it."""
    found = near(name, known)
    return f"Did you mean {' or '.join(found)}?" if found else ""


def hint(name: str, known: Iterable[str]) -> str:
    """`Did you mean …?`, or which ones there are."""
    names = sorted(set(known))
    more = f" and {len(names) - MOST:,} more" if len(names) > MOST else ""
    return meant(name, names) or (f"There are: {', '.join(names[:MOST])}{more}." if names else "There are none.")
