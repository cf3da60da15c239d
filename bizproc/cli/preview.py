"""`bizproc start PROCESS --preview`: what a process would do, told; nothing of it is done, and no owner is needed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from bizproc.cli.each import kind_of
from bizproc.cli.mistakes import Mistake
from bizproc.cli.named import check_assumed, check_filter
from bizproc.cli.output import in_line, moment_text, print_json, say, stopped, warn
from bizproc.cli.setup import Setup
from bizproc.cli.steering import attached
from bizproc.core.errors import StartRefused

if TYPE_CHECKING:
    from bizproc.core.process import Call, Process
    from bizproc.rules.filters import Filter
    from bizproc.runtime import Change, Preview, PreviewStep, Runtime

FIRST: Final = 5
"""Of the items that --where chooses so many are previewed."""

_LONGEST: Final = 80


@frozen(kw_only=True)
class Wanted:
    """
    What is wanted of a preview.

    Attributes:
        outcomes: Also what would come after each way in which the first wait may end.
        assume: What steps give and signals bring, by name.
    """

    outcomes: bool = False
    assume: dict[str, Any] = field(factory=dict)


def parse_assumed(texts: Sequence[str]) -> dict[str, Any]:
    """`NAME=VALUE`, the value in JSON or a text. Raises Mistake."""
    found = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not name or not sign:
            raise Mistake(f"--assume: expected NAME=VALUE, as scoring.score=5, got {text!r}.")
        try:
            found[name] = json.loads(value)
        except (ValueError, RecursionError):
            found[name] = value
    return found


async def preview_one(
    setup: Setup,
    processes: list[Process[..., Any]],
    make_call: Callable[[Runtime], Awaitable[Call[Any]]],
    wanted: Wanted,
) -> int:
    """Preview a call; the exit code is 1 if it would fail."""
    async with attached(setup, processes) as runtime:
        call = await make_call(runtime)
        check_assumed(call.process, list(wanted.assume), warn)
        seen = await _look(runtime, call, wanted)
    if setup.json:
        print_json(seen.as_json())
    else:
        seen.say(setup)
    return int(seen.preview.ended == "failed")


async def preview_each(
    setup: Setup,
    processes: list[Process[..., Any]],
    process: Process[..., Any],
    parameters: dict[str, Any],
    where: Filter | None,
    wanted: Wanted,
) -> int:
    """Preview it on the first items that fit."""
    if process.form.document is None:
        raise Mistake(f"{process.name} runs on no document: --where has nothing to choose from.")
    found: list[_Seen] = []
    check_assumed(process, list(wanted.assume), warn)
    async with attached(setup, processes) as runtime:
        await check_filter(runtime, kind_of(process), where)
        items: list[Any] = await runtime.find(process.form.document, where, limit=FIRST + 1)
        for item in items[:FIRST]:
            try:
                found.append(await _look(runtime, process(item, **parameters), wanted))
            except StartRefused as refused:
                warn(str(refused))
    if setup.json:
        print_json([seen.as_json() for seen in found])
    else:
        for seen in found:
            seen.say(setup)
    if len(items) > FIRST:
        warn(f"These are the first {FIRST}; there are more.")
    elif not items:
        warn("No item fits.")
    return int(any(seen.preview.ended == "failed" for seen in found))


@frozen
class _Seen:
    """A preview, and those of what may come after it."""

    preview: Preview
    outcomes: dict[str, Preview]

    def as_json(self) -> dict[str, Any]:
        after = {name: _json_of(preview) for name, preview in self.outcomes.items()}
        return _json_of(self.preview) | ({"outcomes": after} if after else {})

    def say(self, setup: Setup) -> None:
        preview = self.preview
        who = preview.process + (f" on {preview.document}" if preview.document else "")
        say(f"{who} would do this; nothing of it is done:")
        for line in _lines(setup, preview, 0):
            say(line)
        for name, after in self.outcomes.items():
            say(f"Then, if {'the ' if name == _TIME else ''}{name} ({moment_text(after.at, setup.settings.zone)}):")
            for line in _lines(setup, after, len(preview.steps)):
                say(line)


_TIME: Final = "time is up"


async def _look(runtime: Runtime, call: Call[Any], wanted: Wanted) -> _Seen:
    preview = await runtime.preview(call, assume=wanted.assume)
    return _Seen(preview, await preview.outcomes() if wanted.outcomes else {})


# -- as text -----------------------------------------------------------------------------------------------------------


def _lines(setup: Setup, preview: Preview, already: int) -> Iterator[str]:
    """What it would do, but for the steps that were told already."""
    zone = setup.settings.zone
    for number, step in enumerate(preview.steps[already:], start=already + 1):
        yield f"  {number}. {in_line(step.text)}{_outcome(step)}"
        for line in _effects(step):
            yield f"       {line}"
    for wait in preview.waits:
        until = "" if wait.until is None else f" until {moment_text(wait.until, zone)} ({zone})"
        yield f"  It waits for {in_line(wait.text)}{until}."
    # Branches that stand at the same step are told of once.
    for (text, why), times in Counter((stop.text, stop.why) for stop in preview.stops).items():
        often = f" ({times} times)" if times > 1 else ""
        yield stopped(f"  It is followed no further than {in_line(text)}{often}: {in_line(why)}")
    if preview.ended is not None:
        yield stopped(f"  It ends: {in_line(_ending(preview))}")


def _ending(preview: Preview) -> str:
    if preview.error is not None:
        return f"{preview.ended}, {preview.error}"
    if preview.ended_by is not None:
        return f"{preview.ended}, {preview.ended_by}"
    return str(preview.ended) if preview.result is None else f"{preview.ended}, with {preview.result!r}"


def _outcome(step: PreviewStep) -> str:
    if step.error is not None:
        return f"  fails: {in_line(step.error)}"
    return f"  gives {_short(step.value)} (assumed)" if step.assumed else ""


def _effects(step: PreviewStep) -> Iterator[str]:
    for change in step.changes:
        yield _changed(change)
    for message in step.messages:
        yield f"sends through {message.channel}: {_short(message.payload)}"
    for verb, names in (("starts", step.starts), ("ends", step.ends), ("wakes", step.wakes)):
        for name in names:
            yield f"{verb} {in_line(name)}"


def _changed(change: Change) -> str:
    of = "" if change.of is None else f" of {change.of}"
    who = f"{change.kind} {change.id}{of}"
    if change.what == "changed":
        pairs = ", ".join(f"{name} {_short(old)} → {_short(new)}" for name, (old, new) in change.fields.items())
        return f"{who}: {pairs}"
    place = 1 if change.what == "added" else 0
    fields = ", ".join(f"{name} {_short(pair[place])}" for name, pair in change.fields.items())
    return f"{who} is {change.what}" + (f": {fields}" if fields else "")


def _short(value: object) -> str:
    text = in_line(value if isinstance(value, str) else str(value))
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return f'"{text}"' if isinstance(value, str) else text


# -- as JSON -----------------------------------------------------------------------------------------------------------


def _json_of(preview: Preview) -> dict[str, Any]:
    return {
        "process": preview.process,
        "document": preview.document and str(preview.document),
        "at": preview.at,
        "steps": [_json_of_step(step) for step in preview.steps],
        "waits": [{"step": wait.address, "text": wait.text, "until": wait.until} for wait in preview.waits],
        "stops": [{"step": stop.address, "text": stop.text, "why": stop.why} for stop in preview.stops],
        "ended": preview.ended,
        "ended_by": preview.ended_by,
        "result": _plain(preview.result),
        "error": preview.error,
    }


def _json_of_step(step: PreviewStep) -> dict[str, Any]:
    return {
        "step": step.address,
        "text": step.text,
        "value": _plain(step.value),
        "error": step.error,
        "assumed": step.assumed,
        "changes": [
            {
                "what": change.what,
                "kind": change.kind,
                "id": change.id,
                "of": change.of,
                "fields": {name: [_plain(old), _plain(new)] for name, (old, new) in change.fields.items()},
            }
            for change in step.changes
        ],
        "messages": [{"channel": one.channel, "payload": _plain(one.payload)} for one in step.messages],
        "starts": step.starts,
        "ends": step.ends,
        "wakes": step.wakes,
    }


def _plain(value: Any) -> Any:
    from bizproc.core.codec import Codec
    from bizproc.core.errors import BizprocError
    from bizproc.core.form import plain

    try:
        return (
            plain(value) if value is None or isinstance(value, str | int | bool) else json.loads(Codec().encode(value))
        )
    except (BizprocError, ValueError, TypeError):
        return str(value)
