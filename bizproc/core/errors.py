"""
Every error that bizproc raises. Each says what, where and what now, and carries its facts as fields.

    BizprocError
    ├── ProcessDefinitionError    a process that cannot be loaded
    ├── RecipeDefinitionError     a recipe that nobody can use
    ├── RecipeUnusable            a recipe that a project cannot use
    ├── WrongArgument             a call that does not fit the start form, or a step's or an action's parameters
    ├── NotDurable                something that is not bizproc's was awaited or scheduled inside a process
    ├── NotInProcess              a command was awaited where no process runs
    ├── NestedStep                a step or an action was awaited inside the body of a step
    ├── NoTruthValue              `and`, `or`, `not`, `if` or `a < x < b` on a filter
    ├── NoSuchField               `F` has no field of this name
    ├── NoSuchAction              a noun of `crm` has no action of this name
    ├── CodecError
    │   ├── NotJournallable       a value that cannot be written
    │   └── NotRestorable         a value that cannot be read back
    ├── NotPrintable              a value that has no print version, or none without the CRM
    ├── RecordedError             an error whose class is gone
    ├── ReplayMismatch            the code asks for something else than the journal recorded
    ├── StepFailure
    │   ├── StepInterrupted       an at_most_once step was cut short by a crash
    │   ├── StepTimedOut          a step took longer than its timeout
    │   └── StepAborted           a step's body cancelled itself
    ├── InstanceError
    │   ├── InstanceNotFound
    │   ├── InstanceFailed, InstanceCancelled, InstanceTerminated, InstanceStuck
    │   ├── InstanceNotFinished   result(timeout=...) ran out
    │   ├── StartRefused          the overlap policy
    │   │   └── QueueFull         too many wait for their turn
    │   ├── LoopRefused           a chain of causes that is too long
    │   ├── StartConflict         one id, two different calls
    │   ├── UnknownProcess        no such process is loaded
    │   ├── UnknownStep           no such step to fork at
    │   └── ChildFailed
    ├── ActionError               an action that cannot do its work (D1)
    │   ├── UnknownItem, ItemNotFound, LinkedItemMissing, AmbiguousItem
    │   ├── UnknownField, WrongFieldValue, UnknownStage, UnknownPipeline
    │   ├── UnknownUser, UnknownDepartment, UnknownGroup
    │   ├── ProductNotFound, WrongValue, EmptyText, NobodyAvailable
    │   ├── RowNotFound, OrderNotFound, UnknownEventType
    │   ├── ResourceBusy, NobodyFound, DateMissing, DateTooEarly, DocumentNeeded
    │   ├── NoClient, AlreadyConverted, ConversionRefused
    │   ├── UnknownDetailsTemplate, DetailsMissing, DetailsRefused
    │   ├── FileMissing, FileDamaged
    │   ├── TemplateUnfit, DocumentFailed, DocumentNotReady, NothingToPay, PaymentUnfit
    │   ├── NoResponsible, NoSender, NoClientAddress, BadAddress, AttachmentsTooLarge, MessageNotFound
    │   ├── WrongFilter           a filter that means nothing, or not on this kind of item
    │   ├── FilterUnreadable      a filter's text that cannot be read
    │   ├── CurrencyMismatch      amounts of two currencies were compared
    │   └── ChannelMissing, SendRefused, NoDocument, AlreadyExists
    ├── NeverOpen                 a working calendar that has no such moment
    ├── ImportRefused             files that cannot be imported
    ├── ExportRefused             a folder that cannot be exported into
    ├── SettingsError             a setting that is wrong
    ├── ExtraMissing              optional packages are not installed
    ├── PortTaken                 the web pages cannot be served there
    └── StoreError
        ├── StoreInUse, StoreLost, StoreLocked, Unanswered
        ├── StoreMissing, StoreNewer, StoreUnreadable, StoreReadOnly
        └── StoreFull, StoreDamaged

    Cancelled (a BaseException)   raised at the current await of an instance that is being cancelled
"""

from __future__ import annotations

from typing import ClassVar

import attrs
from attrs import define, field


class BizprocError(Exception):
    """
    The root. `says` is the sentence, its braces are filled from the fields.

    What to do is part of it, or, where it would not be read by those who know, stands beside it as `advice`.
    """

    says: ClassVar[str] = ""
    advice: ClassVar[str] = ""

    @property
    def what_now(self) -> str:
        """The advice, to be shown behind what it says; empty where that holds it already."""
        return self.advice

    def __str__(self) -> str:
        cls = type(self)
        if not self.says or not attrs.has(cls):
            return super().__str__()
        return self.says.format_map({a.name: getattr(self, a.name, "?") for a in attrs.fields(cls)})


class Cancelled(BaseException):
    """
    Raised at the current await of an instance, or a branch, that is being cancelled.

    A BaseException, so that `except Exception` does not swallow it. Cleanup may await.

    Attributes:
        failures: What branches below raised in their cleanup; each is a note on this, too.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.failures: list[BaseException] = []


# -- writing and starting processes ------------------------------------------------------------------------------------


@define(kw_only=True)
class ProcessDefinitionError(BizprocError):
    """A process that cannot be loaded."""

    says = "process {process}: {detail}"
    advice = "Mend the definition; nothing was loaded of it."
    process: str
    detail: str


@define(kw_only=True)
class RecipeDefinitionError(BizprocError):
    """A recipe that cannot be used, whatever its settings are."""

    says = "recipe {recipe}: {detail}"
    advice = "Mend the recipe, or install a release of its distribution in which it is mended."
    recipe: str
    detail: str


@define(kw_only=True)
class RecipeUnusable(BizprocError):
    """A recipe that a project wants to use is not installed, or cannot be loaded."""

    says = "[recipes.{use}] cannot run: {recipe}: {detail}"
    advice = "Install or mend it. Others run meanwhile, and its instances are stuck until it is back; none is lost."
    use: str
    recipe: str
    detail: str


@define(kw_only=True)
class WrongArgument(BizprocError, TypeError):
    """A call that does not fit: `process` names the process, step or action that was called."""

    says = "{process}: parameter {parameter}: expected {expected}, got {got}"
    advice = "Give what is expected; nothing has run."
    process: str
    parameter: str
    expected: str
    got: str


@define(kw_only=True)
class NotDurable(BizprocError):
    """Something that is not bizproc's was awaited or scheduled inside a process."""

    says = "{what} cannot be used inside a process: it would be lost when the instance leaves memory. {instead}"
    what: str
    instead: str = "Move it into the body of an @action step, and await the step."


@define(kw_only=True)
class NotInProcess(BizprocError):
    """A command was awaited where no process runs."""

    says = "{command} can be awaited only inside a process. {instead}"
    command: str
    instead: str = "Outside one, hand an action to `runtime.perform(...)` and a call to `runtime.start(...)`."


@define(kw_only=True)
class NestedStep(BizprocError):
    """A step or an action was used inside the body of a step."""

    says = (
        "{command} was used inside the body of the step {step}: a step is one unit and holds no other. "
        "Await both in the process."
    )
    command: str
    step: str


# -- filters -----------------------------------------------------------------------------------------------------------


@define(kw_only=True)
class NoTruthValue(BizprocError, TypeError):
    """A filter was used where Python wants to know whether it is true, which depends on the item."""

    says = (
        "{filter} has no truth value of its own: use &, |, ~ and brackets instead of `and`, `or`, `not`, and "
        "`.between(a, b)` or `(a < x) & (x < b)` instead of `a < x < b`."
    )
    filter: str


@define(kw_only=True)
class NoSuchField(BizprocError, AttributeError):
    """`F` has no field of this name: no kind of item has."""

    says = "{path} has no field {field!r}.{hint} Custom fields are under `F.custom`."
    path: str
    field: str
    hint: str = ""


@define(kw_only=True)
class NoSuchAction(BizprocError, AttributeError):
    """A noun of `crm` has no action of this name."""

    says = "{noun} has no action {action!r}. {hint}"
    noun: str
    action: str
    hint: str


# -- values ------------------------------------------------------------------------------------------------------------


class CodecError(BizprocError):
    """A value that cannot be written or read."""


@define(kw_only=True)
class NotJournallable(CodecError):
    """A value that cannot be written into the journal; `path` leads to it."""

    says = "{path}: a {type} cannot be journalled: {detail}"
    advice = "Give what can be written: bools, numbers, texts, dates, lists, mappings, attrs classes of these."
    path: str
    type: str
    detail: str


@define(kw_only=True)
class NotRestorable(CodecError):
    """A recorded value that cannot be read back as the type the code asks for."""

    says = "{path}: what was recorded cannot be read back as {type}: {detail}"
    advice = "Put the old type back, or let it take what was recorded, then `retry` the instance."
    path: str
    type: str
    detail: str


@define(kw_only=True)
class RecordedError(BizprocError):
    """Stands for a recorded error whose class is gone or cannot be rebuilt."""

    says = "{class_name}: {text}"
    advice = "Look at its text: the class it had is no longer where it was."
    class_name: str
    text: str


@define(kw_only=True)
class NotPrintable(BizprocError, TypeError):
    """A value that has no print version, or none that a process can make without asking the CRM."""

    says = "{what} cannot be printed here. {instead}"
    what: str
    instead: str


# -- replay and steps --------------------------------------------------------------------------------------------------


@define(kw_only=True)
class ReplayMismatch(BizprocError):
    """The code asks for something else than the journal recorded at `step`: the instance is stuck, nothing is lost."""

    says = (
        "instance {instance} cannot replay step {step}:\n"
        "  the journal recorded  {recorded}\n"
        "  the code now asks for {asked}\n"
        "{difference}"
        "Put the old code back, or keep the old path behind `if await patched(...):`, then `retry` the instance."
    )
    instance: str
    step: str
    recorded: str
    asked: str
    difference: str = ""


class StepFailure(BizprocError):
    """A step that could not be run to its end."""


@define(kw_only=True)
class StepInterrupted(StepFailure):
    """An `at_most_once` step was cut short by a crash: it may or may not have done its work."""

    says = "step {step} ({name}) was interrupted by a crash and is at_most_once: it may or may not have done its work."
    advice = "Find out whether it has done its work, and catch the error accordingly."
    name: str
    step: str


@define(kw_only=True)
class StepTimedOut(StepFailure, TimeoutError):
    """A step's body took longer than its timeout."""

    says = "step {step} ({name}) took longer than its timeout of {timeout}."
    advice = "Give it more time, or a retry policy."
    name: str
    step: str
    timeout: str


@define(kw_only=True)
class StepAborted(StepFailure):
    """A step's body let a cancellation out that nobody had asked for."""

    says = "step {step} ({name}) was cancelled from inside its own body."
    advice = "Do not let `CancelledError` out of the body."
    name: str
    step: str


# -- instances ---------------------------------------------------------------------------------------------------------


class InstanceError(BizprocError):
    """About one instance."""


@define(kw_only=True)
class InstanceNotFound(InstanceError):
    """No instance has this id."""

    says = "there is no instance {instance}.{hint} `bizproc ps` lists those that exist."
    instance: str
    hint: str = ""


@define(kw_only=True)
class InstanceFailed(InstanceError):
    """The instance ended with an error; `error` is that error, `step` the step it came from."""

    says = "instance {instance} of {process} failed: {error_class}: {text}"
    advice = "Look at its steps (`bizproc show`; in code `error` and `step`). When the cause is mended, `retry` it."
    instance: str
    process: str
    error_class: str
    text: str
    step: str | None = None
    error: BaseException | None = field(default=None, repr=False)


@define(kw_only=True)
class InstanceCancelled(InstanceError):
    """The instance was cancelled."""

    says = "instance {instance} of {process} was cancelled."
    advice = "Nothing: somebody wanted it so."
    instance: str
    process: str


@define(kw_only=True)
class InstanceTerminated(InstanceError):
    """The instance was ended from outside; no more of its code runs."""

    says = "instance {instance} of {process} was terminated: {reason}"
    advice = "Nothing: the reason says what ended it."
    instance: str
    process: str
    reason: str


@define(kw_only=True)
class InstanceStuck(InstanceError):
    """The instance cannot go on before a person puts something right."""

    says = "instance {instance} of {process} is stuck: {text}"
    advice = "Do what the text says, then `retry` the instance."
    instance: str
    process: str
    text: str


@define(kw_only=True)
class InstanceNotFinished(InstanceError, TimeoutError):
    """`result(timeout=...)` ran out before the instance ended; the instance goes on."""

    says = "instance {instance} of {process} has not ended within {timeout}; it is {state}."
    advice = "Ask again later, or wait longer; nothing was lost."
    instance: str
    process: str
    state: str
    timeout: str


@define(kw_only=True)
class StartRefused(InstanceError):
    """The overlap policy refuses a second instance on the same document; `existing` is the id of the first."""

    says = "{process} already runs on {document} (instance {existing}), and its overlap policy is {policy!r}."
    advice = "Go on with the instance that is named, or give the process another overlap policy."
    process: str
    document: str
    existing: str
    policy: str


@define(kw_only=True)
class QueueFull(StartRefused):
    """Another instance runs on the document, and too many wait for their turn already."""

    says = "{process} runs on {document} (instance {existing}), and {waiting} wait for their turn: no more are taken."
    advice = "Try again when some have had their turn, or give the process another overlap policy."
    waiting: int


@define(kw_only=True)
class LoopRefused(InstanceError):
    """What a process changed would start a process, at the end of a chain of such causes that is too long (D15)."""

    says = "{process} is not started: {length} causes lead to it, and more than {most} are a loop.\n{shown}"
    advice = "Let the trigger leave out what processes change (`by_processes=False`), or narrow it with `where=`."
    process: str
    length: int
    most: int
    chain: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The chain, a line for each cause."""
        return "\n".join(f"  {place}. {cause}" for place, cause in enumerate(self.chain, start=1))

    def __str__(self) -> str:
        return self.says.format_map({**attrs.asdict(self), "shown": self.shown})


@define(kw_only=True)
class StartConflict(InstanceError):
    """An instance with this id exists, made by another call."""

    says = (
        "instance {instance} exists and was started with other arguments:\n"
        "  first  {first}\n  now    {now}\nUse another id."
    )
    instance: str
    first: str
    now: str


@define(kw_only=True)
class UnknownProcess(InstanceError):
    """No process of this name and version is loaded."""

    says = "no process {process!r} (version {version}) is loaded. Loaded: {loaded}."
    advice = "Name the module of the process in the setting `processes`, or hand it to `Runtime.open`."
    process: str
    version: int | None
    loaded: str


@define(kw_only=True)
class ChildFailed(InstanceError):
    """A child instance ended without a value; `error` is its error where it failed."""

    says = "child {child} of process {process} {state}: {text}"
    advice = "Look at the child itself: `bizproc show`; in code, at `error`."
    child: str
    process: str
    state: str
    text: str
    error: BaseException | None = field(default=None, repr=False)


@define(kw_only=True)
class InstancePoisoned(InstanceError):
    """The program died again and again while this instance ran alone."""

    says = (
        "instance {instance}: the program died {times} times while it ran alone. "
        "Look at the steps in flight, then `retry` it."
    )
    instance: str
    times: int


@define(kw_only=True)
class UnknownStep(InstanceError):
    """The journal has no such step."""

    says = "instance {instance} has no step {step} in its journal. It has: {known}. `bizproc show` lists them."
    instance: str
    step: str
    known: str


@define(kw_only=True)
class NotResumable(InstanceError):
    """`retry` is for instances that failed or are stuck, `skip_wait` for those that wait."""

    says = "instance {instance} is {state}: {detail}"
    advice = "Look at how it stands: `bizproc show`."
    instance: str
    state: str
    detail: str


@define(kw_only=True)
class JournalTooLong(InstanceError):
    """The journal has reached its longest."""

    says = (
        "the journal of instance {instance} has {length} entries. "
        "Begin anew with `continue_as_new` before it comes to that."
    )
    instance: str
    length: int


# -- actions (D1: an action that cannot do its work raises, and nothing is half-written) -------------------------------


class ActionError(BizprocError):
    """An action that cannot do its work."""


@define(kw_only=True)
class UnknownItem(ActionError):
    """There is no such kind of item."""

    says = "there is no kind of item {kind!r}. Known: {known}."
    advice = "Use one of the kinds that are known, or define a smart type."
    kind: str
    known: str


@define(kw_only=True)
class ItemNotFound(ActionError):
    """No item of this kind has this id. In a process `attempt(...)` gives the error as a value."""

    says = "there is no {kind} {id}."
    advice = "Look whether it was deleted, or name another."
    kind: str
    id: object


@define(kw_only=True)
class LinkedItemMissing(ActionError):
    """The item has no linked item of the wanted kind (D22)."""

    says = "{kind} {id} has no linked {wanted}."
    advice = "Link one, or say which is meant: `crm.company(3)`."
    kind: str
    id: int
    wanted: str


@define(kw_only=True)
class AmbiguousItem(ActionError):
    """Several linked items of the wanted kind, and none is primary (D22)."""

    says = "{kind} {id} has several linked {wanted} items and none is primary: {candidates}."
    advice = "Say which is meant: `crm.contact(candidates[0])`."
    kind: str
    id: int
    wanted: str
    candidates: tuple[int, ...]


@define(kw_only=True)
class UnknownField(ActionError):
    """The item has no such field."""

    says = "{kind} has no field {field!r}. Known: {known}."
    advice = "Use one of the fields that are known; custom fields begin with `custom.`."
    kind: str
    field: str
    known: str


@define(kw_only=True)
class WrongFieldValue(ActionError):
    """A value that does not fit its field."""

    says = "{kind}.{field}: expected {expected}, got {got}."
    advice = "Give what is expected; nothing was written."
    kind: str
    field: str
    expected: str
    got: str


@define(kw_only=True)
class UnknownStage(ActionError):
    """The stage does not belong to the item's pipeline (D11)."""

    says = "pipeline {pipeline} of {kind} has no stage {stage!r}. Its stages: {known}."
    advice = "Use one of the pipeline's stages; nothing was moved."
    kind: str
    pipeline: str
    stage: str
    known: str


@define(kw_only=True)
class UnknownPipeline(ActionError):
    """There is no such pipeline."""

    says = "{kind} has no pipeline {pipeline!r}. Known: {known}."
    advice = "Use one of the pipelines that are known."
    kind: str
    pipeline: object
    known: str


@define(kw_only=True)
class UnknownUser(ActionError):
    """No user has this id."""

    says = "there is no user {user!r}."
    advice = "Name a user who is in the CRM."
    user: object


@define(kw_only=True)
class UnknownDepartment(ActionError):
    """No department has this code."""

    says = "there is no department {department!r}. Known: {known}."
    advice = "Use one of the departments that are known, or make it: `crm.department.create(...)`."
    department: str
    known: str


@define(kw_only=True)
class UnknownGroup(ActionError):
    """No group of users has this code."""

    says = "there is no group of users {group!r}. Known: {known}."
    advice = "Use one of the groups that are known, or make it: `crm.group.create(...)`."
    group: str
    known: str


@define(kw_only=True)
class ProductNotFound(ActionError):
    """No such product in the catalogue."""

    says = "there is no product {product!r} in the catalogue."
    advice = "Name a product of the catalogue, or add it there."
    product: object


@define(kw_only=True)
class WrongValue(ActionError, ValueError):
    """An action's parameter lies outside what it may be."""

    says = "{action}: {parameter} must be {expected}, got {got}."
    advice = "Give what is expected; nothing was done."
    action: str
    parameter: str
    expected: str
    got: str


@define(kw_only=True)
class EmptyText(ActionError, ValueError):
    """What must be given is left out, or a text that must say something is blank."""

    says = "{action}: {parameter} is missing or empty."
    advice = "Give a text that says something."
    action: str
    parameter: str


@define(kw_only=True)
class NobodyAvailable(ActionError):
    """Nobody of a queue can take it now, and the queue asks for an error then (`nobody="error"`)."""

    says = "queue {queue}: nobody can take it now. {reasons}"
    advice = "Add somebody to the queue, or say what is to be done then: `nobody=`."
    queue: str
    reasons: str


@define(kw_only=True)
class RowNotFound(ActionError):
    """The item has no product row of this id."""

    says = "{kind} {id} has no product row {row!r}. A row's id is meant, not a product's."
    advice = "Take the id from the rows of the item."
    kind: str
    id: int
    row: object


@define(kw_only=True)
class OrderNotFound(ActionError):
    """No order has this id."""

    says = "there is no order {order!r}."
    advice = "Look whether it was deleted; an order is named by its id."
    order: object


@define(kw_only=True)
class UnknownEventType(ActionError):
    """The list EVENT_TYPE has no such code."""

    says = "there is no type of event {type!r}. Known: {known}."
    advice = "Use one of the types that are known, or add an entry to the list EVENT_TYPE."
    type: str
    known: str


@define(kw_only=True)
class ResourceBusy(ActionError):
    """Somebody is booked at that time already, and the field forbids to book them twice (D9): `bookings` says what."""

    says = "{kind}.{field}: booked already: {shown}."
    advice = "Choose another time or another person, or let the field allow it."
    kind: str
    field: str
    bookings: tuple[object, ...]

    @property
    def shown(self) -> str:
        """The bookings that are in the way."""
        several = (
            f"user {getattr(each, 'user_id', '?')} from {getattr(each, 'start', '?')} to {getattr(each, 'end', '?')}"
            for each in self.bookings
        )
        return "; ".join(several)

    def __str__(self) -> str:
        return self.says.format(kind=self.kind, field=self.field, shown=self.shown)


@define(kw_only=True)
class NobodyFound(ActionError):
    """Somebody is needed, and a parameter comes to nobody."""

    says = "{action}: {parameter} comes to nobody (left out, the one in charge of {kind} {id} is meant)."
    advice = "Name somebody, or set who is in charge of the item."
    action: str
    parameter: str
    kind: str
    id: int


@define(kw_only=True)
class DateMissing(ActionError):
    """The item's date that something depends on is empty."""

    says = "{kind} {id} has no {field}."
    advice = "Fill the field in first, or wait with `wait.days`."
    kind: str
    id: int
    field: str


@define(kw_only=True)
class DateTooEarly(ActionError):
    """A wait that would be over before it begins."""

    says = "{count} days before {field} of {kind} {id} is {end}: that is not later than today."
    advice = "Wait for fewer days, or see first whether the date is still far enough."
    kind: str
    id: int
    field: str
    count: int
    end: str

    def __str__(self) -> str:
        text = super().__str__()
        return text if self.count != 1 else text.replace("1 days", "1 day", 1)


@define(kw_only=True)
class DocumentNeeded(ActionError):
    """Something is done on the item that the process runs on, and it runs on none."""

    says = "{action} is for a process that runs on an item, and here is none."
    advice = "Say which item is meant, as in `crm.deal(42)`, or start the process on one."
    action: str


@define(kw_only=True)
class WrongFilter(ActionError, ValueError):
    """A filter that means nothing, or not on this kind of item; `filter` is its text."""

    says = "filter {filter}: {detail}"
    advice = "Mend the filter; nothing was looked for."
    filter: str
    detail: str


@define(kw_only=True)
class FilterUnreadable(ActionError, ValueError):
    """A filter's text that cannot be read; `position` counts characters from 0."""

    says = "the filter cannot be read at character {position}: {detail}\n  {shown}\n  {mark}"
    advice = "Mend the text where the mark stands."
    position: int
    detail: str
    shown: str
    mark: str


@define(kw_only=True)
class CurrencyMismatch(ActionError, ValueError):
    """Amounts of two currencies were compared, which says nothing."""

    says = "{what} is in {has}, and was compared with an amount in {asked}. Compare amounts of one currency only."
    what: str
    has: str
    asked: str


@define(kw_only=True)
class NoDocument(ActionError):
    """An item was named by its kind alone, in a process (or outside one) that runs on no document."""

    says = "crm.{kind} is the {kind} that the process runs on, and here is none: say which, as in crm.{kind}(42)."
    kind: str


@define(kw_only=True)
class AlreadyExists(ActionError):
    """It must be the only one, and is not."""

    says = "{kind}: there is one with {field} {value} already."
    advice = "Use the one that is there, or give another value."
    kind: str
    field: str
    value: str


@define(kw_only=True)
class NoClient(ActionError):
    """The item has neither a contact nor a company, and the action is about them."""

    says = "{action}: {kind} {id} has neither a contact nor a company: link one first."
    action: str
    kind: str
    id: int


@define(kw_only=True)
class AlreadyConverted(ActionError):
    """The lead was converted before, or was moved to its success by hand: it is not converted again."""

    says = "{kind} {id} is converted already (it is in {stage})."
    advice = "Nothing: what was made of it is there. `crm.lead.read()` shows it."
    kind: str
    id: int
    stage: str


@define(kw_only=True)
class ConversionRefused(ActionError):
    """Something could not be made of it; nothing was. `activity_for` is who was given a to-do about it."""

    says = "{kind} {id} could not be converted to a {wanted}: {reason}"
    advice = "Mend what the reason names, then convert it again."
    kind: str
    id: int
    wanted: str
    reason: str
    activity_for: int | None = None


@define(kw_only=True)
class UnknownDetailsTemplate(ActionError):
    """There is no template of details of this code."""

    says = "there is no template of details {template!r}. Known: {known}."
    advice = "Use one of the templates that are known."
    template: str
    known: str


@define(kw_only=True)
class DetailsMissing(ActionError):
    """The client has no details by this template."""

    says = "{kind} {id} has no details by the template {template!r}: make some with crm.details.create(...)."
    kind: str
    id: int
    template: str


@define(kw_only=True)
class DetailsRefused(ActionError):
    """
    Values that their fields cannot hold; nothing was written.

    Attributes:
        id: Of the details.
        reasons: By part (`fields`, `bank`): what is wrong with the first value that is.
    """

    says = "details {id} were not changed: {text}"
    advice = "Give values that fit their fields; nothing was written."
    id: int
    text: str
    reasons: tuple[tuple[str, str], ...] = ()


@define(kw_only=True)
class FileMissing(ActionError):
    """The content of a file is not where contents lie."""

    says = "the content {sha256} is not in {where}. Was the store moved without the folder beside it?"
    advice = "Put that folder back beside the store, or take both from a backup."
    sha256: str
    where: str


@define(kw_only=True)
class FileDamaged(ActionError):
    """The content of a file is not what was put there."""

    says = "{where} no longer holds what was put there: its SHA-256 should be {sha256}. Restore it from a copy."
    sha256: str
    where: str


@define(kw_only=True)
class TemplateUnfit(ActionError):
    """No document can be made from this template."""

    says = "no document can be made from template {template}: {detail}"
    advice = "Mend the template, or name another."
    template: object
    detail: str


@define(kw_only=True)
class DocumentFailed(ActionError):
    """A document could not be made; nothing of it is left."""

    says = "the document {number!r} could not be made from template {template}: {reason}"
    advice = "Mend the template, or give it the values that it needs."
    template: int
    number: str
    reason: str


@define(kw_only=True)
class DocumentNotReady(ActionError):
    """The PDF of a document was not there in time (D20). The document is kept, and its PDF comes later."""

    says = "the PDF of document {number!r} ({document}) was not ready within {timeout}. The document is kept."
    advice = "Read the document again later, or wait for the event `document.pdf_ready`."
    document: int
    number: str
    timeout: str


@define(kw_only=True)
class NothingToPay(ActionError):
    """An order has no payment: what it comes to is nothing."""

    says = "there is nothing to be paid of order {order}."
    advice = "Give the order rows with a price, or ask for no payment."
    order: int


@define(kw_only=True)
class PaymentUnfit(ActionError):
    """What was paid is not what was to be paid; the payment stays open."""

    says = "payment {payment}: expected {expected}, got {got}. It stays open."
    advice = "Look at what came in, and record the payment by hand if it is right."
    payment: int
    expected: str
    got: str


@define(kw_only=True)
class NoResponsible(ActionError):
    """Something is done in the name of an item's person in charge, and it has none."""

    says = "{kind} {id} has nobody in charge, in whose name it could be done: set its `responsible_id`."
    kind: str
    id: int


@define(kw_only=True)
class NoSender(ActionError):
    """There is no address to send from."""

    says = (
        "no mailbox is there for user {user}, and they have no address of their own: add one with "
        "crm.mailbox.create(email=...), or name the sender."
    )
    user: int


@define(kw_only=True)
class NoClientAddress(ActionError):
    """The client of an item has nowhere to be reached."""

    says = "{kind} {id}: neither it nor its contacts nor its company have anything in `{wanted}` (of type: {type})."
    advice = "Fill the field in, or name another address."
    kind: str
    id: int
    wanted: str
    type: str = "any"


@define(kw_only=True)
class BadAddress(ActionError):
    """What is to be written to is no address."""

    says = "{what}: {address} is no e-mail address."
    advice = "Write it as name@example.com."
    what: str
    address: str


@define(kw_only=True)
class AttachmentsTooLarge(ActionError):
    """The attachments of a mail are larger than the portal allows."""

    says = "the attachments come to {size} bytes as they travel, and a mail may have {most} (setting mail.largest)."
    advice = "Send fewer or smaller files, or links to them: `crm.drive.link(...)`."
    size: int
    most: int


@define(kw_only=True)
class MessageNotFound(ActionError):
    """There is no such message, or it has no such link."""

    says = "there is no message {message}, or it has not what was asked for."
    advice = "Look whether it was deleted; a message is named by its id."
    message: int


@define(kw_only=True)
class ChannelMissing(ActionError):
    """No channel of this name is set up."""

    says = "no channel {channel!r} is set up. There are: {known}."
    advice = "Set the channel up, or use one of those there are."
    channel: str
    known: str


@define(kw_only=True)
class SendRefused(ActionError):
    """The other side will not take it; it was not sent."""

    says = "{channel} refused it: {reason}"
    advice = "Mend what the reason names; it was certainly not sent."
    channel: str
    reason: str


@define(kw_only=True)
class SendDelayed(BizprocError):
    """Raised by a channel: certainly not sent, and may be sent later: after `again_after` seconds, or as usual."""

    says = "{channel} cannot take it now: {reason}"
    advice = "Nothing: it is tried again by itself."
    channel: str
    reason: str
    again_after: float | None = None


@define(kw_only=True)
class DeliveryUnknown(BizprocError):
    """It may or may not have been sent, and sending it again could send it twice: a person must decide."""

    says = "step {step}: whether {channel} has sent it is unknown ({reason}). It is not sent again by itself."
    advice = "Find out whether it arrived, then `bizproc settle` the step: as sent, or to be sent again."
    channel: str
    step: str
    reason: str


# -- calendars ---------------------------------------------------------------------------------------------------------


@define(kw_only=True)
class NeverOpen(BizprocError):
    """A working calendar has no such moment."""

    says = "working calendar in {zone}: there is no such moment after {moment}: {detail}."
    advice = "Give the calendar working hours in the time to come."
    zone: str
    moment: str
    detail: str


# -- files and settings -----------------------------------------------------------------------------------------------


@define(kw_only=True)
class BadRow:
    """One row that cannot be imported: `line` counts from 1, the header included."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


@define(kw_only=True)
class ImportRefused(BizprocError):
    """Files that cannot be imported; nothing of them was written."""

    says = "{text}"
    advice = "Mend the rows that are named, or leave them out with `--skip-bad`."
    text: str
    rows: tuple[BadRow, ...] = ()

    @property
    def what_now(self) -> str:
        return ""  # the text has it


@define(kw_only=True)
class ExportRefused(BizprocError):
    """A folder that cannot be exported into; nothing was written."""

    says = "{text}"
    advice = "Name a folder that is empty, or not there yet."
    text: str

    @property
    def what_now(self) -> str:
        return ""  # the text has it


@define(kw_only=True)
class SettingsError(BizprocError):
    """A setting that is wrong."""

    says = "{where}: {detail}"
    advice = "Mend it where it was said: the file, the variable or the option; docs/reference/settings.md has them all."
    where: str
    detail: str

    @property
    def what_now(self) -> str:
        """Where the value came from, as far as `where` says it, is where it is mended."""
        if self.where.startswith("--"):
            return f"Give another {self.where}, or leave it out."
        if self.where.startswith("BIZPROC_"):
            place = f"Set the variable {self.where} anew, or unset it"
        elif self.where.startswith("["):
            place = f"Do that, or leave the table {self.where} of bizproc.toml and the variables of its settings away"
        elif self.where.endswith(".toml"):
            place = f"Mend it in {self.where}"
        elif self.where.replace(".", "").isidentifier():
            place = f"Mend it in bizproc.toml, or in the variable BIZPROC_{self.where.replace('.', '_').upper()}"
        else:
            return self.advice
        return f"{place}; docs/reference/settings.md has all settings."


@define(kw_only=True)
class ExtraMissing(BizprocError):
    """Something needs packages that are not installed."""

    says = "{what} need packages that are not installed ({package}): pip install 'bizproc[{extra}]'"
    what: str
    extra: str
    package: str


@define(kw_only=True)
class PortTaken(BizprocError):
    """The web pages cannot be served where the settings say."""

    says = (
        "the web pages cannot be served at {host}:{port}: {detail}. "
        "Set web.host and web.port to another place, or stop the program that listens there; web.port = 0 serves none."
    )
    host: str
    port: int
    detail: str


# -- the store --------------------------------------------------------------------------------------------------------


class StoreError(BizprocError):
    """About the store as a whole."""


@define(kw_only=True)
class StoreInUse(StoreError):
    """Another program owns the store. `Runtime.attach` works beside it."""

    says = "{path} is in use by process {pid}: {detail}"
    advice = "Commands like ps, show, start and signal work beside it."
    path: str
    pid: int | None
    detail: str = "stop that program first."

    @property
    def what_now(self) -> str:
        return self.advice if self.detail == "stop that program first." else ""  # another detail says all of it


@define(kw_only=True)
class StoreLost(StoreError):
    """Another program took the store over; nothing more is committed by this one."""

    says = "{path} was taken over by another program: {detail}"
    advice = "Stop this program: the other one goes on with the store."
    path: str
    detail: str


@define(kw_only=True)
class StoreLocked(StoreError):
    """Another program holds a lock on the database file."""

    says = "{path} is locked: {detail}"
    advice = "Stop the program that holds the lock, then try again."
    path: str
    detail: str


@define(kw_only=True)
class Unanswered(StoreError):
    """What a guest posted has not been done yet; it waits in the store. `owner` is who owns it now, or None."""

    says = "{path}: it is posted, and not done yet: {detail}"
    advice = "Wait for the owner, or start one with `bizproc serve`; do not ask again."
    path: str
    owner: int | None
    detail: str


@define(kw_only=True)
class StoreNewer(StoreError):
    """The store was written by a newer bizproc."""

    says = (
        "{path} has schema {found}, and this bizproc knows schema {known} at most: install a newer bizproc. "
        "The file was left as it is."
    )
    path: str
    found: int
    known: int


@define(kw_only=True)
class StoreMissing(StoreError):
    """There is no store at this place, and whoever asked for it makes none."""

    says = "there is no store at {path}"
    advice = (
        "Name the file of a store that is there. Or make one: `Runtime.open` does, and so do `bizproc serve` and "
        "`bizproc import`."
    )
    path: str


@define(kw_only=True)
class StoreUnreadable(StoreError):
    """The file is not a bizproc store."""

    says = "{path} is not a bizproc store: {detail}"
    advice = "Name the store's file; the one that was named was left as it is."
    path: str
    detail: str


@define(kw_only=True)
class StoreReadOnly(StoreError):
    """The store cannot be written."""

    says = "{path} cannot be written: {detail}"
    advice = "Give this user the right to write to the file and to its folder."
    path: str
    detail: str

    @property
    def what_now(self) -> str:
        return "" if ". " in self.detail else self.advice  # a second sentence says what to do


@define(kw_only=True)
class StoreFull(StoreError):
    """There is no room to write; the transaction was undone."""

    says = "{path}: no room to write: {detail}"
    advice = "Make room; what was not written is written then."
    path: str
    detail: str


@define(kw_only=True)
class StoreDamaged(StoreError):
    """The store is damaged; it is left as it is."""

    says = "{path} is damaged: {detail}"
    advice = "Take the last backup, and keep the damaged file."
    path: str
    detail: str


__all__ = [
    "ActionError",
    "AlreadyConverted",
    "AlreadyExists",
    "AmbiguousItem",
    "AttachmentsTooLarge",
    "BadAddress",
    "BadRow",
    "BizprocError",
    "Cancelled",
    "ChannelMissing",
    "ChildFailed",
    "CodecError",
    "ConversionRefused",
    "CurrencyMismatch",
    "DateMissing",
    "DateTooEarly",
    "DeliveryUnknown",
    "DetailsMissing",
    "DetailsRefused",
    "DocumentFailed",
    "DocumentNeeded",
    "DocumentNotReady",
    "EmptyText",
    "ExportRefused",
    "ExtraMissing",
    "FileDamaged",
    "FileMissing",
    "FilterUnreadable",
    "ImportRefused",
    "InstanceCancelled",
    "InstanceError",
    "InstanceFailed",
    "InstanceNotFinished",
    "InstanceNotFound",
    "InstancePoisoned",
    "InstanceStuck",
    "InstanceTerminated",
    "ItemNotFound",
    "JournalTooLong",
    "LinkedItemMissing",
    "LoopRefused",
    "MessageNotFound",
    "NestedStep",
    "NeverOpen",
    "NoClient",
    "NoClientAddress",
    "NoDocument",
    "NoResponsible",
    "NoSender",
    "NoSuchAction",
    "NoSuchField",
    "NoTruthValue",
    "NobodyAvailable",
    "NobodyFound",
    "NotDurable",
    "NotInProcess",
    "NotJournallable",
    "NotPrintable",
    "NotRestorable",
    "NotResumable",
    "NothingToPay",
    "OrderNotFound",
    "PaymentUnfit",
    "PortTaken",
    "ProcessDefinitionError",
    "ProductNotFound",
    "QueueFull",
    "RecipeDefinitionError",
    "RecipeUnusable",
    "RecordedError",
    "ReplayMismatch",
    "ResourceBusy",
    "RowNotFound",
    "SendDelayed",
    "SendRefused",
    "SettingsError",
    "StartConflict",
    "StartRefused",
    "StepAborted",
    "StepFailure",
    "StepInterrupted",
    "StepTimedOut",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "StoreInUse",
    "StoreLocked",
    "StoreLost",
    "StoreMissing",
    "StoreNewer",
    "StoreReadOnly",
    "StoreUnreadable",
    "TemplateUnfit",
    "Unanswered",
    "UnknownDepartment",
    "UnknownDetailsTemplate",
    "UnknownEventType",
    "UnknownField",
    "UnknownGroup",
    "UnknownItem",
    "UnknownPipeline",
    "UnknownProcess",
    "UnknownStage",
    "UnknownStep",
    "UnknownUser",
    "WrongArgument",
    "WrongFieldValue",
    "WrongFilter",
    "WrongValue",
]
