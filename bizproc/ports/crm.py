"""The CRM, as actions see it: small verbs on items. One action may be several of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

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
from bizproc.rules.queues import UserQueue


class Crm(Protocol):
    """
    One CRM, for one performance of an action.

    Contract, for all verbs:

    - A verb does all of its work or raises an `ActionError` (D1), and then nothing of it is to be seen.
    - An item that is not there raises ItemNotFound; a kind that is not, UnknownItem.
    - A write that changes nothing writes no history and raises no event. One that does writes one line of history for
      each field that changed, and emits `<kind>.updated` with the old and new values (`facts["changes"]`).
    - Where nothing can be undone, every create carries the step's idempotency key (`performing.key`), so that a
      repetition finds what the first attempt made.
    - `author` is whose name is shown; None is `performing.author`.
    - An adapter whose data lie in the store never suspends.
    """

    @property
    def performing(self) -> Performing:
        """What this is done for."""

    @property
    def portal(self) -> Portal:
        """What is the same for the whole CRM."""

    # -- items

    async def resolve(self, kind: str, id: int | None) -> ItemRef:
        """
        The item that `crm.<kind>` means: number `id`, or, without one, the process's document or the item linked to it.

        Of several linked ones the primary (D22). Whether number `id` exists is not looked at.

        Raises:
            NoDocument: no id, and the process runs on no document.
            LinkedItemMissing, AmbiguousItem: none, or several and none is primary.
        """

    async def linked(self, ref: ItemRef, kind: str) -> ItemRef:
        """
        The item of a kind that is linked to `ref`: the primary one, where there are several (D22).

        Raises:
            ItemNotFound, UnknownItem: `ref` is not there; no such kind.
            LinkedItemMissing, AmbiguousItem: none, or several and none is primary.
        """

    async def pointing_at(self, ref: ItemRef) -> tuple[ItemRef, ...]:
        """All items, of whatever kind, in which a field points at this one: in order of kind and id."""

    async def matching(self, kind: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """
        All of a kind whose single fields hold exactly these values (None: nothing), in order of their ids.

        Raises:
            UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
        """

    async def read(self, ref: ItemRef) -> Any:
        """The item as it is now, the writes of this performance included."""

    async def before(self, item: Any, changes: Mapping[str, Any]) -> Any:
        """
        An item as it was before changes that were told of it: by field (`custom.<code>`), the old and the new value.

        With what follows from its stage. Stamps of time stay as they are.
        """

    async def find(
        self,
        kind: str,
        where: Filter | None = None,
        *,
        order_by: str = "id",
        limit: int | None = None,
        after: Any = None,
    ) -> tuple[Any, ...]:
        """
        Items of a kind that fit, as they are now, the writes of this performance included; those deleted never do.

        In the order of a field (`-field` for the largest first); what holds nothing comes last, ties go by id. `after`
        an item comes what lies behind it in that order. An adapter that can evaluate only part of a filter asks for
        more and applies the rest (`rules.filters.split`).

        Raises:
            UnknownField: no such field to filter or order by.
            WrongFieldValue, WrongFilter: the filter says nothing about such items.
            CurrencyMismatch: it compares amounts of two currencies.
        """

    async def create(self, kind: str, fields: Mapping[str, Any], *, author: int | None = None) -> Any:
        """
        Make an item; gives it back. Emits `<kind>.created`.

        An item with stages begins in the one that is given, which decides the pipeline, or in its pipeline's first.

        Raises:
            UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
            UnknownStage, UnknownPipeline, UnknownUser, ItemNotFound: what a field points at is not there.
            AlreadyExists: it must be the only one of its kind, and is not.
        """

    async def update(
        self, ref: ItemRef, fields: Mapping[str, Any], *, append: bool = False, author: int | None = None
    ) -> Any:
        """
        Change the fields that are given; gives the item back as it is then.

        With `append` the values of multiple fields are added to what is there, without duplicates (D4). A change of
        stage also emits `<kind>.stage_changed` and completes the activities that wait for it; one of pipeline emits
        `<kind>.pipeline_moved`; one of the person in charge, `<kind>.responsible_changed`. It ends no instance: that
        is the action's affair.

        Raises:
            As `create`.
        """

    async def change_pipeline(
        self, ref: ItemRef, pipeline: int, *, stage: str | None = None, author: int | None = None
    ) -> bool:
        """
        Move an item to another pipeline; whether it moved: one that is there already stays as it is.

        It comes to `stage`, if that pipeline has it, else to its first in which work goes on. As `update`; that its
        instances are to end is said by `<kind>.pipeline_moved` (`facts["ends"]`).

        Raises:
            UnknownPipeline: items of this kind have no such pipeline.
        """

    async def delete(self, ref: ItemRef) -> None:
        """Delete an item with all that belongs to it, and cut its relations. Emits `<kind>.deleted`."""

    # -- custom fields

    async def add_field(
        self, kind: str, code: str, type: str, *, label: str = "", multiple: bool = False, options: Options = ()
    ) -> CustomField:
        """
        Define a custom field of a kind of item; the options of one that holds bookings are its settings.

        Raises:
            AlreadyExists: there is one of this code.
            WrongFieldValue: a code that is no name or is a field's already, no such type; options of what is no
                choice, or of one that has none.
        """

    async def defined_fields(self, kind: str) -> tuple[CustomField, ...]:
        """The custom fields of a kind of item, in order of their codes."""

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
        """
        Append a row; the amount follows unless it was set by hand. Emits `<kind>.product_rows_saved`.

        Raises:
            ProductNotFound: no such product in the catalogue.
            WrongFieldValue: a number that is not one, or out of its range.
        """

    async def add_rows(self, ref: ItemRef, rows: Iterable[ProductRow]) -> tuple[ProductRow, ...]:
        """
        Append rows like these, in the item's currency, as `add_product` does; gives those that were made.

        Prices, quantities, discounts and rates are the same: what has changed in the catalogue since does not count.
        """

    async def products(self, ref: ItemRef) -> tuple[ProductRow, ...]:
        """The item's rows, in order."""

    async def delete_products(self, ref: ItemRef) -> tuple[ProductRow, ...]:
        """
        Remove all rows; gives them back.

        The amount follows unless it was set by hand. Emits `<kind>.product_rows_saved` where there were any.
        """

    async def add_event(self, ref: ItemRef, type: str, text: str, *, author: int | None = None) -> HistoryEvent:
        """Write a line into the history of an item, and nothing else. Raises UnknownEventType."""

    async def add_comment(self, ref: ItemRef, text: str, *, author: int | None = None) -> Comment:
        """Write a comment; its author is the item's person in charge if none is given. Changes no field."""

    async def comments(self, ref: ItemRef) -> tuple[Comment, ...]:
        """The item's comments, the oldest first."""

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
        """
        Make an open activity that stands beside the item, and beside `also`. Emits `activity.created` for each of them.

        The item's person in charge is responsible if nobody is named, and who is responsible is its author. With
        `complete_on_stage_change` the next change of the item's stage completes it, unless both are in one commit.
        The open waits of other instances on these items are over (`client_activity`).
        """

    async def activities(self, ref: ItemRef) -> tuple[Activity, ...]:
        """The item's activities, the oldest first."""

    async def complete_activity(self, ref: ItemRef, activity: int) -> Activity:
        """
        Complete an activity that stands beside an item; one that is completed already stays as it is.

        The task that it shows is completed, too. Emits `activity.completed` for each item that it stands beside. Raises
        ItemNotFound.
        """

    async def share_timeline(self, ref: ItemRef, others: Iterable[ItemRef]) -> None:
        """The activities and comments that stand beside an item also stand beside others from now on."""

    async def record(self, ref: ItemRef, happened: str, facts: Mapping[str, Any]) -> None:
        """Tell what happened to an item and is no change of a field. Emits `<kind>.<happened>` with the facts."""

    # -- documents

    async def next_number(self, template: int) -> int:
        """The next number of a template's documents, from 1, without gaps: it is taken with this commit."""

    async def add_document(self, ref: ItemRef, fields: Mapping[str, Any], *, public: bool = False) -> CrmDocument:
        """Write a document of an item, if wanted with a public link. Emits `document.created`."""

    async def document(self, id: int) -> CrmDocument:
        """A document by its id."""

    async def document_of_step(self) -> CrmDocument | None:
        """The document that this step has made."""

    async def documents(self, ref: ItemRef) -> tuple[CrmDocument, ...]:
        """The item's documents, the oldest first."""

    async def update_document(
        self, document: CrmDocument, fields: Mapping[str, Any], *, event: str | None = None
    ) -> CrmDocument:
        """Write some fields of a document, and tell of it by an event of this name about its item."""

    async def take_back_document(self, document: CrmDocument, number: int) -> None:
        """A document could not be made: it is gone, and its number free again unless a later one was taken."""

    async def publish_document(self, document: CrmDocument) -> CrmDocument:
        """Give a document a public link, where it has none; never one that it had before."""

    async def revoke_document(self, document: CrmDocument) -> CrmDocument:
        """The public link of a document is dead."""

    async def add_task(
        self,
        ref: ItemRef,
        title: str,
        description: str = "",
        *,
        responsible: int | None = None,
        deadline: datetime | None = None,
    ) -> Task:
        """
        Make a task about an item, with the activity that shows it. Emits `task.created`, and what that activity does.

        One that an instance makes bears the stage that the item is in.
        """

    async def tasks(self, ref: ItemRef) -> tuple[Task, ...]:
        """The item's tasks, the oldest first."""

    async def end_tasks(self, ref: ItemRef, stages: Iterable[str]) -> tuple[Task, ...]:
        """
        Complete the item's open tasks that bear one of these stages, with their activities; gives them back.

        Emits `task.completed` for each.
        """

    async def notify(
        self, ref: ItemRef, user: int, text: str, *, due_at: datetime | None = None, activity: int | None = None
    ) -> Notification:
        """Tell a user something about an item: at `due_at`, now if left out."""

    # -- waits

    async def open_wait(self, ref: ItemRef, description: str, end: datetime, *, author: int | None = None) -> Wait:
        """
        Show beside an item that this step waits until `end`; other waits of its instance are `superseded`.

        A wait that is completed, for whatever reason, tells so: `wait.completed` on `wait:<id>`, `facts["reason"]`.
        For a step that has a wait already it is that one, with its end: as it is, if it is over, else open again.
        """

    async def close_wait(self, reason: str) -> None:
        """Complete the wait of this step; does nothing where there is none, or it is over."""

    async def close_waits(self, reason: str) -> None:
        """Complete all open waits of the instance that this is performed for."""

    async def pass_on_waits(self, ref: ItemRef, other: ItemRef) -> None:
        """The open waits on an item are on another one from now on, whoever waits; each ends when it was to end."""

    # -- bookings

    async def book(
        self, ref: ItemRef, field: str, *, start: datetime, duration: timedelta, service: str, users: Iterable[int]
    ) -> tuple[Booking, ...]:
        """
        Book users in a booking field of an item, in place of what was booked in it.

        Who is booked again keeps the entry. The field shows the bookings, so that it is a change of the item; emits
        `<kind>.booked`, too.

        Raises:
            UnknownField, WrongFieldValue: no such custom field; or one that holds no bookings.
            ResourceBusy: the field forbids overbooking, and somebody is booked by others at that time.
        """

    async def cancel_booking(self, ref: ItemRef, field: str) -> tuple[Booking, ...]:
        """Release what is booked in a field of an item; gives it back. Else as `book`."""

    async def bookings(self, ref: ItemRef) -> tuple[Booking, ...]:
        """All bookings of an item, the oldest first."""

    # -- orders

    async def create_order(self, ref: ItemRef, products: Sequence[ProductRow | ProductRef] | None) -> Order:
        """
        Make an order of a deal or an invoice: with these rows and products, with all of its rows if None.

        Rows are copied. What there is to pay gets a payment. Emits `order.created`.

        Raises:
            UnknownItem: an item of this kind has no orders.
            ProductNotFound: no such product in the catalogue.
        """

    async def orders(self, ref: ItemRef) -> tuple[Order, ...]:
        """The orders of an item, the oldest first."""

    async def payments(self, order: int) -> tuple[Payment, ...]:
        """The payments of an order, the oldest first. Raises OrderNotFound."""

    async def payment(self, id: int) -> Payment:
        """A payment by its id."""

    async def is_reference_taken(self, provider: str | None, reference: str, payment: Payment) -> bool:
        """Whether another payment than this was paid by what a provider calls so."""

    async def update_payment(self, payment: Payment, fields: Mapping[str, Any]) -> Payment:
        """Write some fields of a payment."""

    async def record_payment(self, payment: Payment, fields: Mapping[str, Any]) -> Payment:
        """A payment was made. Emits `payment.paid` on the order's item; with the last one of an order, `order.paid`."""

    async def note_payment(self, payment: Payment, text: str) -> None:
        """A line in the history of the order's item: what came does not fit."""

    # -- calendars

    async def calendar_link(self, user: int) -> int:
        """Which link to a user's calendar is valid: its number, from 1."""

    async def revoke_calendar(self, user: int) -> None:
        """The links to a user's calendar that there were are dead: the next one has another number."""

    async def client_addresses(self, ref: ItemRef, kind: str) -> tuple[str, ...]:
        """All phones or addresses of an item's client: its own, or, if it has none, its contacts' and company's."""

    # -- messages

    async def mailboxes(self, user: int) -> tuple[Mailbox, ...]:
        """The mailboxes that a user may send from, in their order."""

    async def post_message(self, ref: ItemRef, draft: Draft) -> Message:
        """
        Note that a message about an item is about to be sent: `queued`, with a completed activity beside the item.

        A step has one message. Asked again, it gives the one that went through; one that did not is written anew. What
        the channel is to call it is made from the step's key, so that it is the same at every attempt.
        """

    async def settle_message(self, message: int, status: str, reason: str = "") -> Message | None:
        """
        Write down what became of a message; None where it is gone. Emits `message.status`.

        Sent, it is a line in the item's history. Refused, it loses its activity, and why is a line of error, as it is
        where nobody knows whether it was sent. One that went through stays as it is.
        """

    async def report_message(self, message: int, status: str, reason: str = "") -> None:
        """Write down what a provider says of a message later: `delivered` or `failed`. Raises MessageNotFound."""

    async def message(self, id: int) -> Message:
        """A message by its id. Raises MessageNotFound."""

    async def opened(self, message: int) -> None:
        """A mail was opened; the first time emits `message.opened`. Raises MessageNotFound."""

    async def clicked(self, message: int, link: int) -> str:
        """
        A link of a mail was followed; gives its target. Emits `message.link_clicked`.

        Raises MessageNotFound, too where it has no such link.
        """

    async def is_excluded(self, address: str) -> bool:
        """Whether a phone number or an address is one that nobody is to be reached at."""

    async def tell_incoming(self, ref: ItemRef, kind: str, activity: int) -> None:
        """Emit that something came in from the client: `communication.incoming`, and the same with its kind."""

    async def tell_error(self, ref: ItemRef, text: str) -> None:
        """Write a line of error into the history of an item, if it is still there."""

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
        """
        Make one of a queue responsible for an item, by the laws of `rules/assigning.py`, and tell them.

        Absences, hours and loads are those of this transaction; the queue's state moves in it. What the queue leaves
        open of `pick` and `skip_absent` is as given here. `name` comes before the queue's own; without either it is
        made of the process, the kind and the function. What was held before in this queue is given away first.
        A change writes as `update` does, and a Notification for the new one.

        Raises:
            UnknownUser, UnknownDepartment, UnknownGroup: a member that is not there.
            UnknownField: the field of the partition is not there.
            NobodyAvailable: nobody can take it, and the queue asks for an error then.
        """

    async def queue_state(self, name: str, part: str = "") -> Mapping[str, Any]:
        """What a queue remembers, as JSON can hold it; empty for a fresh one."""

    async def set_queue_state(self, name: str, part: str, state: Mapping[str, Any]) -> None:
        """
        Make a queue remember what `queue_state` gave; an empty one makes it a fresh queue.

        Raises:
            WrongValue: that is no state.
        """

    async def held(self, name: str, part: str = "") -> tuple[ItemRef, ...]:
        """What is held in a queue, the next one first."""

    async def release(self) -> tuple[int, datetime | None]:
        """
        Give away whatever is held and can be given away now.

        Gives how many are still held then, and the first moment at which one of them can leave if nothing changes but
        the time; None if time alone will not do.

        Whoever wants to be there at that moment hears of it: `queue.holding` on `queue:all` is emitted when something
        is held where nothing was, `queue.moved` when something is held and somebody's time has changed, `queue.empty`
        when the last one has left.
        """

    async def company_calendar(self) -> Calendar:
        """The working hours of the company."""

    # -- looked up

    async def client_address(
        self, ref: ItemRef, kind: str, type: str | None = None, *, last: bool = False
    ) -> ClientAddress | None:
        """
        Where the client of an item can be reached.

        Looked at are, in this order, the addresses of the item itself (a lead, contact or company), of its contacts,
        of its company. The first of them that has any counts, and of its addresses the first, or the `last`. `kind` is
        `phones`, `emails`, `webs` or `ims`; with a `type` only those count: WORK, HOME…
        """

    async def signer(self) -> Signer:
        """What signs the tokens in links that people outside follow."""

    async def names(self, wanted: Iterable[tuple[str, Any]]) -> Mapping[tuple[str, Any], str]:
        """
        What things are called, by kind and key; what is not there is missing.

        The key is an id, but of a stage (kind of item, code) and of an entry of a list (`reference`) (list, code).
        """

    async def custom_fields(self, kind: str) -> Mapping[str, Field]:
        """The custom fields of a kind of item, by code. Raises UnknownItem."""

    async def users(self, users: Users | None) -> tuple[int, ...]:
        """
        The ids that a parameter names, from left to right, each once; None names nobody.

        Of departments and groups only those who are still active, by id; who is named alone may no longer be.

        Raises:
            UnknownUser, UnknownDepartment, UnknownGroup: there is no such.
        """

    async def parents_of(self, kind: str) -> tuple[str, ...]:
        """The kinds of items that items of a smart type can be children of. Raises UnknownItem."""

    async def file_called(self, path: str) -> ItemRef | None:
        """The file that lies at a path of the drive."""

    async def stage_of(self, ref: ItemRef) -> Stage:
        """The stage an item is in."""

    async def stages(self, kind: str, codes: Iterable[str]) -> tuple[Stage, ...]:
        """The stages of these codes, in whatever pipeline. Raises UnknownStage."""
