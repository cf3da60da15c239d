"""`SqlCrm`: the port `Crm` on the store. It finds which item is meant; what is done to it stands in the other files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from bizproc.adapters.sql_crm import (
    agendas,
    bookings,
    history,
    items,
    messages,
    orders,
    papers,
    passing_on,
    payments,
    queues,
    rows,
    special,
    stages,
    tasks,
    timeline,
    waits,
)
from bizproc.adapters.sql_crm.addresses import client_address
from bizproc.adapters.sql_crm.candidates import company_calendar
from bizproc.adapters.sql_crm.custom import add_field
from bizproc.adapters.sql_crm.definitions import custom_fields, definitions
from bizproc.adapters.sql_crm.matching import matching, pointing_at
from bizproc.adapters.sql_crm.names import names
from bizproc.adapters.sql_crm.people import check_user, named
from bizproc.adapters.sql_crm.reading import SqlCrmReader, belonging, exists, find, read, referring
from bizproc.adapters.sql_crm.shapes import SHAPES, pointed_at, shape_of
from bizproc.core.commands import Event
from bizproc.core.errors import AmbiguousItem, ItemNotFound, LinkedItemMissing, NoDocument
from bizproc.model.addresses import ClientAddress
from bizproc.model.assignments import Assignment, Pick
from bizproc.model.custom_fields import CustomField, Options
from bizproc.model.fields import Field
from bizproc.model.mailboxes import Mailbox
from bizproc.model.messages import CrmDocument, Draft, Message
from bizproc.model.money import Number
from bizproc.model.orders import Order, Payment
from bizproc.model.pipelines import Stage
from bizproc.model.planned import Booking, Notification, Task, Wait
from bizproc.model.portal import Portal
from bizproc.model.products import ProductRef, ProductRow
from bizproc.model.references import ItemRef
from bizproc.model.timeline import Activity, Comment, HistoryEvent
from bizproc.model.tokens import Signer
from bizproc.model.users import Users
from bizproc.ports.performing import Performing
from bizproc.rules.calendars import Calendar
from bizproc.rules.filters import Filter
from bizproc.rules.queue_state import exported, imported
from bizproc.rules.queues import UserQueue

_PORTAL: Final = Portal()

_CLIENTS: Final = ("contact", "company")
"""What has clients of its own says itself who they are: a contact that came from a lead need not be the lead's."""


class SqlCrm:
    """The CRM in the store, for one performance. Never suspends."""

    __slots__ = ("performing", "portal")

    def __init__(self, performing: Performing, portal: Portal = _PORTAL) -> None:
        self.performing = performing
        self.portal = portal

    # -- which item

    async def resolve(self, kind: str, id: int | None) -> ItemRef:
        document = self.performing.document
        special.check_kind(self.performing.transaction, kind)
        if id is not None:
            return ItemRef(kind, id)
        if document is None:
            raise NoDocument(kind=kind)
        return document if document.kind == kind else self._linked(document, kind)

    def _linked(self, document: ItemRef, wanted: str) -> ItemRef:
        """The item that the document points at, or, failing that, the one that points at the document (D22)."""
        tx = self.performing.transaction
        shape, aim = shape_of(document.kind), shape_of(wanted)
        item = read(tx, shape, document.id)
        candidates: list[int] = []
        own = False
        for field in shape.fields.values():
            points = pointed_at(field, getattr(item, field.name))
            if field.refers is None:
                candidates += [id_ for kind, id_ in points if kind == wanted]
            elif field.name in (f"{wanted}_id", f"{wanted}_ids"):
                if points:
                    return ItemRef(wanted, points[0][1])  # the first of a list is the primary one
                own = wanted in _CLIENTS
        if not (candidates or own) and aim.pointing_at(document.kind):
            candidates = referring(tx, aim, document)
        match candidates:
            case [one]:
                return ItemRef(wanted, one)
            case []:
                raise LinkedItemMissing(kind=document.kind, id=document.id, wanted=wanted)
            case _:
                raise AmbiguousItem(kind=document.kind, id=document.id, wanted=wanted, candidates=tuple(candidates))

    async def linked(self, ref: ItemRef, kind: str) -> ItemRef:
        special.check_kind(self.performing.transaction, kind)
        return self._linked(ref, kind)

    async def pointing_at(self, ref: ItemRef) -> tuple[ItemRef, ...]:
        return pointing_at(self.performing.transaction, ref)

    async def matching(self, kind: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
        special.check_kind(self.performing.transaction, kind)
        return matching(self.performing.transaction, kind, values)

    # -- items

    async def read(self, ref: ItemRef) -> Any:
        return read(self.performing.transaction, shape_of(ref.kind), ref.id)

    async def before(self, item: Any, changes: Mapping[str, Any]) -> Any:
        return items.before(self.performing, item, changes)

    async def find(
        self,
        kind: str,
        where: Filter | None = None,
        *,
        order_by: str = "id",
        limit: int | None = None,
        after: Any = None,
    ) -> tuple[Any, ...]:
        special.check_kind(self.performing.transaction, kind)
        found = find(
            self.performing.transaction,
            shape_of(kind),
            where,
            order_by=order_by,
            limit=limit,
            after=after,
            now=self.performing.now,
            zone=self.portal.zone,
        )
        return tuple(found)

    async def create(
        self, kind: str, fields: Mapping[str, Any], *, author: int | None = None, imported: bool = False
    ) -> Any:
        """As the port says; `imported` fields may also bring an id and stamps along (`items.IMPORTED`)."""
        special.check_kind(self.performing.transaction, kind)
        made = items.create(self.performing, self.portal, kind, fields, self._author(author), imported=imported)
        self._follow(ItemRef(kind, made.id))
        return made

    async def update(
        self, ref: ItemRef, fields: Mapping[str, Any], *, append: bool = False, author: int | None = None
    ) -> Any:
        special.check_kind(self.performing.transaction, ref.kind)
        item = items.update(self.performing, self.portal, ref, fields, self._author(author), append=append)
        self._follow(ref)
        return item

    async def delete(self, ref: ItemRef) -> None:
        special.check_kind(self.performing.transaction, ref.kind)
        items.delete(self.performing, self.portal, ref, self.performing.author)
        self._follow(ref)

    def _follow(self, changed: ItemRef) -> None:
        """Any change may be what something in a queue has waited for; and waits hear of other working hours."""
        if changed.kind == "working_hours":
            self.performing.emit(Event("working_hours.changed", "working_hours:company"))
        queues.relieve(self.performing, self.portal, changed)

    async def change_pipeline(
        self, ref: ItemRef, pipeline: int, *, stage: str | None = None, author: int | None = None
    ) -> bool:
        special.check_kind(self.performing.transaction, ref.kind)
        by = self._author(author)
        moved = items.change_pipeline(self.performing, self.portal, ref, pipeline, stage, by)
        self._follow(ref)
        return moved

    async def add_field(
        self, kind: str, code: str, type: str, *, label: str = "", multiple: bool = False, options: Options = ()
    ) -> CustomField:
        special.check_kind(self.performing.transaction, kind)
        return add_field(self.performing.transaction, kind, code, type, label, multiple=multiple, options=options)

    async def defined_fields(self, kind: str) -> tuple[CustomField, ...]:
        special.check_kind(self.performing.transaction, kind)
        return tuple(definitions(self.performing.transaction, kind).values())

    def _author(self, author: int | None) -> int | None:
        check_user(self.performing.transaction, author)
        return self.performing.author if author is None else author

    # -- what belongs to an item

    async def add_product(
        self,
        ref: ItemRef,
        product: int,
        *,
        price: Number | None = None,
        quantity: Number = 1,
        discount_percent: Number = 0,
    ) -> ProductRow:
        return rows.add_product(self.performing, ref, product, price, quantity, discount_percent)

    async def add_rows(self, ref: ItemRef, rows: Iterable[ProductRow]) -> tuple[ProductRow, ...]:
        return passing_on.add_rows(self.performing, ref, rows, self.performing.author)

    async def products(self, ref: ItemRef) -> tuple[ProductRow, ...]:
        return self._belonging("product_row", ref)

    async def delete_products(self, ref: ItemRef) -> tuple[ProductRow, ...]:
        return rows.delete_products(self.performing, ref)

    async def add_event(self, ref: ItemRef, type: str, text: str, *, author: int | None = None) -> HistoryEvent:
        return history.add_event(self.performing, ref, type, text, self._author(author))

    async def add_comment(self, ref: ItemRef, text: str, *, author: int | None = None) -> Comment:
        return timeline.add_comment(self.performing, ref, text, author)

    async def comments(self, ref: ItemRef) -> tuple[Comment, ...]:
        return self._belonging("comment", ref)

    async def add_activity(
        self,
        ref: ItemRef,
        subject: str,
        description: str = "",
        *,
        kind: str = "todo",
        responsible: int | None = None,
        author: int | None = None,
        important: bool = False,
        complete_on_stage_change: bool = False,
        deadline: datetime | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        location: str = "",
        direction: str | None = None,
        client_address: str = "",
        also: Iterable[ItemRef] = (),
    ) -> Activity:
        return timeline.add_activity(
            self.performing,
            ref,
            subject=subject,
            description=description,
            kind=kind,
            responsible=responsible,
            author=author,
            important=important,
            complete_on_stage_change=complete_on_stage_change,
            deadline=deadline,
            start=start,
            end=end,
            location=location,
            direction=direction,
            client_address=client_address,
            also=also,
        )

    async def activities(self, ref: ItemRef) -> tuple[Activity, ...]:
        return self._belonging("activity", ref)

    async def complete_activity(self, ref: ItemRef, activity: int) -> Activity:
        done = passing_on.complete_activity(self.performing, ref, activity, self.performing.author)
        self._follow(ref)
        return done

    async def share_timeline(self, ref: ItemRef, others: Iterable[ItemRef]) -> None:
        passing_on.share_timeline(self.performing, ref, others)

    async def record(self, ref: ItemRef, happened: str, facts: Mapping[str, Any]) -> None:
        passing_on.record(self.performing, ref, happened, dict(facts), self.performing.author)

    async def add_task(
        self,
        ref: ItemRef,
        title: str,
        description: str = "",
        *,
        responsible: int | None = None,
        deadline: datetime | None = None,
    ) -> Task:
        shown = await self.add_activity(
            ref, title, description, kind="task", responsible=responsible, deadline=deadline
        )
        return tasks.add_task(self.performing, ref, title, description, deadline, shown)

    async def tasks(self, ref: ItemRef) -> tuple[Task, ...]:
        return self._belonging("task", ref)

    async def end_tasks(self, ref: ItemRef, stages: Iterable[str]) -> tuple[Task, ...]:
        open_ = tasks.open_tasks(self.performing, ref, stages)
        for task in open_:
            await self.complete_activity(ref, task.activity_id)
        return tuple(read(self.performing.transaction, SHAPES["task"], task.id) for task in open_)

    async def notify(
        self, ref: ItemRef, user: int, text: str, *, due_at: datetime | None = None, activity: int | None = None
    ) -> Notification:
        return timeline.notify(self.performing, ref, user, text, due_at, activity)

    # -- waits

    async def open_wait(self, ref: ItemRef, description: str, end: datetime, *, author: int | None = None) -> Wait:
        return waits.open_wait(self.performing, ref, description, end, self._author(author))

    async def close_wait(self, reason: str) -> None:
        waits.close_wait(self.performing, reason)

    async def close_waits(self, reason: str) -> None:
        waits.close_waits(self.performing, reason)

    async def pass_on_waits(self, ref: ItemRef, other: ItemRef) -> None:
        waits.pass_on(self.performing, ref, other)

    # -- bookings

    async def book(
        self, ref: ItemRef, field: str, *, start: datetime, duration: timedelta, service: str, users: Iterable[int]
    ) -> tuple[Booking, ...]:
        wanted = bookings.Wanted(field.removeprefix("custom."), start, duration, service, tuple(users))
        return bookings.book(self.performing, self.portal, ref, wanted)

    async def cancel_booking(self, ref: ItemRef, field: str) -> tuple[Booking, ...]:
        return bookings.cancel(self.performing, self.portal, ref, field.removeprefix("custom."))

    async def bookings(self, ref: ItemRef) -> tuple[Booking, ...]:
        return self._belonging("booking", ref)

    # -- orders

    async def create_order(self, ref: ItemRef, products: Sequence[ProductRow | ProductRef] | None) -> Order:
        return orders.create_order(self.performing, ref, products)

    async def orders(self, ref: ItemRef) -> tuple[Order, ...]:
        return self._belonging("order", ref)

    async def payments(self, order: int) -> tuple[Payment, ...]:
        return orders.payments(self.performing, order)

    def _belonging(self, kind: str, ref: ItemRef) -> tuple[Any, ...]:
        tx = self.performing.transaction
        if not exists(tx, shape_of(ref.kind), ref.id):
            raise ItemNotFound(kind=ref.kind, id=ref.id)
        return belonging(tx, SHAPES[kind], ref)

    # -- documents

    async def next_number(self, template: int) -> int:
        return papers.next_number(self.performing, template)

    async def add_document(self, ref: ItemRef, fields: Mapping[str, Any], *, public: bool = False) -> CrmDocument:
        return papers.add_document(self.performing, self.portal, await self.signer(), ref, fields, public=public)

    async def document(self, id: int) -> CrmDocument:
        return papers.one(self.performing.transaction, id)

    async def document_of_step(self) -> CrmDocument | None:
        return papers.of_step(self.performing)

    async def documents(self, ref: ItemRef) -> tuple[CrmDocument, ...]:
        return self._belonging("document", ref)

    async def update_document(
        self, document: CrmDocument, fields: Mapping[str, Any], *, event: str | None = None
    ) -> CrmDocument:
        return papers.update(self.performing, document, fields, event)

    async def take_back_document(self, document: CrmDocument, number: int) -> None:
        papers.take_back(self.performing, document, number)

    async def publish_document(self, document: CrmDocument) -> CrmDocument:
        return papers.publish(self.performing, self.portal, await self.signer(), document)

    async def revoke_document(self, document: CrmDocument) -> CrmDocument:
        return papers.revoke(self.performing, document)

    # -- payments

    async def payment(self, id: int) -> Payment:
        return payments.one(self.performing.transaction, id)

    async def is_reference_taken(self, provider: str | None, reference: str, payment: Payment) -> bool:
        return payments.is_reference_taken(self.performing.transaction, provider, reference, payment)

    async def update_payment(self, payment: Payment, fields: Mapping[str, Any]) -> Payment:
        return payments.update(self.performing, payment, fields)

    async def record_payment(self, payment: Payment, fields: Mapping[str, Any]) -> Payment:
        return payments.record(self.performing, payment, fields)

    async def note_payment(self, payment: Payment, text: str) -> None:
        payments.note(self.performing, payment, text)

    # -- calendars

    async def calendar_link(self, user: int) -> int:
        return agendas.link(self.performing, user)

    async def revoke_calendar(self, user: int) -> None:
        agendas.revoke(self.performing, user)

    # -- messages

    async def mailboxes(self, user: int) -> tuple[Mailbox, ...]:
        return messages.mailboxes(self.performing.transaction, user)

    async def post_message(self, ref: ItemRef, draft: Draft) -> Message:
        return messages.post(self.performing, ref, draft)

    async def settle_message(self, message: int, status: str, reason: str = "") -> Message | None:
        return messages.settle(self.performing, message, status, reason)

    async def report_message(self, message: int, status: str, reason: str = "") -> None:
        messages.report(self.performing, message, status, reason)

    async def message(self, id: int) -> Message:
        return messages.one(self.performing, id)

    async def opened(self, message: int) -> None:
        messages.opened(self.performing, message)

    async def clicked(self, message: int, link: int) -> str:
        return messages.clicked(self.performing, message, link)

    async def is_excluded(self, address: str) -> bool:
        return messages.is_excluded(self.performing.transaction, address)

    async def tell_incoming(self, ref: ItemRef, kind: str, activity: int) -> None:
        messages.tell_incoming(self.performing, ref, kind, activity)

    async def client_addresses(self, ref: ItemRef, kind: str) -> tuple[str, ...]:
        return messages.client_addresses(self.performing.transaction, ref, kind)

    async def tell_error(self, ref: ItemRef, text: str) -> None:
        messages.tell_error(self.performing, ref, text)

    # -- who is responsible

    async def change_responsible(
        self,
        ref: ItemRef,
        queue: UserQueue,
        *,
        pick: Pick,
        skip_absent: bool,
        name: str | None = None,
        author: int | None = None,
    ) -> Assignment:
        special.check_kind(self.performing.transaction, ref.kind)
        done = queues.change_responsible(
            self.performing,
            self.portal,
            ref,
            queue,
            pick=pick,
            skip_absent=skip_absent,
            name=name,
            author=self._author(author),
        )
        if done.changed:
            self._follow(ref)  # whoever had it has room for what another queue holds
        return done

    async def queue_state(self, name: str, part: str = "") -> Mapping[str, Any]:
        return exported(queues.state_of(self.performing, name, part))

    async def set_queue_state(self, name: str, part: str, state: Mapping[str, Any]) -> None:
        queues.set_state(self.performing, name, part, imported(state))

    async def held(self, name: str, part: str = "") -> tuple[ItemRef, ...]:
        return queues.held(self.performing, name, part)

    async def release(self) -> tuple[int, datetime | None]:
        queues.relieve(self.performing, self.portal)
        return queues.still_held(self.performing, self.portal)

    async def company_calendar(self) -> Calendar:
        return company_calendar(self.performing.transaction, self.portal)

    # -- looked up

    async def client_address(
        self, ref: ItemRef, kind: str, type: str | None = None, *, last: bool = False
    ) -> ClientAddress | None:
        return client_address(self.performing.transaction, ref, kind, type, last=last)

    async def names(self, wanted: Iterable[tuple[str, Any]]) -> dict[tuple[str, Any], str]:
        return names(self.performing.transaction, wanted)

    async def signer(self) -> Signer:
        return SqlCrmReader(self.performing.transaction).signer()

    async def custom_fields(self, kind: str) -> dict[str, Field]:
        special.check_kind(self.performing.transaction, kind)
        return custom_fields(self.performing.transaction, kind)

    async def users(self, users: Users | None) -> tuple[int, ...]:
        return named(self.performing.transaction, users)

    async def parents_of(self, kind: str) -> tuple[str, ...]:
        return special.smart_type(self.performing.transaction, kind).parents

    async def file_called(self, path: str) -> ItemRef | None:
        row = self.performing.transaction.execute("SELECT id FROM file WHERE path = ?", (path,)).fetchone()
        return None if row is None else ItemRef("file", row[0])

    async def stage_of(self, ref: ItemRef) -> Stage:
        return stages.stage_of(self.performing.transaction, ref)

    async def stages(self, kind: str, codes: Iterable[str]) -> tuple[Stage, ...]:
        return tuple(stages.stage_of_kind(self.performing.transaction, kind, code) for code in codes)
