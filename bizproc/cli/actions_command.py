"""`bizproc actions [NAME]`: the catalogue of actions."""

from __future__ import annotations

import re
from typing import Any, Final

import attrs
import click

from bizproc.cli.catalogue import Entry, Form, catalogue
from bizproc.cli.completing import action_names
from bizproc.cli.mistakes import Mistake
from bizproc.cli.output import console, print_json, table
from bizproc.cli.setup import common_options, setup_of
from bizproc.core.near import meant


@click.command()
@common_options
@click.argument("name", required=False, shell_complete=action_names)
@click.pass_context
def command(context: click.Context, name: str | None) -> None:
    r"""
    What processes can do: the catalogue of actions.

    Without NAME: every heading of the document, in the language of the settings, and the names of the action under it.
    NAME is one of these, or its last word: then its parameters, with types, defaults and units, and its errors.

    \b
    Examples:
      bizproc actions
      bizproc actions add_product
      bizproc actions crm.deal.add_product --json
    """
    setup = setup_of(context)
    entries = catalogue()
    if name is not None:
        entries = _called(entries, name)
        if setup.json:
            print_json([_as_json(entry) for entry in entries])
        else:
            _print_each(entries, setup.settings.language)
    elif setup.json:
        print_json([_as_json(entry) for entry in entries if entry.heading is not None])
    else:
        _print_all(entries, setup.settings.language)


def _called(entries: list[Entry], name: str) -> list[Entry]:
    """The entries of this name, or of this last word."""
    found = [entry for entry in entries if name in entry.names]
    found = found or [entry for entry in entries if any(each.rpartition(".")[2] == name for each in entry.names)]
    if found:
        return found
    names = sorted({name for entry in entries for name in entry.names})
    words = {each.rpartition(".")[2] for each in names}
    told = meant(name, [*names, *words]) or "`bizproc actions` lists them all."
    raise Mistake(f"there is no action {name!r}. {told}")


def _as_json(entry: Entry) -> dict[str, Any]:
    heading = entry.heading
    return {
        "heading_fr": heading and heading.fr,
        "heading_en": heading and heading.en,
        "names": entry.names,
        "parameters": [attrs.asdict(parameter) for parameter in entry.parameters],
        "errors": [attrs.asdict(error) for error in entry.errors],
    }


# -- for people --------------------------------------------------------------------------------------------------------


def _print_all(entries: list[Entry], language: str) -> None:
    out = console()
    rows = [
        (entry.heading.number, entry.heading.called(language), _names(entry) or "to come")
        for entry in entries
        if entry.heading is not None
    ]
    out.print(table(("", "heading", "name"), rows, right=("",)))
    out.print()
    beyond = [(_names(entry), first_sentence(entry.says)) for entry in entries if entry.heading is None]
    out.print(table(("beyond the document", "what it does"), beyond))
    out.print("\nOne of them: bizproc actions NAME")


def _names(entry: Entry) -> str:
    """One name in full, and the kinds of items that have it too."""
    return "; ".join(also(form) for form in entry.forms)


def also(form: Form) -> str:
    """`crm.deal.read (also company, contact)`."""
    first, *others = form.names
    kinds = ", ".join(name.split(".")[1] for name in others)
    return f"{first} (also {kinds})" if others else first


def first_sentence(text: str) -> str:
    """The first sentence of a text, without what comes behind a colon."""
    return _SENTENCE_END.split(text, maxsplit=1)[0].rstrip(".") + "."


_SENTENCE_END: Final = re.compile(r"(?<=\.)\s|:\s|\n")


def _print_each(entries: list[Entry], language: str) -> None:
    out = console()
    for entry in entries:
        if entry.heading is not None:
            out.print(f"{entry.heading.number}. {entry.heading.called(language)}")
        for form in entry.forms:
            out.print(f"await {form.names[0]}{form.signature} -> {form.returns}", style="bold")
            if form.names[1:]:
                out.print(f"  also {', '.join(form.names[1:])}")
        out.print(f"\n{entry.says}\n")
        if entry.parameters:
            rows = [(p.name, p.type, "required" if p.required else p.default, p.description) for p in entry.parameters]
            out.print(table(("parameter", "type", "default", ""), rows))
            out.print()
        if entry.errors:
            out.print(table(("raises", "when"), [(error.name, error.when) for error in entry.errors]))
            out.print()
