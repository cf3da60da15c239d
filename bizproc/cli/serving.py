"""
What `bizproc serve` says.

To people a line for each instance that begins or ends, and their number where there are more than people read; with
--json a line of JSON for each thing that happens.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from bizproc import __version__
from bizproc.cli.output import console, counted, moment_text, print_json_line, safe
from bizproc.cli.setup import Setup

if TYPE_CHECKING:
    from bizproc.core.process import Process
    from bizproc.runtime import News, Overview, Status

MOST: Final = 20
"""So many lines of one kind at a time; the others are counted."""


class Voice(Protocol):
    """Says what happens."""

    def begins(self, processes: Sequence[Process[..., Any]], overview: Overview, *, is_new: bool) -> None:
        """The store is open, and its instances run."""

    def pages(self, where: str) -> None:
        """The public pages are served there."""

    def news(self, news: News) -> None:
        """Instances have begun or ended."""

    def waits(self, overview: Overview) -> None:
        """There is nothing to do before time passes or somebody comes."""

    def stops(self, steps: int) -> None:
        """Somebody wants it to stop, and so many steps run."""

    def ends(self) -> None:
        """The store is closed."""


class Sentences:
    """For people."""

    def __init__(self, setup: Setup, now: Callable[[], datetime], *, quiet: bool) -> None:
        self._setup = setup
        self._zone = setup.settings.zone
        self._now = now
        self._quiet = quiet
        self._out = console()

    def begins(self, processes: Sequence[Process[..., Any]], overview: Overview, *, is_new: bool) -> None:
        new = " (a new store)" if is_new else ""
        self._say(f"bizproc {__version__} runs {self._setup.store}{new} as process {os.getpid()}. Ctrl-C stops it.")
        self._say(f"Processes: {', '.join(sorted(f'{each.name}{_version(each)}' for each in processes))}")
        states = ", ".join(f"{count:,} {state}" for state, count in overview.states.items())
        self._say(f"Instances: {states or 'none yet'}. Times are of {self._zone}.")

    def pages(self, where: str) -> None:
        self._say(f"Pages: {where}, for people outside {self._setup.settings.web.public_url}.")

    def news(self, news: News) -> None:
        if self._quiet:
            return
        self._each(news.began, "started", _nothing)
        self._each(news.ended, "ended", _ending)
        self._each(news.stuck, "stuck", _ending)

    def waits(self, overview: Overview) -> None:
        if self._quiet:
            return
        waiting = overview.states.get("waiting", 0)
        until = "" if overview.next_due is None else f", the next until {self._time(overview.next_due, day=True)}"
        self._say(f"{self._time(self._now())}  nothing to do now: {waiting:,} waiting{until}.")

    def stops(self, steps: int) -> None:
        running = counted(steps, "running step has", "running steps have")
        self._say(f"Stopping when {running} finished. Once more: at once." if steps else "Stopping.")

    def ends(self) -> None:
        self._say("Stopped. Instances go on where they were when it is started again.")

    def _each(self, all_: Sequence[Status], word: str, more: Callable[[Status], str]) -> None:
        for one in all_[:MOST]:
            on = f" on {one.document}" if one.document is not None else ""
            at = one.started_at if word == "started" else one.ended_at or self._now()
            state = word if word == "started" else one.state
            self._say(f"{self._time(at)}  {state:<10} {one.id}: {one.process}{on}{more(one)}")
        if len(all_) > MOST:
            self._say(f"{self._time(self._now())}  {word:<10} … and {len(all_) - MOST:,} more")

    def _time(self, moment: datetime, *, day: bool = False) -> str:
        return moment_text(moment, self._zone) if day else moment.astimezone(self._zone).strftime("%H:%M:%S")

    def _say(self, text: str) -> None:
        """A text of several lines has the later ones further in: none of them looks like news of its own."""
        first, *others = (line for line in safe(text).splitlines() if line.strip())
        for line in (first, *(f"    {other}" for other in others)):
            self._out.print(line, soft_wrap=not self._out.is_terminal)
        self._out.file.flush()


class Lines:
    """For programs: JSON, a line for each thing that happens."""

    def __init__(self, setup: Setup, now: Callable[[], datetime]) -> None:
        self._setup = setup
        self._now = now

    def begins(self, processes: Sequence[Process[..., Any]], overview: Overview, *, is_new: bool) -> None:
        names = sorted({each.name for each in processes})
        self._say("serving", store=self._setup.store, pid=os.getpid(), new=is_new, processes=names)
        self.waits(overview, "overview")

    def pages(self, where: str) -> None:
        self._say("pages", address=where, public_url=self._setup.settings.web.public_url)

    def news(self, news: News) -> None:
        self._each("started", news.began)
        self._each("ended", news.ended)
        self._each("stuck", news.stuck)

    def waits(self, overview: Overview, event: str = "idle") -> None:
        self._say(event, states=dict(overview.states), next_due=overview.next_due)

    def stops(self, steps: int) -> None:
        self._say("stopping", running_steps=steps)

    def ends(self) -> None:
        self._say("stopped")

    def _each(self, event: str, all_: Iterable[Status]) -> None:
        for one in all_:
            error = one.error and {"class": one.error.class_name, "text": one.error.text}
            document = one.document and str(one.document)
            at = one.started_at if event == "started" else one.ended_at
            facts = {"id": one.id, "process": one.process, "document": document, "state": one.state, "error": error}
            self._say(event, at, **facts)

    def _say(self, event: str, at: datetime | None = None, **facts: Any) -> None:
        print_json_line({"event": event, "at": at or self._now(), **facts})


def _version(process: Process[..., Any]) -> str:
    return "" if process.version == 1 else f" version {process.version}"


def _nothing(_: Status) -> str:
    return ""


def _ending(one: Status) -> str:
    if one.error is not None and one.state in ("failed", "stuck"):
        return f": {one.error.class_name}: {one.error.text}"
    return f": {one.ended_by}" if one.ended_by else ""


__all__ = ["Lines", "Sentences", "Voice"]
