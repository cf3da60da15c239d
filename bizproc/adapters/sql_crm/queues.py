"""
Queues in the store: facts are read, the rules decide, and what was decided is written, all in one transaction.

So two that ask at once get their turns one after the other, a write that fails uses up no turn, and a step that is
tried again finds the queue as it was. Nothing is decided here; `rules/assigning.py` decides.

What is held leaves as soon as somebody can take it: whenever something is asked of its queue, and with every change in
the CRM, for that may be what it waited for (`relieve`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Final

from attrs import evolve, frozen

from bizproc.adapters.sql_crm import items, timeline
from bizproc.adapters.sql_crm.candidates import roster_of
from bizproc.adapters.sql_crm.people import named
from bizproc.adapters.sql_crm.reading import read
from bizproc.adapters.sql_crm.shapes import CODEC, Shape, shape_of
from bizproc.core.commands import Event
from bizproc.core.errors import ActionError, ItemNotFound, NobodyAvailable, UnknownField, UnknownItem, UnknownUser
from bizproc.model.assignments import Assignment, Explanation, Pick, reasons_of
from bizproc.model.portal import Portal
from bizproc.model.references import ItemRef
from bizproc.ports.performing import Performing
from bizproc.rules.assigning import Decision, Request, assign
from bizproc.rules.queue_state import FRESH, QueueState, exported, imported
from bizproc.rules.queues import UserQueue
from bizproc.store.types import json_text, json_value, moment_text

_STATE: Final = "SELECT state FROM queue WHERE name = ? AND part = ?"
_SAVE: Final = (
    "INSERT INTO queue (name, part, state) VALUES (?, ?, ?) "
    "ON CONFLICT (name, part) DO UPDATE SET state = excluded.state"
)
_FORGET: Final = "DELETE FROM queue WHERE name = ? AND part = ?"
_LINES: Final = "SELECT DISTINCT queue, part FROM hold ORDER BY queue, part"
_ANY: Final = "SELECT 1 FROM hold LIMIT 1"
_LINE: Final = (
    "SELECT priority, arrived, number, kind, item, responsible, asked FROM hold "
    "WHERE queue = ? AND part = ? AND (priority, arrived, number) > (?, ?, ?) "
    "ORDER BY priority, arrived, number LIMIT ?"
)
_HEAD: Final = "SELECT number, asked FROM hold WHERE queue = ? AND part = ? ORDER BY priority, arrived, number LIMIT 1"
_BEFORE_ALL: Final = (-(2**63), "", 0)
_MOST_AT_A_TIME: Final = 1_000
_PLACE: Final = "SELECT arrived, number FROM hold WHERE queue = ? AND part = ? AND kind = ? AND item = ?"
_BEFORE: Final = (
    "SELECT 1 FROM hold WHERE queue = ? AND part = ? AND (priority, arrived, number) < (?, ?, ?) "
    "AND NOT (kind = ? AND item = ?) LIMIT 1"
)
# Who is held already keeps the place.
_HOLD: Final = (
    "INSERT INTO hold (queue, part, priority, arrived, kind, item, responsible, asked) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (queue, part, kind, item) "
    "DO UPDATE SET priority = excluded.priority, responsible = excluded.responsible, asked = excluded.asked"
)
_HELD: Final = "SELECT number, responsible FROM hold WHERE kind = ? AND item = ?"
_LET_GO: Final = "DELETE FROM hold WHERE queue = ? AND part = ? AND kind = ? AND item = ?"

_WHOSE_TIME: Final = ("absence", "working_hours", "user", "department", "group")


@frozen(kw_only=True)
class Asked:
    """What was asked of a queue, as it is kept while it is held."""

    queue: UserQueue
    pick: Pick
    skip_absent: bool
    author: int | None
    seed: str


@frozen
class Place:
    """One partition of one queue: where a state is kept and a line stands."""

    name: str
    part: str = ""

    def __str__(self) -> str:
        return f"{self.name} [{self.part}]" if self.part else self.name


def change_responsible(
    performing: Performing,
    portal: Portal,
    ref: ItemRef,
    queue: UserQueue,
    *,
    pick: Pick,
    skip_absent: bool,
    name: str | None,
    author: int | None,
) -> Assignment:
    """Make one of a queue responsible for an item. See `ports.crm.Crm.change_responsible`."""
    shape, item = _item(performing, ref)
    place = Place(name or queue.name or _default_name(performing, ref), _part(shape, item, queue))
    heads, told = _heads(performing), len(performing.events)
    asked = Asked(queue=queue, pick=pick, skip_absent=skip_absent, author=author, seed=performing.key)
    # Before the line moves, that what cannot be understood changes nothing.
    named(performing.transaction, queue.members)
    _release(performing, portal, place)
    _, item = _item(performing, ref)  # it may have stood in the line itself
    done = _give(performing, portal, place, ref, asked, item, in_line=_waits(performing, place, ref, queue))
    if not done.held:
        _release(performing, portal, place)  # it may have stood before others, whose queue has other members
    _tell_who_waits_for_time(performing, heads, told)
    return done


def relieve(performing: Performing, portal: Portal, changed: ItemRef | None = None) -> None:
    """Something has changed: whatever can leave its line now, leaves; what needs nobody any more, too."""
    heads, told = _heads(performing), len(performing.events)
    if not heads:
        return
    if changed is not None:
        _leave(performing, changed)
    # Again while anything leaves: what somebody gives away leaves room for what another line holds.
    moved = True
    while moved:
        moved = False
        for place in heads:
            moved = _release(performing, portal, place) or moved
    other = changed is not None and _may_have_another_moment(performing, portal, changed)
    _tell_who_waits_for_time(performing, heads, told, other_moment=other)


def still_held(performing: Performing, portal: Portal) -> tuple[int, datetime | None]:
    """How many are held, and when the first of a line can leave, if nothing changes but the time."""
    moments = [_moment(performing, portal, place) for place in _heads(performing)]
    (count,) = performing.transaction.execute("SELECT count(*) FROM hold").fetchone()
    return count, min((moment for moment in moments if moment is not None), default=None)


# -- who is told -------------------------------------------------------------------------------------------------------


def _heads(performing: Performing) -> dict[Place, tuple[Any, ...]]:
    """The lines, and the first of each, with what was asked for it."""
    lines = [Place(name, part) for name, part in performing.transaction.execute(_LINES).fetchall()]
    return {line: performing.transaction.execute(_HEAD, (line.name, line.part)).fetchone() for line in lines}


def _moment(performing: Performing, portal: Portal, place: Place) -> datetime | None:
    """When the first of a line can leave, if nothing changes but the time; of those that can be given away at all."""
    for ref, _, asked in _line(performing, place):
        with suppress(ActionError):
            decision, _ = _decide(performing, portal, place, ref, asked, _item(performing, ref)[1])
            return decision.explain.until
    return None


def _may_have_another_moment(performing: Performing, portal: Portal, changed: ItemRef) -> bool:
    """
    Whether this change may let the first of a line leave at another moment than before it.

    Whoever has room only now, and is absent, or not at work: their return is a moment that was none before.
    """
    if changed.kind in _WHOSE_TIME:
        return True
    for place in _heads(performing):
        ref, _, asked = next(_line(performing, place))
        counted = ref.kind if asked.queue.load == "open_items" else "activity"
        if (asked.queue.capacity is not None and counted == changed.kind) and _moment(performing, portal, place):
            return True
    return False


def _tell_who_waits_for_time(
    performing: Performing, before: dict[Place, tuple[Any, ...]], told: int, *, other_moment: bool = False
) -> None:
    """Lines have others in front, or none at all: whoever waits for the moment at which one can leave asks anew."""
    if not before or any(event.name in ("queue.moved", "queue.empty") for event in performing.events[told:]):
        return
    after = _heads(performing)
    if not after:
        _tell(performing, "queue.empty")
    elif other_moment or after != before:
        _tell(performing, "queue.moved")


def _tell(performing: Performing, event: str) -> None:
    performing.emit(Event(event, "queue:all"))


# -- where -------------------------------------------------------------------------------------------------------------


def _item(performing: Performing, ref: ItemRef) -> tuple[Shape, Any]:
    shape = shape_of(ref.kind)
    if not shape.is_item:
        raise UnknownItem(kind=ref.kind, known="of those that have somebody responsible: leads, deals, contacts…")
    return shape, read(performing.transaction, shape, ref.id)


def _default_name(performing: Performing, ref: ItemRef) -> str:
    """The queue's name where nobody gave one (D8): the process, the kind of item, the function that asked."""
    parts = (performing.process or "by hand", ref.kind, performing.function())
    return "/".join(part for part in parts if part)


def _part(shape: Shape, item: Any, queue: UserQueue) -> str:
    if queue.partition is None:
        return ""
    by, _, code = queue.partition.partition(".")
    if by not in shape.fields or bool(code) != (by == "custom"):
        raise UnknownField(kind=shape.kind, field=queue.partition, known=f"{', '.join(shape.fields)}, custom.<code>")
    value = item.custom.get(code) if code else getattr(item, by)
    return CODEC.encode(value)


# -- one item ----------------------------------------------------------------------------------------------------------


def _give(
    performing: Performing, portal: Portal, place: Place, ref: ItemRef, asked: Asked, item: Any, *, in_line: bool
) -> Assignment:
    """Decide, and do what was decided."""
    decision, state = _decide(performing, portal, place, ref, asked, item)
    if in_line and decision.result == "chosen":
        decision = Decision(user=None, explain=_behind(decision.explain))
    elif state is not None:
        performing.transaction.execute(_SAVE, (place.name, place.part, json_text(exported(state))))
    if decision.result == "error":
        raise NobodyAvailable(queue=str(place), reasons=reasons_of(decision.explain.candidates))
    if decision.result == "fallback":
        _check_fallback(performing, place, decision.user)
    if decision.result == "held":
        _hold(performing, place, ref, asked, item)
    else:
        performing.transaction.execute(_LET_GO, (place.name, place.part, ref.kind, ref.id))
    return _carry_out(performing, portal, ref, asked, item, decision)


def _check_fallback(performing: Performing, place: Place, user: int | None) -> None:
    row = performing.transaction.execute("SELECT active FROM user WHERE id = ?", (user,)).fetchone()
    if row is None:
        raise UnknownUser(user=user)
    if not row[0]:
        raise NobodyAvailable(queue=str(place), reasons=f"User {user}, who gets it then, is no longer active.")


def _decide(
    performing: Performing, portal: Portal, place: Place, ref: ItemRef, asked: Asked, item: Any
) -> tuple[Decision, QueueState | None]:
    """What the rules say; the state if it has moved."""
    queue, before = asked.queue, state_of(performing, place.name, place.part)
    policy = queue.policy(pick=asked.pick, skip_absent=asked.skip_absent)
    request = Request(
        record=str(ref),
        at=performing.now,
        current=item.responsible_id,
        counted=queue.load == "open_items" and not getattr(item, "closed", False),
        seed=asked.seed,
        fallback=queue.fallback,
    )
    roster = roster_of(performing, portal, ref.kind, queue, policy)
    decision, after = assign(policy, roster, before, request, name=str(place))
    return decision, None if after == before else after


def _behind(explain: Explanation) -> Explanation:
    """Somebody could take it, but others wait who came before."""
    candidates = tuple(
        evolve(each, reason="not_turn", turn=None) if each.turn is not None else each for each in explain.candidates
    )
    return evolve(explain, result="held", candidates=candidates)


def _carry_out(
    performing: Performing, portal: Portal, ref: ItemRef, asked: Asked, item: Any, decision: Decision
) -> Assignment:
    previous, user = item.responsible_id, decision.user
    changed = user is not None and user != previous
    if user is not None and changed:
        items.update(performing, portal, ref, {"responsible_id": user}, asked.author)
        timeline.notify(performing, ref, user, f"You are responsible for {item.title or ref}.", None, None)
    return Assignment(
        user=user, previous=previous, changed=changed, held=decision.result == "held", explain=decision.explain
    )


# -- the line ----------------------------------------------------------------------------------------------------------


def _waits(performing: Performing, place: Place, ref: ItemRef, queue: UserQueue) -> bool:
    """Whether others wait that come before it; they could not be given away just now."""
    if queue.nobody != "hold":
        return False
    tx, own = performing.transaction, (ref.kind, ref.id)
    arrived, number = tx.execute(_PLACE, (place.name, place.part, *own)).fetchone() or _BEHIND_ALL
    key = (queue.priority, arrived, number)
    return tx.execute(_BEFORE, (place.name, place.part, *key, *own)).fetchone() is not None


_BEHIND_ALL: Final = ("~", 0)
"""Where somebody new stands: no moment's text is greater."""


def _hold(performing: Performing, place: Place, ref: ItemRef, asked: Asked, item: Any) -> None:
    if not performing.transaction.execute(_ANY).fetchone():
        _tell(performing, "queue.holding")
    row = (
        *(place.name, place.part, asked.queue.priority, moment_text(performing.now)),
        *(ref.kind, ref.id, item.responsible_id, CODEC.encode(asked, Asked)),
    )
    performing.transaction.execute(_HOLD, row)


def _release(performing: Performing, portal: Portal, place: Place) -> bool:
    """Give away what waits, the first first, until nobody can take the first; whether anything left."""
    left = False
    for ref, responsible, asked in _line(performing, place):
        with _undone_together(performing):
            item = _still_waits(performing, ref, responsible)
            if item is None:
                performing.transaction.execute(_LET_GO, (place.name, place.part, ref.kind, ref.id))
            elif _give(performing, portal, place, ref, asked, item, in_line=False).held:
                return left
            left = True
    return left


def held(performing: Performing, name: str, part: str = "") -> tuple[ItemRef, ...]:
    """What waits in line, in order."""
    return tuple(ref for ref, _, _ in _line(performing, Place(name, part)))


def _line(performing: Performing, place: Place) -> Iterator[tuple[ItemRef, int | None, Asked]]:
    """What waits in line, in order. Most ask for the first alone, and any change asks: so few are read at first."""
    place_in_line, count = _BEFORE_ALL, 1
    while rows := performing.transaction.execute(_LINE, (place.name, place.part, *place_in_line, count)).fetchall():
        for *_, kind, id_, responsible, asked in rows:
            yield ItemRef(kind, id_), responsible, CODEC.decode(asked, Asked)
        place_in_line, count = tuple(rows[-1][:3]), min(count * 4, _MOST_AT_A_TIME)


def _leave(performing: Performing, ref: ItemRef) -> None:
    """An item that is gone, or that somebody was given by hand, waits for nobody."""
    for number, responsible in performing.transaction.execute(_HELD, (ref.kind, ref.id)).fetchall():
        if _still_waits(performing, ref, responsible) is None:
            performing.transaction.execute("DELETE FROM hold WHERE number = ?", (number,))


def _still_waits(performing: Performing, ref: ItemRef, responsible: int | None) -> Any:
    """The item, if it is there and nobody has given it to somebody else meanwhile."""
    try:
        _, item = _item(performing, ref)
    except (ItemNotFound, UnknownItem):
        return None
    return item if item.responsible_id == responsible else None


@contextmanager
def _undone_together(performing: Performing) -> Iterator[None]:
    """One that cannot be given away, since what it needs is gone, keeps its place and harms nobody else's action."""
    told = len(performing.events)
    try:
        with performing.transaction.savepoint():
            yield
    except ActionError:
        del performing.events[told:]


# -- the state ---------------------------------------------------------------------------------------------------------


def state_of(performing: Performing, name: str, part: str = "") -> QueueState:
    """What a queue remembers."""
    row = performing.transaction.execute(_STATE, (name, part)).fetchone()
    return FRESH if row is None else imported(json_value(row[0]))


def set_state(performing: Performing, name: str, part: str, state: QueueState) -> None:
    """Make a queue remember what was exported; the state of a fresh queue makes it forget."""
    if state == FRESH:
        performing.transaction.execute(_FORGET, (name, part))
    else:
        performing.transaction.execute(_SAVE, (name, part, json_text(exported(state))))
