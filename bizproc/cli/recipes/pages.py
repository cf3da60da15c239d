"""A page of Markdown for a recipe: summary, diagram, settings, needs, actions used, example."""

from __future__ import annotations

from bizproc.cli.recipes.showing import actions_of, default_of, name_of_use, section, told, type_of
from bizproc.code.files import Unreadable
from bizproc.code.mermaid import mermaid
from bizproc.code.used import flows_of
from bizproc.core.form import Parameter
from bizproc.recipe import Recipe


def page(recipe: Recipe[...]) -> str:
    """The page."""
    parts = [f"# {recipe.name}", recipe.summary, told(recipe), f"Since {recipe.since}."]
    parts += ["## What it does", diagram(recipe), "## Settings", settings(recipe)]
    parts += ["## Needs", needs(recipe)]
    parts += ["## Actions used", "\n".join(f"- `crm.{name}`" for name in actions_of(recipe)) or "None."]
    parts += ["## Example", f"```toml\n{section(recipe, name_of_use(recipe))}\n```"]
    return "\n\n".join(part for part in parts if part) + "\n"


def diagram(recipe: Recipe[...]) -> str:
    """Each of its processes, drawn."""
    try:
        return "\n\n".join(f"```mermaid\n{mermaid(flow).rstrip()}\n```" for flow in flows_of(recipe))
    except Unreadable as error:
        return f"Its code cannot be drawn: {error.why}."


def needs(recipe: Recipe[...]) -> str:
    """What must be there before the first run, as a list."""
    return "\n".join(f"- `{need}`" for need in recipe.needs) or "Nothing."


def settings(recipe: Recipe[...]) -> str:
    """The settings as a table, with their defaults as files have them."""
    if not recipe.settings:
        return "None."
    rows = [_row(each) for each in recipe.settings]
    return "\n".join(("| setting | type | default | |", "| --- | --- | --- | --- |", *rows))


def _row(setting: Parameter) -> str:
    default = "required" if setting.required else f"`{default_of(setting) or 'none'}`"
    cells = (f"`{setting.name}`", f"`{type_of(setting)}`", default, setting.description)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
