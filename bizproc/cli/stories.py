"""
`bizproc show ID --as-test`: the story of a real instance, told as a test.

What came from outside is told: the items that were there, what steps answered, signals, what people did, and when. The
process does the rest again, and the test sees that it comes to the same. What looks like a secret by its name is left
out. A story that cannot be told whole is refused, with the step, rather than told wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from inspect import unwrap
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

from bizproc.cli.assigned import Assigned
from bizproc.cli.found import Found, Put
from bizproc.cli.mistakes import Mistake
from bizproc.cli.pasting import Pasting
from bizproc.cli.referred import referred
from bizproc.core.codec import Codec
from bizproc.core.commands import Signalled
from bizproc.core.errors import ItemNotFound
from bizproc.core.process import Process
from bizproc.core.steps import StepFunction
from bizproc.model.fields import Field, fields_of, writable
from bizproc.model.kinds import class_of
from bizproc.model.planned import Task
from bizproc.model.timeline import Comment
from bizproc.store.types import moment

if TYPE_CHECKING:
    from bizproc.engines.embedded.inspection import Recording
    from bizproc.engines.embedded.journal import Recorded
    from bizproc.runtime import Runtime

_FACTORIES: Final = ("user", "product", "company", "contact", "lead", "deal", "quote", "invoice")
"""What a world makes, each behind what it points at."""

_OTHERS: Final = '''
@process("others")
async def others(item: {cls}, *, task: str, done: bool) -> None:
    """What another process had done: its task bears the stage."""
    made = await crm.{kind}(item).add_task(task)
    if done and made.activity_id is not None:
        await crm.{kind}(item).complete_activity(made.activity_id)
'''
_SECRET: Final = re.compile(r"secret|password|passwd|token|api_?key|credential", re.IGNORECASE)
_TOLD_APART: Final = timedelta(seconds=1)
_MOST_FILLERS: Final = 50


async def story_of(runtime: Runtime, recording: Recording) -> str:
    """The test. Raises Mistake for what cannot be told."""
    linked = await _linked_items(runtime, recording)
    return Story(recording, linked | await _named_items(runtime, recording)).text()


class Story:
    """A test that is being written."""

    def __init__(self, recording: Recording, linked: Mapping[tuple[str, int], Any]) -> None:
        self.recording = recording
        self.linked = linked
        self.process: Process[..., Any] = recording.call.process
        self.codec = Codec()
        self.code = Pasting(_is_secret)
        self.lines: list[str] = []
        self.now = recording.status.started_at
        self.variables: dict[tuple[str, int], str] = {}
        self.assigned = Assigned.of(recording.rows, self.codec)
        self.found = Found.of(recording, self.codec, linked)
        self.others = ""

    def text(self) -> str:
        self.given()
        self.told()
        self.seen()
        status = self.recording.status
        name = re.sub(r"\W+", "_", status.id).strip("_").lower()
        subject = f"{self.said(status.id)}, an instance of {self.said(self.process.name)}"
        head = [
            f'"""The story of {subject}, as it was recorded."""',
            "",
            "from __future__ import annotations",
            "",
        ]
        begins = self.code.of(status.started_at)
        self.code.name("pytest", None)
        self.code.name("bizproc.testing", "World")
        missing = [f"# Step {row.address} ({row.name}): {what}." for row, what in self.found.missing]
        if missing:
            missing.append("# Make that where the story begins, and take this mark away.")
            missing.append('@pytest.mark.skip("what was in the CRM then is not made here")')
        body = [
            *missing,
            f"@pytest.mark.begins({begins})",
            f"async def test_{name}(world: World) -> None:",
            *(f"    {line}" if line else "" for line in self.lines),
        ]
        others = [self.others, ""] if self.others else []
        return "\n".join([*head, *self.code.imports(), "", *others, "", *body]) + "\n"

    # -- what was there ------------------------------------------------------------------------------------------------

    def given(self) -> None:
        """The items, and what steps will answer."""
        untold = self.assigned.untold()
        if untold is not None:
            raise self._untold(*untold)
        document = self.recording.call.document
        every = dict(self.linked)
        if document is not None:
            every[document.item_type, document.id] = document
        for kind in _FACTORIES:
            self._items(kind, {id_: item for (of, id_), item in every.items() if of == kind})
        if document is not None and (document.item_type, document.id) not in self.variables:
            self._make(document.item_type, document.id, document)
        self._beside(document)
        self._queues()
        self._answers()
        parameters = self.process.form.given(self.recording.call.parameters)
        first = [] if document is None else [self.variables[document.item_type, document.id]]
        given = [*first, *(f"{name}={self.value(name, each)}" for name, each in parameters.items())]
        if self.recording.status.causes:
            self.lines.append("# A trigger started it; here it is started by hand, with what the trigger saw.")
        self.lines.append(f"run = await world.start({self.variable_of(self.process)}({', '.join(given)}))")

    def _items(self, kind: str, known: Mapping[int, Any]) -> None:
        """Those of a kind. What code names by id gets the id that it had, so all before it have to be there, too."""
        fixed = self._fixed(kind)
        for id_ in range(1, max(fixed, default=0) + 1):
            if id_ in known:
                self._make(kind, id_, known[id_])
            else:
                self.lines.append(f"await world.{kind}()" + ("" if id_ in fixed else "  # not used"))
        for id_, item in known.items():
            if (kind, id_) not in self.variables:
                self._make(kind, id_, item)

    def _fixed(self, kind: str) -> set[int]:
        document = self.recording.call.document
        own = {document.id} if document is not None and document.item_type == kind else set[int]()
        named = {id_ for id_ in referred(self.recording.rows).get(kind, set()) - own if (kind, id_) in self.linked}
        pointed = self._pointed_at(kind)
        if kind == "user":
            named |= self.assigned.users()
        far = {id_ for id_ in named if id_ > _MOST_FILLERS}
        if far - pointed:
            raise Mistake(
                f"{kind} {max(far - pointed)} is named by id: a test would have to make all before it. "
                "Write the test with ids of its own; `bizproc show` has the steps."
            )
        return named - far

    def _pointed_at(self, kind: str) -> set[int]:
        """What the document itself points at: code may have the id from there."""
        document = self.recording.call.document
        if document is None:
            return set()
        fields = [each for each in fields_of(cast("Any", type(document))).values() if each.refers == kind]
        values = [getattr(document, each.name) for each in fields]
        return {id_ for value in values for id_ in (value if isinstance(value, (list, tuple)) else [value]) if id_}

    def _beside(self, document: Any) -> None:
        """What others had put beside the document: tasks of processes in the stages in which they were made."""
        now = None if document is None else getattr(document, "stage", None)
        stage = now
        for put in self.found.before(None):
            if put.stage is not None and put.stage != stage:
                stage = put.stage
                self._move(document, stage)
            self._put(document, put)
        if stage != now:
            self._move(document, now)

    def _move(self, document: Any, stage: Any) -> None:
        verb = "change_status" if document.item_type == "lead" else "change_stage"
        self.lines.append(f"await world.perform({self._own(document)}.{verb}({self.code.of(stage)}))")

    def _own(self, document: Any) -> str:
        self.code.name("bizproc", "crm")
        return f"crm.{document.item_type}({self.variables[document.item_type, document.id]})"

    def _put(self, document: Any, put: Put) -> None:
        element, own = put.element, self._own(document)
        if isinstance(element, Comment):
            self.lines.append(f"await world.perform({own}.add_comment({self.code.of(element.text)}))")
            return
        if put.stage is not None:
            self.code.name("bizproc", "process")
            cls = self.code.name("bizproc.model", type(document).__name__)
            self.others = _OTHERS.format(cls=cls, kind=document.item_type).rstrip()
            given = f"task={self.code.of(cast('Any', element).title)}, done={element.completed}"
            self.lines.append(f"await world.start(others({self.variables[document.item_type, document.id]}, {given}))")
            return
        task = isinstance(element, Task)
        verb, text = ("add_task", element.title) if isinstance(element, Task) else ("add_activity", element.subject)
        performed = f"await world.perform({own}.{verb}({self.code.of(text)}))"
        if not element.completed:
            self.lines.append(performed)
            return
        self.lines.append(f"made = {performed}")
        made = "made.activity_id or 0" if task else "made.id"
        self.lines.append(f"await world.perform({own}.complete_activity({made}))")

    def _queues(self) -> None:
        """Where queues stood, and who was absent."""
        for told in self.assigned.queues():
            if told.state is not None:
                self.code.name("bizproc", "crm")
                restored = f"crm.queue({self.code.of(told.queue)}).restore({self.code.of(told.state)})"
                self.lines.append(f"await world.perform({restored})")
        for user, (start, end) in self.assigned.absences():
            self.code.name("bizproc", "crm")
            given = f"user_id={user}, start={self.code.of(start)}, end={self.code.of(end)}"
            self.lines.append(f"await world.perform(crm.absence.create({given}))")

    def _make(self, kind: str, id_: int, item: Any) -> None:
        name = kind if kind not in self.variables.values() else f"{kind}_{id_}"
        self.variables[kind, id_] = name
        fields = self._fields(item)
        if kind in _FACTORIES:
            self.lines.append(f"{name} = await world.{kind}({fields})")
        else:
            self.code.name("bizproc", "crm")
            self.lines.append(f"{name} = await world.perform(crm.{kind}.create({fields}))")

    def _fields(self, item: Any) -> str:
        """The fields of an item that somebody wrote; those that name other items by variables."""
        cls = cast("Any", type(item))
        every = {name: field for name, field in fields_of(cls).items() if name in writable(cls)}
        given = []
        for name, field in every.items():
            value = getattr(item, name)
            if value == field.default or field.type.name == "custom":
                continue
            written = self._reference(field, value) if field.refers is not None else self.value(name, value)
            if written is not None:
                given.append(f"{name}={written}")
        return ", ".join(given)

    def _reference(self, field: Field, value: Any) -> str | None:
        """Ids by the variables of the items; what is not in the story is left out."""
        ids = value if field.multiple else (value,)
        names = [f"{self.variables[place]}.id" for id_ in ids if (place := (str(field.refers), id_)) in self.variables]
        if not names:
            return None
        return f"[{', '.join(names)}]" if field.multiple else names[0]

    def _answers(self) -> None:
        """What each step answers, in the order in which they were asked."""
        found: dict[str, list[Recorded]] = {}
        for row in self.recording.rows:
            if row.kind == "step" and row.event in ("returned", "raised"):
                found.setdefault(row.name or "", []).append(row)
        for name, rows in found.items():
            function = self.step(name)
            rows.sort(key=lambda row: (row.started_at or row.at, _place(row.address)))
            steps = [row for each in found.values() for row in each]
            answers = [self._answer(function, row, alone=_is_alone(row, steps)) for row in rows]
            self.lines.append(f"world.answers({self.variable_of(function)}, {', '.join(answers)})")

    def _answer(self, function: StepFunction[..., Any], row: Recorded, *, alone: bool) -> str:
        if row.event == "raised":
            error = self.codec.decode_error(row.outcome or "null")
            times = function.retry.attempts if function.retry.again(1, error) else 1
            written = ", ".join([self.code.error(error)] * max(1, times))
        else:
            value = self.codec.decode(row.outcome or "null", function.result_type)
            written = self.value(function.function.__name__, value)
        took = moment(row.at) - moment(row.started_at) if row.started_at else timedelta(0)
        if took < timedelta(minutes=1) or not alone:
            return written
        self.code.name("bizproc.testing", "Late")
        return f"Late({written}, {self.code.of(timedelta(seconds=int(took.total_seconds())))})"

    # -- what happened -------------------------------------------------------------------------------------------------

    def told(self) -> None:
        """What came from outside, in order."""
        deadlines: dict[str, datetime | None] = {}
        for row in self.recording.rows:
            for put in self.found.before(row.position):
                self.pass_to(min(put.at, moment(row.at)))
                self._put(self.recording.call.document, put)
            if row.event == "began":
                deadlines[row.address] = None if row.outcome is None else moment(row.outcome)
            elif row.event == "cancelled":
                self.pass_time(row)
                self.lines.append("await run.cancel()")
            elif row.kind in ("start", "child"):
                raise self._untold(row, "it starts another instance, whose story is another test")
            elif row.kind in ("step", "action"):
                self.pass_time(row)  # it was tried again, or took its time, as what a channel has to take
            elif row.address in deadlines or row.kind == "signal":
                self._wait(row, deadlines.get(row.address))
        status = self.recording.status
        if status.state == "terminated":
            self.lines.append(f"await run.terminate({self.code.of(status.ended_by or '')})")

    def _wait(self, row: Recorded, deadline: datetime | None) -> None:
        """How a wait ended: time passes, or somebody does something."""
        if row.event == "raised":
            raise self._untold(row, "the wait ended with an error")
        due = deadline is not None and moment(row.at) >= deadline
        value = json.loads(row.outcome or "null")
        if row.kind in ("sleep", "until"):
            self.pass_time(row)
            if not due:
                self.lines.append("await run.skip_wait()")
        elif row.kind == "signal":
            self._signal(row, due=due)
        elif isinstance(value, dict) and value.get("timed_out"):
            self.pass_time(row)
            if not due:
                self.lines.append("await run.skip_wait()")
        else:
            self.pass_time(row)
            self._happened(row, value)

    def _signal(self, row: Recorded, *, due: bool) -> None:
        value = self.codec.decode(row.outcome or "null", Signalled)
        self.pass_time(row)
        if not value.timed_out:
            self.lines.append(f"await run.signal({self.code.of(row.name)}, {self.value(row.name or '', value.value)})")
        elif not due:
            self.lines.append("await run.skip_wait()")

    def _happened(self, row: Recorded, value: Any) -> None:
        document, arguments = self.recording.call.document, json.loads(row.arguments or "{}")
        own = document is not None and arguments.get("target") in (None, document.id)
        if row.name in ("until_stage", "until_status") and own and isinstance(value, dict):
            self.code.name("bizproc", "crm")
            item = f"crm.{document.item_type}({self.variables[document.item_type, document.id]})"
            moved = "change_stage" if row.name == "until_stage" else "change_status"
            done = "delete()" if value.get("deleted") else f"{moved}({self.code.of(value.get('stage'))})"
            self.lines.append(f"await world.perform({item}.{done})")
        elif row.name in ("days", "days_before") and isinstance(value, dict) and value.get("reason") == "skipped":
            self.lines.append("await run.skip_wait()")
        elif not (row.name in ("days", "days_before") and isinstance(value, dict) and value.get("reason") == "time"):
            raise self._untold(row, "what ended the wait is not in the journal: do in the test what happened then")

    def pass_time(self, row: Recorded) -> None:
        """Up to the moment at which something happened."""
        self.pass_to(moment(row.at))

    def pass_to(self, at: datetime) -> None:
        """Up to a moment."""
        if at - self.now >= _TOLD_APART:
            self.now = at
            self.lines.append(f"await world.advance({self.code.of(at)})")

    def _untold(self, row: Recorded, why: str) -> Mistake:
        return Mistake(
            f"step {row.address} ({row.name or row.kind}) cannot be told as a test: {why}. Nothing was printed: write "
            f"it by hand (docs/how-to/test-an-automation.md), from `bizproc show {self.recording.status.id}`."
        )

    # -- what came of it -----------------------------------------------------------------------------------------------

    def seen(self) -> None:
        """The state, the result, and what the process did to its document."""
        status = self.recording.status
        self.lines.append("")
        self.lines.append(f"assert (await run.status()).state == {self.code.of(status.state)}")
        if status.state == "completed":
            self._result()
        elif status.state == "failed" and status.error is not None:
            self.code.name("bizproc.errors", "InstanceFailed")
            self.lines.append("with pytest.raises(InstanceFailed) as failed:")
            self.lines.append("    await run.result()")
            self.lines.append(f"assert failed.value.error_class == {self.code.of(status.error.class_name)}")
        document = self.recording.call.document
        if document is not None:
            self._done_to(document)

    def _result(self) -> None:
        value = self.recording.result
        if self.recording.status.ended_by is None:
            written = self.value("result", value)
            if "'(secret)'" in written or self._is_of_a_channel(written):
                return  # what is not printed, or is another here, cannot be compared
            same = "is" if value is None or isinstance(value, bool) else "=="
            self.lines.append(f"assert await run.result() {same} {written}")

    def _done_to(self, document: Any) -> None:
        name = self.variables[document.item_type, document.id]
        for verb, cls, field in (("add_comment", "Comment", "text"), ("add_activity", "Activity", "subject")):
            own = [row for row in self._own_actions(document, verb) if _argument(row, field) is not None]
            put = [each for each in self.found.put if type(each.element).__name__ == cls]
            came = [*((moment(row.at), _argument(row, field)) for row in own)]
            came += [(each.at, getattr(each.element, field)) for each in put]
            texts = [text for _, text in sorted(came, key=lambda each: each[0])]
            if own and not self._is_of_a_channel(self.code.of(texts)):
                self.code.name("bizproc.model", cls)
                only = " if each.kind == 'todo'" if cls == "Activity" and self._has_other_activities(document) else ""
                found = f"[each.{field} for each in await world.find({cls}, of={name}){only}]"
                self.lines.append(f"assert {found} == {self.code.of(texts)}")
        self._given_to(document, name)
        moved = self._own_actions(document, "change_stage") or self._own_actions(document, "change_status")
        if moved:
            stage = _argument(moved[-1], "stage") or _argument(moved[-1], "status")
            later = [row for row in self.recording.rows if row.position > moved[-1].position]
            if stage is not None and not any(row.name in ("until_stage", "until_status") for row in later):
                cls = type(document).__name__
                self.code.name("bizproc.model", cls)
                self.lines.append(f"assert (await world.get({cls}, {name}.id)).stage == {self.code.of(stage)}")

    def _has_other_activities(self, document: Any) -> bool:
        """Tasks, mails, calls are shown by activities of other kinds."""
        others = ("add_task", "send_email", "send_sms", "schedule_call", "schedule_meeting")
        return any(isinstance(each.element, Task) for each in self.found.put) or any(
            self._own_actions(document, verb) for verb in others
        )

    def _is_of_a_channel(self, written: str) -> bool:
        """Whether there is something in it that a channel gave, as a link: fakes give others."""
        rows = self.recording.rows
        posted = {row.address for row in rows if row.kind == "action" and row.event == "began"}
        given = (json.loads(row.outcome or "null") for row in rows if row.address in posted and row.event == "returned")
        return any(isinstance(each, str) and each and each in written for each in given)

    def _given_to(self, document: Any, name: str) -> None:
        """Who is responsible, if that was changed in the story."""
        own = self._own_actions(document, "change_responsible")
        given = [done.user for row, done in self.assigned.decisions if row in own and done.user is not None]
        held = any(done.held for _, done in self.assigned.decisions)
        if given and not held:
            cls = type(document).__name__
            self.code.name("bizproc.model", cls)
            self.lines.append(f"assert (await world.get({cls}, {name}.id)).responsible_id == {given[-1]}")

    def _own_actions(self, document: Any, verb: str) -> list[Recorded]:
        called = f"{document.item_type}.{verb}"
        rows = [row for row in self.recording.rows if row.name == called and row.event == "returned"]
        return [row for row in rows if _argument(row, "target") in (None, document.id)]

    # -- names and values ----------------------------------------------------------------------------------------------

    def value(self, name: str, value: Any) -> str:
        """A value as code; one that looks like a secret, by its name, is not printed."""
        return self.code.of("(secret)") if _is_secret(name) and isinstance(value, str) else self.code.of(value)

    def said(self, text: str) -> str:
        """A text inside a docstring."""
        return re.sub(r'["\\\n]', "_", text)

    def step(self, name: str) -> StepFunction[..., Any]:
        """The step of this name, where the process's module has it. Raises Mistake."""
        names = unwrap(self.process.function).__globals__
        modules = [names, *(vars(each) for each in names.values() if isinstance(each, ModuleType))]
        for module in modules:
            for each in module.values():
                if isinstance(each, StepFunction) and each.name == name:
                    return each
        raise Mistake(f"the step {name!r} was not found in the module of {self.process.name}: it cannot answer.")

    def variable_of(self, made: Any) -> str:
        """A process or a step, imported from where it is."""
        function = unwrap(made.function)
        for name, each in function.__globals__.items():
            if each is made:
                return self.code.name(function.__module__, name)
        raise Mistake(f"{made.name} has no name in its module {function.__module__}: a test cannot import it.")


def _is_alone(row: Recorded, steps: Iterable[Recorded]) -> bool:
    """Whether no other step ran meanwhile: the times of several at once cannot be told one by one."""
    began = row.started_at or row.at
    return not any(other is not row and (other.started_at or other.at) < row.at and other.at > began for other in steps)


def _argument(row: Recorded, name: str) -> Any:
    return json.loads(row.arguments or "{}").get(name)


def _place(address: str) -> tuple[int, ...]:
    return tuple(int(part) for part in address.split(".") if part.isdigit())


def _is_secret(name: str) -> bool:
    return _SECRET.search(name) is not None


async def _linked_items(runtime: Runtime, recording: Recording) -> dict[tuple[str, int], Any]:
    """The items that the document names, as they are now: nothing has kept how they were."""
    document, found = recording.call.document, dict[tuple[str, int], Any]()
    if document is None:
        return found
    for field in fields_of(cast("Any", type(document))).values():
        if field.refers not in _FACTORIES or field.derived:
            continue
        value = getattr(document, field.name)
        for id_ in value if field.multiple else (value,):
            if id_ is not None and (item := await _found(runtime, field.refers, id_)) is not None:
                found[field.refers, id_] = item
    return found


async def _named_items(runtime: Runtime, recording: Recording) -> dict[tuple[str, int], Any]:
    """The items that its steps name by id, as they are now. What is not there was not there, or is gone."""
    named = [(kind, id_) for kind, ids in referred(recording.rows).items() if kind in _FACTORIES for id_ in ids]
    document = recording.call.document
    own = None if document is None else (document.item_type, document.id)
    found = {each: await _found(runtime, *each) for each in sorted(named) if each != own}
    return {each: item for each, item in found.items() if item is not None}


async def _found(runtime: Runtime, kind: str, id_: int) -> Any:
    try:
        return await runtime.get(class_of(kind), id_)
    except ItemNotFound:
        return None
