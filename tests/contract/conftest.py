"""A CRM to be held to the contract: every test runs once for each adapter, each time on a new and empty one."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bizproc import crm
from bizproc.adapters.sql_crm import SqlCrm, SqlCrmReader, metadata, seed
from bizproc.core.commands import Action, Event
from bizproc.core.errors import BizprocError
from bizproc.model import Deal, ItemRef, Portal, Product, User
from bizproc.ports.performing import Performing
from bizproc.store.connection import connect
from bizproc.store.sharing import borrow
from bizproc.store.transaction import Transaction

BEGINNING = datetime(2026, 1, 5, 9, tzinfo=UTC)

T = TypeVar("T")
E = TypeVar("E", bound=BizprocError)


class Office:
    """A CRM, and somebody who does one thing after the other in it, each in a commit of its own."""

    def __init__(self, path: Path | None) -> None:
        self.now = BEGINNING
        self.portal = Portal()
        self.events: list[Event] = []
        self.ended: list[str] = []
        self.cleared: list[tuple[str, str]] = []
        self.step = "step"
        self._connection = connect(path, timedelta(seconds=1))
        _furnished().backup(self._connection)
        self._shared = borrow(self._connection)
        self._open: Transaction | None = None
        self.reader = SqlCrmReader(self._connection)

    def close(self) -> None:
        self._shared.close()
        self._connection.close()

    @contextmanager
    def commit(self) -> Iterator[Transaction]:
        """What is done inside is one commit."""
        if self._open is not None:
            yield self._open
            return
        self._connection.execute("BEGIN IMMEDIATE")
        self._open = Transaction(self._connection, self.now, ":memory:", lambda: self._shared)
        try:
            yield self._open
            self._open.write_rows()
            self._connection.execute("COMMIT")
        finally:
            self._open = None
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def do(
        self, action: Action[T], document: Any = None, *, instance: str | None = None, author: int | None = None
    ) -> T:
        """Perform an action as an instance on `document` would."""
        return self.ask(action.perform, document, instance=instance, author=author)

    def ask(
        self,
        verb: Callable[[SqlCrm], Coroutine[Any, Any, T]],
        document: Any = None,
        *,
        instance: str | None = None,
        author: int | None = None,
    ) -> T:
        """Use the port itself; what was emitted and ended is noted if nothing was raised."""
        with self.commit() as tx:
            performing = Performing(
                transaction=tx,
                now=self.now,
                instance=instance,
                key=self.step,
                document=None if document is None else ItemRef(document.item_type, document.id),
                author=author,
                ending=self.ended.append,
                clearing=lambda ref, ended_by: self.cleared.append((str(ref), ended_by)),
            )
            with tx.savepoint():
                value = finished(verb(SqlCrm(performing, self.portal)))
            self.events += performing.events
            return value

    def refused(self, error: type[E], action: Action[Any], document: Any = None) -> E:
        """Perform an action that cannot do its work: the error it raises. Nothing of it may be seen."""
        before, told = self.everything(), len(self.events)
        with pytest.raises(error) as raised:
            self.do(action, document)
        assert self.everything() == before
        assert len(self.events) == told
        return raised.value

    def everything(self) -> list[tuple[Any, ...]]:
        """All rows of all tables."""
        rows: list[tuple[Any, ...]] = []
        for table in metadata.sorted_tables:
            rows += [(table.name, *row) for row in self._connection.execute(f"SELECT * FROM {table.name}")]
        return rows

    def told(self, name: str) -> list[Event]:
        """The events of this name, in order."""
        return [event for event in self.events if event.name == name]

    def deal(self, deal: Deal) -> Deal:
        """A deal as it is now."""
        return self.reader.get(Deal, deal.id)

    def later(self, **duration: float) -> None:
        """Time passes."""
        self.now += timedelta(**duration)


@cache
def _furnished() -> Any:
    """A new CRM: each office begins as a copy of it. To make the tables again for each would take most of the time."""
    connection = connect(None, timedelta(seconds=1))
    shared = borrow(connection)
    metadata.create_all(shared)
    connection.execute("BEGIN IMMEDIATE")
    transaction = Transaction(connection, BEGINNING, ":memory:", lambda: shared)
    seed(transaction)
    transaction.write_rows()
    connection.execute("COMMIT")
    shared.close()
    return connection


def finished(coroutine: Coroutine[Any, Any, T]) -> T:
    """The value of a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        value: T = stop.value
        return value
    coroutine.close()
    raise AssertionError("a local verb suspended")


def adapters() -> list[str]:
    return ["in memory", "in a file"]


@pytest.fixture(params=adapters())
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "crm.db" if request.param == "in a file" else None)
    yield office
    office.close()


@pytest.fixture
def make_office() -> Iterator[Callable[[], Office]]:
    """As many as are asked for: a property needs a new one for each example."""
    made: list[Office] = []

    def make() -> Office:
        made.append(Office(None))
        return made[-1]

    yield make
    for office in made:
        office.close()


# -- who and what many tests need --------------------------------------------------------------------------------------


@pytest.fixture
def ann(office: Office) -> User:
    return office.do(crm.user.create(name="Ann", last_name="Lee"))


@pytest.fixture
def bob(office: Office) -> User:
    return office.do(crm.user.create(name="Bob", last_name="Ray"))


@pytest.fixture
def tea(office: Office) -> Product:
    return office.do(crm.product.create(name="Tea", price=Decimal("18.00"), measure="box"))


@pytest.fixture
def deal(office: Office, ann: User) -> Deal:
    made = office.do(crm.deal.create(title="Tea for Lyon", responsible_id=ann.id))
    office.events.clear()
    return made
