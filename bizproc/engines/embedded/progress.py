"""
Where an instance stands: its driver, and what the engine keeps for each open command; and how replay gets it there.

Nothing is written here and nothing is performed. Reading a journal on other code (`bizproc check`) needs no more than
this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from attrs import field, frozen

from bizproc.core.codec import Codec
from bizproc.core.commands import Action, AwaitChild, Command, Forgiven, Listening, Patched, StartChild
from bizproc.core.driver import Ask, Driver
from bizproc.core.errors import ActionError, NotJournallable, NotRestorable, ReplayMismatch
from bizproc.core.fork import Body
from bizproc.core.frames import drop
from bizproc.core.process import Call
from bizproc.engines.embedded.journal import Recorded, Signature, signature, unwritten
from bizproc.engines.embedded.showing import differing, readable
from bizproc.model.portal import Portal
from bizproc.store.types import moment

_PORTAL: Final = Portal()


@frozen
class This:
    """What a process can ask about its own instance."""

    id: str
    process: str
    document: Any
    _print_in: Callable[[], Portal] = field(default=Portal, repr=False, eq=False)

    @property
    def portal(self) -> Portal:
        """In whose language and zone it prints. Asked by `printed` alone: from then on the answer stays the same."""
        return self._print_in()


MakeDriver: TypeAlias = Callable[[Call[Any], Body, This], Driver]


def plain_driver(_call: Call[Any], coroutine: Body, this: This) -> Driver:
    """The driver of an instance, unless somebody watches."""
    return Driver(coroutine, this)


class Progress:
    """
    A driver and what belongs to its open commands.

    Attributes:
        id: The instance, as people call it.
        waits: The waits that began and are open, with their deadlines.
        backoffs: Steps that failed and are to be tried again, with the moment.
        attempts: How often the bodies of open steps have run.
        unwritable: What is to be raised at commands that cannot be written.
        cancelling: Whether the instance as a whole was cancelled.
        has_children: Whether this run has started any.
        portal: In whose language and zone `printed` prints in this run.
        has_printed: Whether it has printed anything: then the portal must be written down, as it was.
        patches: What `patched` was asked for and has answered with False, for the journal was written without it.
        left: After a replay: commands that the answers of the last turn dropped, which may not have been written yet.
        left_branches: Likewise, the branches that were cancelled: how their addresses begin, and what was open then.
    """

    def __init__(
        self,
        id: str,
        call: Call[Any],
        codec: Codec,
        portal: Portal = _PORTAL,
        make_driver: MakeDriver = plain_driver,
    ) -> None:
        self._make_driver: Final = make_driver
        self.id: Final = id
        self.call: Final = call
        self.waits: dict[str, datetime | None] = {}
        self.backoffs: dict[str, str] = {}
        self.attempts: dict[str, int] = {}
        self.unwritable: dict[str, NotJournallable] = {}
        self.cancelling = False
        self.has_children = False
        self.portal = portal
        self.has_printed = False
        self.patches: list[str] = []
        self.left: list[Ask] = []
        self.left_branches: list[tuple[str, list[Ask]]] = []
        self._codec: Final = codec
        self._dropped: dict[str, Ask] = {}
        self._reached: dict[str, int] | None = None
        self._raised: list[tuple[BaseException, str]] = []
        self.driver = self._new_driver()

    def replay(self, rows: Sequence[Recorded]) -> list[Ask]:
        """
        Come to where the journal ends; the commands that are open there.

        Raises:
            ReplayMismatch: The code asks for something else than was recorded.
            NotRestorable: A recorded value cannot be read back.
        """
        recorded = {row.address: row for row in rows}
        self._reached = None
        self.driver.begin()
        self._sign_all(recorded)
        self.take_left()
        turn: set[str] = set()
        for row in rows:
            performed = self._was_performed(row)
            if performed and row.address not in turn:
                # This was not asked for yet when the turn before was written: what that one dropped, this one wrote.
                turn = set(self.driver.asks)
                self.take_left()
            self._replay_one(row)
            self._sign_all(recorded)
            if not performed:
                # Delivered in the turn that wrote it, with all that this dropped.
                turn.clear()
                self.take_left()
        self._dropped.clear()
        return list(self.driver.asks.values())

    def take_left(self) -> tuple[list[Ask], list[tuple[str, list[Ask]]]]:
        """What a replay has left, commands and branches."""
        left = self.left, self.left_branches
        self.left, self.left_branches = [], []
        return left

    def sign(self, ask: Ask) -> None:
        """
        Note what a command is compared by; one that cannot be written is to fail when it is admitted.

        Its failure has an entry like any other: raised at once, without one, a replay would raise it before outcomes
        that
        had been delivered earlier, and another branch could win.
        """
        try:
            ask.noted = signature(ask.command, self._codec)
        except NotJournallable as error:
            ask.noted = unwritten(ask.command)
            self.unwritable[ask.address] = error

    def answer(self, address: str, value: Any, error: BaseException | None) -> None:
        """Give an outcome to the process."""
        if error is not None:
            self._raised.append((error, address))
            del self._raised[:-_REMEMBERED]
            if isinstance(error, ActionError) and self._continues(address):
                value, error = Forgiven(error), None
        self.driver.resume(address, value, error)

    def _continues(self, address: str) -> bool:
        """Whether the process goes on where this cannot do its work (D1): actions alone, not waits, not steps."""
        return self.call.process.on_error == "continue" and isinstance(self.command(address), Action)

    def raised_at(self, error: BaseException) -> str | None:
        """The address of the step that an error came from, itself or as the cause of it."""
        chain = list(_chain(error))
        return next((address for one, address in reversed(self._raised) if any(one is link for link in chain)), None)

    def forget(self, ask: Ask) -> None:
        """The command is not open any more."""
        self.waits.pop(ask.address, None)
        self.backoffs.pop(ask.address, None)
        self.attempts.pop(ask.address, None)
        self.unwritable.pop(ask.address, None)

    def restart(self) -> None:
        """A fresh driver, to replay into."""
        self.drop()
        self.driver = self._new_driver()
        self.waits.clear()
        self.backoffs.clear()
        self.attempts.clear()
        self.unwritable.clear()
        self._raised.clear()
        self.cancelling = False

    def drop(self) -> None:
        """None of the user's code runs any more."""
        for coroutine in self.driver.coroutines():
            drop(coroutine)

    def command(self, address: str) -> Command[Any] | None:
        """The open command at an address."""
        ask = self.driver.asks.get(address)
        return None if ask is None else ask.command

    def _new_driver(self) -> Driver:
        this = This(self.id, self.call.process.name, self.call.document, self._print)
        return self._make_driver(self.call, self.call.coroutine(), this)

    def _print(self) -> Portal:
        self.has_printed = True
        return self.portal

    def _was_performed(self, row: Recorded) -> bool:
        """Whether the row's transaction performed it, so that its answer was delivered only in the next turn."""
        ask = self.driver.asks.get(row.address) or self._dropped.get(row.address)
        if ask is None:
            return False
        performed = isinstance(ask.command, Action | Listening | StartChild)
        return isinstance(ask.command, AwaitChild) or (performed and row.address not in self.waits)

    def _sign_all(self, recorded: dict[str, Recorded]) -> None:
        while self.driver.fresh or self.driver.dropped or self.driver.cancelled:
            for ask in self.driver.take_dropped():
                self.forget(ask)
                self._dropped[ask.address] = ask
                self.left.append(ask)
            cancelled = self.driver.take_cancelled()
            if self.has_children:
                before = [ask for ask in self.driver.asks.values() if ask.noted is not None]
                self.left_branches += [(branch.prefix, before) for branch in cancelled]
            for ask in self.driver.take_fresh():
                self.sign(ask)
                if isinstance(ask.command, Patched):
                    self._replay_patched(ask, recorded)

    def _replay_patched(self, ask: Ask, recorded: Mapping[str, Recorded]) -> None:
        row = recorded.get(ask.address)
        own_mark = row is not None and (row.kind, row.name) == (ask.noted.kind, ask.noted.name)
        if not own_mark and self._was_passed(ask, recorded):
            self.patches.append(ask.noted.name)
            self.driver.give_back(ask.address, value=False)

    def _was_passed(self, ask: Ask, recorded: Mapping[str, Recorded]) -> bool:
        """Whether the journal has come to this place. A fork has no entry of its own, only its branches have."""
        if self._reached is None:
            self._reached = _reached(recorded)
        prefix = ask.branch.prefix
        return self._reached.get(prefix, -1) >= int(ask.address[len(prefix) :])

    def _replay_one(self, row: Recorded) -> None:
        if row.event == "cancelled":
            self.cancelling = True
            self.driver.cancel()
            return
        ask = self.driver.asks.get(row.address) or self._dropped.get(row.address)
        compare(self.id, row, None if ask is None else ask.noted)
        assert ask is not None
        self.has_children = self.has_children or row.kind == StartChild.kind
        if row.address not in self.driver.asks:
            return  # it was under way when its branch was cancelled, in the same transaction
        if row.event == "began":
            self.waits[row.address] = None if row.outcome is None else moment(row.outcome)
            return
        self.forget(ask)
        if row.event == "returned":
            self.answer(row.address, self._codec.decode(row.outcome or "null", ask.command.result_type), None)
        else:
            self.answer(row.address, None, self._codec.decode_error(row.outcome or "null"))


def _reached(addresses: Iterable[str]) -> dict[str, int]:
    """How far each branch has come: the number of its last command that has left anything in the journal."""
    reached: dict[str, int] = {}
    for address in addresses:
        parts = address.split(".") if address else []
        for place in range(0, len(parts), 2):
            prefix = "".join(f"{part}." for part in parts[:place])
            reached[prefix] = max(reached.get(prefix, -1), int(parts[place]))
    return reached


# How many raised errors are remembered: enough for a process that handles some before one gets through.
_REMEMBERED: Final = 32


def _chain(error: BaseException) -> Iterable[BaseException]:
    """An error and what it came from."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def printing_text(portal: Portal) -> str:
    """What `printed` prints in, as the store keeps it: `fr Europe/Paris`."""
    return f"{portal.language} {portal.zone}"


def portal_in(text: str) -> Portal:
    """
    The portal that was written down, as far as printing goes.

    Raises:
        NotRestorable: this machine does not know its zone.
    """
    language, _, zone = text.partition(" ")
    try:
        return Portal(language=language, zone=ZoneInfo(zone))
    except (LookupError, ValueError, OSError) as error:
        raise NotRestorable(path="printed_in", type="a language and a zone", detail=str(error)) from error


def compare(instance: str, recorded: Recorded, asked: Signature | None) -> None:
    """Raises ReplayMismatch where the code does not ask for what was recorded."""
    if asked is None or (recorded.kind, recorded.name, recorded.hash) != (asked.kind, asked.name, asked.hash):
        raise ReplayMismatch(
            instance=instance,
            step=recorded.address,
            recorded=readable(recorded.kind, recorded.name, recorded.arguments),
            asked="nothing there" if asked is None else readable(asked.kind, asked.name, asked.arguments),
            difference="" if asked is None else _difference(recorded, asked),
        )


def _difference(recorded: Recorded, asked: Signature) -> str:
    """Where the same command has other arguments, which."""
    if (recorded.kind, recorded.name) != (asked.kind, asked.name):
        return ""
    found = differing(recorded.arguments, asked.arguments)
    return f"  they differ in        {found}\n" if found else ""
