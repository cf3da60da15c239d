"""
The driver: owns the coroutine of one instance and all its branches; the only send.

No I/O, no clock, no database. Commands come out as open asks, outcomes go in through `resume`, one at a time. Given
the same
coroutine and the same outcomes in the same order, it does the same again: that is all replay needs.

A branch is a coroutine with an address. A fork turns one command into several branches; it ends when the last of them
has ended, so that nobody outlives its owner. What is cancelled gets `Cancelled` at its current await, once, and may
await in its
cleanup; a fork that is cancelled cancels its branches first and waits for them.
"""

from __future__ import annotations

from asyncio import _get_running_loop, _set_running_loop
from collections import deque
from typing import Any, Final

from attrs import define, field

from bizproc.core.commands import Command, driving
from bizproc.core.errors import Cancelled
from bizproc.core.fork import Body, Fork, Winner, close_unstarted
from bizproc.core.frames import written_in
from bizproc.core.guard import FORBIDDEN, awaited_in, not_durable
from bizproc.core.outcome import Outcome

_FORBIDDEN: Any = FORBIDDEN


@define(eq=False)
class Branch:
    """
    One coroutine and where it stands.

    Attributes:
        prefix: Begins the addresses of its commands: "" for the main one, "3.0." below.
        waiting: What it waits for; None while it is queued.
        queued: Whether it is to be resumed, with `value` or `error`.
    """

    coroutine: Body
    prefix: str
    forked: Forked | None = None
    index: int = 0
    asked: int = 0
    waiting: Ask | Forked | None = None
    queued: bool = False
    value: Any = None
    error: BaseException | None = None
    started: bool = False
    ended: bool = False
    cancelling: bool = False


@define(eq=False)
class Ask:
    """An open command: asked by a branch, not answered yet."""

    address: str
    command: Command[Any]
    branch: Branch
    noted: Any = None  # what the engine compares it by
    prepared: Any = None  # what the engine has prepared for it

    def function(self) -> str | None:
        """The name of the process's function that asks; of a branch that is none, of the one that forked."""
        branch: Branch | None = self.branch
        while branch is not None:
            name = written_in(branch.coroutine)
            if name is not None:
                return name
            branch = branch.forked.owner if branch.forked is not None else None
        return None


@define(eq=False)
class Forked:
    """A fork under way. `decided` is the outcome that it will have once its last branch has ended."""

    owner: Branch
    address: str
    fork: Fork[Any]
    results: list[Any]
    branches: list[Branch] = field(factory=list)
    running: int = 0
    decided: Outcome[Any] | None = None


class Driver:
    """
    The state machine over one coroutine.

    Attributes:
        asks: The open commands by address, in the order in which they were asked.
        outcome: How the main branch ended; None while it has not.
        fresh: Asks that came up since the engine last took them; those that were cancelled meanwhile are not
            among them.
        dropped: Asks that the engine had taken and that were cancelled since.
        cancelled: Branches that were cancelled since the engine last took them; not those inside them.
    """

    def __init__(self, coroutine: Body, instance: object) -> None:
        self.asks: dict[str, Ask] = {}
        self.outcome: Outcome[Any] | None = None
        self.fresh: list[Ask] = []
        self.dropped: list[Ask] = []
        self.cancelled: list[Branch] = []
        self.main: Final = Branch(coroutine, "")
        self._instance: Final = instance
        self._ready: Final[deque[Branch]] = deque()

    def begin(self) -> None:
        """Run from the first line to the first open commands; nothing if it was cancelled before."""
        if not self.main.ended:
            self._queue(self.main)
            self._run()

    def resume(self, address: str, value: Any = None, error: BaseException | None = None) -> None:
        """Answer the open command at `address`, and run until every branch waits again."""
        branch = self.asks.pop(address).branch
        branch.waiting = None
        self._advance(branch, value, error)  # as a queue of one: all others wait
        if self._ready:
            self._run()

    def give_back(self, address: str, value: Any) -> None:
        """Answer the command just asked at `address` as if it had not been asked: the next one takes its address."""
        self.asks[address].branch.asked -= 1
        self.resume(address, value)

    def cancel(self) -> None:
        """Cancel the main branch, and so all others. Again, or after the end: nothing."""
        self._cancel(self.main)
        self._run()

    def take_fresh(self) -> list[Ask]:
        """The asks that came up since the last call."""
        fresh, self.fresh = self.fresh, []
        return fresh

    def take_dropped(self) -> list[Ask]:
        """The asks that were cancelled since the last call."""
        dropped, self.dropped = self.dropped, []
        return dropped

    def take_cancelled(self) -> list[Branch]:
        """The branches that were cancelled since the last call; what a shield holds may go on in them."""
        cancelled, self.cancelled = self.cancelled, []
        return cancelled

    def coroutines(self) -> list[Body]:
        """The coroutines that have not ended, the main one first."""
        return [branch.coroutine for branch in _living(self.main)]

    # -- running -------------------------------------------------------------------------------------------------------

    def _queue(self, branch: Branch, value: Any = None, error: BaseException | None = None) -> None:
        branch.waiting, branch.queued, branch.value, branch.error = None, True, value, error
        self._ready.append(branch)

    def _run(self) -> None:
        # One loop, not recursion: a loop of forks that end at once would otherwise grow the stack with every round.
        ready = self._ready
        while ready:
            branch = ready.popleft()
            value, error = branch.value, branch.error
            branch.queued, branch.value, branch.error = False, None, None
            if branch.started or error is None:
                self._advance(branch, value, error)
            else:
                self._never_starts(branch, error)

    def _advance(self, branch: Branch, value: Any, error: BaseException | None) -> None:
        """Send one answer into a branch, and note what it asks for, or how it ended."""
        if not branch.started and getattr(branch.coroutine, "cr_await", None) is not None:
            # Another branch has begun it: what is sent now would be taken for the answer to that one's command.
            self._ended(branch, Outcome(error=RuntimeError("coroutine is being awaited already")))
            return
        branch.started = True
        try:
            command = self._send(branch.coroutine, value, error)
        except StopIteration as stop:
            self._ended(branch, Outcome(stop.value))
        except KeyboardInterrupt:
            raise
        except BaseException as failure:  # noqa: BLE001  (whatever user code raises is its outcome)
            self._ended(branch, Outcome(error=failure))
        else:
            self._asked(branch, command)

    def _never_starts(self, branch: Branch, error: BaseException) -> None:
        """It was cancelled before its first line."""
        branch.coroutine.close()
        if branch.forked is not None:
            close_unstarted([branch.forked.fork.branches[branch.index]])
        self._ended(branch, Outcome(error=error))

    def _send(self, coroutine: Body, value: Any, error: BaseException | None) -> Command[Any]:
        """The only send: user code runs here and nowhere else."""
        loop, outer = _get_running_loop(), driving.instance
        _set_running_loop(_FORBIDDEN)
        driving.instance = self._instance
        try:
            command = coroutine.send(value) if error is None else coroutine.throw(error)
            while not isinstance(command, Command):
                # A bare yield of asyncio.sleep(0), or a future of somebody else.
                command = coroutine.throw(not_durable(awaited_in(coroutine, command)))
            return command
        finally:
            driving.instance = outer
            _set_running_loop(loop)

    def _asked(self, branch: Branch, command: Command[Any]) -> None:
        asked = branch.asked
        address = f"{branch.prefix}{asked}"
        branch.asked = asked + 1
        if isinstance(command, Fork):
            self._fork(branch, address, command)
            return
        ask = Ask(address, command, branch)
        branch.waiting = self.asks[address] = ask
        self.fresh.append(ask)

    def _ended(self, branch: Branch, outcome: Outcome[Any]) -> None:
        branch.ended = True
        if branch.forked is None:
            self.outcome = outcome
        else:
            self._branch_ended(branch.forked, branch.index, outcome)

    # -- forks ---------------------------------------------------------------------------------------------------------

    def _fork(self, owner: Branch, address: str, fork: Fork[Any]) -> None:
        forked = Forked(owner, address, fork, [None] * len(fork.branches))
        owner.waiting = forked
        self._start_branches(forked)
        if not forked.running:
            self._conclude(forked)

    def _start_branches(self, forked: Forked) -> None:
        fork = forked.fork
        limit = len(fork.branches) if fork.limit is None else fork.limit
        while forked.running < limit and len(forked.branches) < len(fork.branches):
            index = len(forked.branches)
            branch = Branch(fork.branches[index](), f"{forked.address}.{index}.", forked, index)
            forked.branches.append(branch)
            forked.running += 1
            self._queue(branch)

    def _branch_ended(self, forked: Forked, index: int, outcome: Outcome[Any]) -> None:
        forked.running -= 1
        undecided = forked.decided is None
        self._note_ending(forked, index, outcome)
        if forked.decided is None:
            self._start_branches(forked)
        elif undecided:
            for branch in forked.branches:
                self._cancel(branch)
        if not forked.running:
            self._conclude(forked)

    def _note_ending(self, forked: Forked, index: int, outcome: Outcome[Any]) -> None:
        """Decide the fork by this ending, or add it to what is decided: no error of user code is dropped."""
        decided = forked.decided
        error = outcome.error
        if decided is None:
            if error is not None:
                forked.decided = outcome
            elif forked.fork.mode == "race":
                forked.decided = Outcome(Winner(index, outcome.value))
            else:
                forked.results[index] = outcome.value
        elif error is not None:
            forked.decided = _with_later_error(decided, error, index)

    def _conclude(self, forked: Forked) -> None:
        """All branches have ended: answer the owner."""
        close_unstarted(forked.fork.branches[len(forked.branches) :])
        outcome = forked.decided
        if outcome is None:
            results = forked.results
            outcome = Outcome(results[0] if forked.fork.mode == "shield" else tuple(results))
        self._queue(forked.owner, outcome.value, outcome.error)

    # -- cancelling ----------------------------------------------------------------------------------------------------

    def _cancel(self, branch: Branch) -> None:
        # A stack of its own, not recursion: forks may be nested deeper than Python's.
        stack = [branch]
        if not (branch.ended or branch.cancelling):
            self.cancelled.append(branch)
        while stack:
            branch = stack.pop()
            if branch.ended or branch.cancelling:
                continue
            branch.cancelling = True
            waiting = branch.waiting
            if isinstance(waiting, Forked):
                stack += reversed(self._cancel_fork(waiting))
                continue
            cancelled = Cancelled()
            if waiting is not None:
                self._drop(waiting)
            elif branch.queued:
                # It has an answer that it has not seen yet, or is about to begin: it gets Cancelled in its place.
                cancelled.__context__ = branch.error
                branch.error = cancelled
                continue
            self._queue(branch, error=cancelled)

    def _cancel_fork(self, forked: Forked) -> list[Branch]:
        """
        The owner is cancelled: its branches first; it hears of it when the last of them, or what it shields, has ended.

        Returns the branches to be cancelled.
        """
        cancelled = Cancelled()
        if forked.decided is not None and forked.decided.error is not None:
            cancelled.__context__ = forked.decided.error
        forked.decided = Outcome(error=cancelled)
        return [] if forked.fork.mode == "shield" else forked.branches

    def _drop(self, ask: Ask) -> None:
        del self.asks[ask.address]
        if ask in self.fresh:
            self.fresh.remove(ask)
        else:
            self.dropped.append(ask)


def _with_later_error(decided: Outcome[Any], error: BaseException, index: int) -> Outcome[Any]:
    """What decided is raised, and later errors are notes on it; where a value had decided, the error counts."""
    failures = error.failures if isinstance(error, Cancelled) else [error]
    if decided.error is None:
        if not failures:
            return decided  # it ended as it was told to
        failures[0].add_note(f"raised in the cleanup of branch {index}, after another branch had won")
        return Outcome(error=failures[0])
    for failure in failures:
        decided.error.add_note(f"later, in branch {index}: {_told(failure)}")
        if isinstance(decided.error, Cancelled):
            decided.error.failures.append(failure)
    return decided


def _told(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001  (an error of user code whose text fails is still to be named)
        return type(error).__name__


def _living(main: Branch) -> list[Branch]:
    living, stack = list[Branch](), [main]
    while stack:
        branch = stack.pop()
        if not branch.ended:
            living.append(branch)
            stack += reversed(branch.waiting.branches) if isinstance(branch.waiting, Forked) else ()
    return living
