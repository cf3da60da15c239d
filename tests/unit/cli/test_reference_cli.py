"""`docs/reference/settings.md` and `command-line.md`: what the code says, and nothing is missing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import attrs
import click
import pytest

from bizproc.cli import app
from bizproc.settings import Settings
from tools import reference_cli

FOLDER = Path(__file__).parents[3] / "docs" / "reference"
SETTINGS = (FOLDER / "settings.md").read_text("utf-8")
COMMAND_LINE = (FOLDER / "command-line.md").read_text("utf-8")


@pytest.mark.parametrize("name", reference_cli.REFERENCE)
def test_the_files_are_what_the_code_says_now(name: str) -> None:
    text = (FOLDER / name).read_text("utf-8")
    assert text == reference_cli.REFERENCE[name](), f"docs/reference/{name} is not what the code says: `make reference`"


def sections() -> dict[str, Any]:
    """The classes of settings, by section; the top has none."""
    inner = {each.name: type(each.default) for each in attrs.fields(Settings) if attrs.has(type(each.default))}
    return {"": Settings, **inner}


@pytest.mark.parametrize("section", sections())
def test_every_setting_stands_there_with_its_variable_and_what_it_means(section: str) -> None:
    heading = f"## [{section}]\n" if section else "## At the top\n"
    body = SETTINGS.partition(heading)[2].partition("\n## ")[0]
    for each in attrs.fields(sections()[section]):
        if attrs.has(type(each.default)):
            continue
        (row,) = [line for line in body.splitlines() if line.startswith(f"| `{each.name}` |")]
        name, kind, default, variable, said = (cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1])
        assert name == f"`{each.name}`"
        assert kind
        assert variable == f"`BIZPROC_{section.upper() + '_' if section else ''}{each.name.upper()}`"
        assert (default == "secret") is bool(each.metadata.get("secret"))
        assert said, f"{section}.{each.name} is not described: its class's docstring does"


def test_the_example_is_read() -> None:
    import tomllib

    example = SETTINGS.partition("```toml\n")[2].partition("```")[0]
    assert tomllib.loads(example)["mail"]["host"] == "smtp.example.com"


@pytest.mark.parametrize("name", app.COMMANDS)
def test_every_command_stands_there_with_its_options(name: str) -> None:
    body = COMMAND_LINE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    assert app.COMMANDS[name] in body
    with click.Context(app.main) as group:
        command = app.main.get_command(group, name)
    assert command is not None
    for parameter in command.params:
        for shown in parameter.opts if isinstance(parameter, click.Option) else [parameter.make_metavar(group)]:
            assert shown in body


def test_exit_codes_stand_there() -> None:
    assert "Exit codes:" in COMMAND_LINE
