"""
How triggers are shown to people: `on.changed(deal:4, "amount")`, much as they are typed.

From what the journal has of them: it may be of a release that knew less, or more, and what is not known is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bizproc.core.codec import Codec
from bizproc.core.errors import BizprocError
from bizproc.rules.filters import Filter
from bizproc.triggers.keys import sent

_CODEC: Final = Codec()
_SIGNAL: Final = sent("")
_INCOMING: Final = "communication.incoming"

_TYPED: Final = {
    "stage_changed": "stage",
    "updated": "changed",
    "payment.paid": "payment_paid",
    "message.opened": "email_opened",
    "message.link_clicked": "link_clicked",
}
"""Where an event is called otherwise than the trigger that is typed."""


def trigger_text(given: Mapping[str, Any]) -> str:
    """A trigger in words, from the form in which a wait writes it down."""
    return " | ".join(map(_one, _alternatives(given)))


def _alternatives(given: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield given
    for other in given.get("others", ()):
        yield from _alternatives(other)


def _one(given: Mapping[str, Any]) -> str:
    event = str(next(iter(given.get("events", ())), "?"))
    name, about = _of_any_kind(event, given) if _is_of_any_kind(event, given) else _of_a_kind(event, given)
    parts = [*about, *(_quoted(each) for each in (*given.get("fields", ()), *given.get("stages", ())))]
    parts += [_condition(given[each], word) for each, word in _CONDITIONS if given.get(each) is not None]
    parts += [f"by_processes={given['by_processes']}"] if given.get("by_processes") is not None else []
    return f"on.{name}({', '.join(parts)})"


_CONDITIONS: Final = (("became", ""), ("where", "where="))


def _is_of_any_kind(event: str, given: Mapping[str, Any]) -> bool:
    return bool(given.get("any_kind")) or event.startswith(_SIGNAL)


def _of_any_kind(event: str, given: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Its name, and what it is about: `incoming`, and `"email"` and `deal:4`."""
    if event.startswith(_SIGNAL):
        return "signal", [_quoted(event.removeprefix(_SIGNAL))]
    item = [str(given["about"])] if given.get("about") is not None else []
    if event.startswith(_INCOMING):
        kind = event.removeprefix(_INCOMING).removeprefix("_")
        return "incoming", [*([_quoted(kind)] if kind else []), *item]
    return _TYPED.get(event, event), item


def _of_a_kind(event: str, given: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Its name, and the item or the kind of items: `changed`, and `deal:4`."""
    kind, _, happening = event.rpartition(".")
    name = "became" if given.get("became") is not None else _TYPED.get(happening, happening)
    return name, [_quoted(kind) if given.get("item") is None else f"{kind}:{given['item']}"]


def _condition(tree: Any, before: str) -> str:
    """A filter as people write it; of conditions of other makes is only said that there is one."""
    match tree:
        case {"$object": ["Filter", form]}:
            try:
                return f"{before}{Filter.__restored__(_CODEC.decode(json.dumps(form)))}"
            except BizprocError:  # of a version that is not here
                return f"{before}…"
        case _:
            return f"{before}…"


def _quoted(text: Any) -> str:
    return json.dumps(text, ensure_ascii=False)


__all__ = ["trigger_text"]
