"""`bizproc show ID`: one instance, with its steps, its notes, what it sent of which nobody knows, why it failed."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import click
from attrs import frozen

from bizproc.cli.completing import instance_ids
from bizproc.cli.output import console, in_line, moment_text, print_json, safe, table
from bizproc.cli.ps_command import as_json
from bizproc.cli.recorded import arguments_text, restored, shown, waits_text
from bizproc.cli.setup import Setup, check_that_store_exists, common_options, setup_of
from bizproc.cli.steering import beside
from bizproc.core.errors import CodecError

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from bizproc.runtime import JournalStep, Retrying, Sent, Status, UnreadSignal


@frozen
class _Story:
    """All that is known of an instance."""

    status: Status
    steps: list[JournalStep]
    sent: list[Sent]
    retrying: list[Retrying]
    signals: list[UnreadSignal]
    notes: list[tuple[datetime, str, str | None]]
    result: Any


@click.command()
@common_options
@click.argument("id_", metavar="ID", shell_complete=instance_ids)
@click.option("--as-test", is_flag=True, help="Print a test that tells the instance's story, for pytest.")
@click.pass_context
def command(context: click.Context, id_: str, *, as_test: bool) -> None:
    r"""
    Show one instance: how it stands, its steps, its notes, its error.

    \b
    Example:
      bizproc show tea-1
      bizproc show tea-1 --as-test --processes sales > test_tea_1.py
    """
    setup = setup_of(context)
    if as_test:
        click.echo(asyncio.run(_as_test(setup, id_)), nl=False)
        return
    story = asyncio.run(_look(setup, id_))
    if setup.json:
        print_json(_as_json(story))
    else:
        _print(setup, story)


async def _look(setup: Setup, id_: str) -> _Story:
    async with beside(setup) as runtime:
        instance = runtime.instance(id_)
        status = await instance.status()
        result = None
        if status.state == "completed":
            try:
                result = await instance.result()
            except CodecError as error:
                result = f"(cannot be shown: {error})"
        return _Story(
            status,
            await instance.journal(),
            await instance.sent(),
            await instance.retrying(),
            await instance.signals(),
            await instance.notes(),
            result,
        )


async def _as_test(setup: Setup, id_: str) -> str:
    """The story of an instance, as a test. Raises Mistake."""
    from bizproc.cli.finding import newest, processes_of
    from bizproc.cli.stories import story_of

    check_that_store_exists(setup)
    processes = processes_of(setup)
    async with beside(setup) as runtime:
        instance = runtime.instance(id_)
        status = await instance.status()
        same = [each for each in processes if each.version == status.version or each.name != status.process]
        return await story_of(runtime, await instance.recording(newest(same, status.process)))


def _as_json(story: _Story) -> dict[str, Any]:
    traceback = story.status.error and story.status.error.traceback
    return {
        **as_json(story.status),
        "result": story.result,
        "traceback": traceback,
        "steps": [
            {
                "address": step.address,
                "kind": step.kind,
                "name": step.name,
                "arguments": {name: restored(value) for name, value in step.arguments.items()},
                "outcome": "given up" if step.given_up else step.event,
                "value": step.value,
                "error": step.error,
                "deadline": step.deadline,
                "attempts": step.attempts,
                "started_at": step.started_at,
                "at": step.at,
            }
            for step in story.steps
        ],
        "sent": [
            {
                "step": each.step,
                "channel": each.channel,
                "state": each.state,
                "reason": each.reason,
                "attempts": each.attempts,
                "posted_at": each.posted_at,
                "settled_at": each.settled_at,
            }
            for each in story.sent
        ],
        "retrying": [
            {
                "step": each.step,
                "attempts": each.attempts,
                "error": {"class": each.error.class_name, "text": each.error.text},
                "again_at": each.again_at,
            }
            for each in story.retrying
        ],
        "signals": [
            {"name": each.name, "value": restored(each.value), "at": each.at, "posted": each.posted}
            for each in story.signals
        ],
        "notes": [{"at": at, "text": text, "facts": json.loads(facts or "{}")} for at, text, facts in story.notes],
    }


# -- for people --------------------------------------------------------------------------------------------------------


def _print(setup: Setup, story: _Story) -> None:
    out, zone = console(), setup.settings.zone
    for name, value in _head(story, zone):
        out.print(f"{name:<10} {in_line(value)}")
    if story.steps:
        out.print()
        rows = (
            (step.address, _what(step), _outcome(step, zone), step.attempts, moment_text(step.at, zone))
            for step in story.steps
        )
        headers = ("step", "what", "outcome", "attempts", f"when ({zone})")
        out.print(table(headers, rows, right=("attempts",), whole=("step",)))
    if story.notes:
        out.print()
        rows_ = ((moment_text(at, zone), text, _facts(facts)) for at, text, facts in story.notes)
        out.print(table((f"noted ({zone})", "text", "facts"), rows_))
    if story.signals:
        out.print()
        unread = (
            (
                each.name,
                shown(each.value),
                moment_text(each.at, zone),
                "waits for `bizproc serve`" if each.posted else "",
            )
            for each in story.signals
        )
        titles = ("signal, not read", "value", f"sent ({zone})", "")
        out.print(table(titles, unread, whole=("signal, not read",)))
    for step in story.retrying:
        out.print()
        again = "now" if step.again_at is None else f"at {moment_text(step.again_at, zone)} ({zone})"
        said = f"Step {step.step} has failed {_times(step.attempts)} and is tried again {again}. The last error:"
        out.print(said)
        out.print(safe(in_line(f"{step.error.class_name}: {step.error.text}")), style="red", soft_wrap=True)
    error = story.status.error
    for each in story.sent:
        if each.state == "unknown" and (error is None or error.step != each.step):
            out.print()
            said = f"Nobody knows whether step {each.step} ({each.channel}) was sent: {each.reason}"
            out.print(safe(in_line(said)), style="red", soft_wrap=True)
            out.print(_how_to_settle(story.status.id, each.step))
    if error is not None:
        out.print()
        text = error.where or f"{error.class_name}: {error.text}"
        out.print(safe(text.rstrip()), style="red", soft_wrap=True)
        out.print(_what_now(story.status))


def _head(story: _Story, zone: tzinfo) -> list[tuple[str, str]]:
    status = story.status
    head = [("instance", status.id), ("process", f"{status.process}, version {status.version}")]
    if status.document is not None:
        head.append(("document", str(status.document)))
    head.append(("state", _state(status, zone)))
    head.append(("started", f"{moment_text(status.started_at, zone)} ({zone})"))
    if status.ended_at is not None:
        head.append(("ended", f"{moment_text(status.ended_at, zone)} ({zone})"))
    if status.state == "completed" and story.result is not None:
        head.append(("result", shown(story.result)))
    return head


def _state(status: Status, zone: tzinfo) -> str:
    if status.state == "waiting":
        until = "" if status.until is None else f", until {moment_text(status.until, zone)} ({zone})"
        return f"waiting for {waits_text(status.waits_for)}{until}"
    return f"{status.state}: {status.ended_by}" if status.ended_by else status.state


def _what_now(status: Status) -> str:
    if status.state == "stuck":
        return "It cannot go on before a person has put this right; nothing of it is lost."
    if status.error is not None and status.error.class_name == "DeliveryUnknown":
        return _how_to_settle(status.id, str(status.error.step))
    return (
        f"Put right what went wrong; `bizproc retry {status.id}` then goes on at that step. What was done stays done."
    )


def _how_to_settle(id_: str, step: str) -> str:
    which = f"{id_} {step}"
    return f"Find out whether it was sent. Then `bizproc settle {which} --sent`, or `--again` to send it again."


def _what(step: JournalStep) -> str:
    inside = arguments_text(step.kind, step.name, step.arguments)
    return f"{step.name or step.kind}({inside})" if step.kind != "cancel" else step.name


def _outcome(step: JournalStep, zone: tzinfo) -> str:
    match step.event:
        case "began" if step.given_up:
            return "given up: its branch was over first" if "." in step.address else "given up when the instance ended"
        case "began":
            return "open" if step.deadline is None else f"open until {moment_text(step.deadline, zone)}"
        case "returned":
            return "done" if step.value is None else _short(_in_words(step.value))
        case "raised":
            return f"raised {step.error}"
        case other:
            return other


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _in_words(value: Any) -> str:
    """A value as people read it; of a mapping what says something."""
    if not isinstance(value, dict):
        return shown(value)
    says = {name: each for name, each in value.items() if each not in (None, False, "", [], {})}
    return ", ".join(f"{name}={shown(each)}" for name, each in says.items())


def _short(text: str, most: int = 80) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _facts(facts: str | None) -> str:
    found = json.loads(facts or "{}")
    return ", ".join(f"{name}={shown(value)}" for name, value in found.items())
