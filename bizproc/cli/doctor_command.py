"""`bizproc doctor`: what is amiss here, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import attrs
import click

from bizproc.cli.examining import Finding, all_findings, wrong
from bizproc.cli.mistakes import Mistake
from bizproc.cli.output import console, print_json, say, table
from bizproc.cli.setup import common_options, given_store, setup_of, wants_json
from bizproc.core.errors import SettingsError
from bizproc.settings import Settings


@click.command()
@common_options
@click.pass_context
def command(context: click.Context) -> int:
    r"""
    Look at what bizproc needs here, and say what is amiss and how to mend it.

    Python, SQLite, settings and secrets, processes, the store, the disk, the clock, time zones, and what is needed for
    mails, text messages, advertisers, payments, documents and pages. Nothing is changed and nothing is sent, and a
    running `serve` is not disturbed; all of the store is read once. Values of secrets are not shown. Exit code 1 if
    something is wrong.

    \b
    Examples:
      bizproc doctor
      bizproc doctor --json --store sqlite:///crm.db
    """
    found = list(_findings(context))
    amiss = [each for each in found if each.state == "wrong"]
    if wants_json(context):
        print_json({"wrong": len(amiss), "findings": [attrs.asdict(each) for each in found]})
    else:
        rows = [(_WORDS[each.state], each.about, each.said, each.mend) for each in found]
        console().print(table(("", "", "how it stands", "what now"), rows))
        say(f"{len(amiss)} wrong: mend what is named." if amiss else "Nothing is wrong.")
    return 1 if amiss else 0


_WORDS: Final = {"right": "ok", "note": "note", "wrong": "WRONG"}


def _findings(context: click.Context) -> Iterator[Finding]:
    """All; where the settings cannot be read, those that need none of them."""
    now = datetime.now(UTC)
    try:
        setup = setup_of(context)
    except SettingsError as error:
        yield wrong("settings", str(error), error.what_now)
    except Mistake as error:
        yield wrong("settings", error.message, "set it anew")
    else:
        is_there = Path("bizproc.toml").is_file()
        yield Finding("settings", "right", "bizproc.toml" if is_there else "no bizproc.toml here: all is as usual")
        yield from all_findings(setup.settings, setup.store, setup.modules, now)
        return
    yield from all_findings(None, given_store(context) or Settings().store, (), now)
