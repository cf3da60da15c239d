"""
Writes docs/reference/settings.md and command-line.md from the code: from the classes of settings, and from the parsers.

A test keeps the files equal to it. Nothing is written by hand there. Run it as `python -m tools.reference_cli`.
"""

from __future__ import annotations

import inspect
from itertools import groupby
from typing import Any

import click

from bizproc.cli import app
from bizproc.cli.every_setting import Known, every_setting
from bizproc.core.checks import readable
from bizproc.settings import FILE, Settings
from tools.pages import MADE, code, table, write_pages
from tools.reference import FOLDER

# -- settings ----------------------------------------------------------------------------------------------------------

SETTINGS = f"""\
# Settings

What a project says about its store, its processes and its CRM. A setting stands in `{FILE}`, in the folder that
bizproc is called in, or comes from the variable that is named; where both say something, the file counts. On the
command line `--store` and `--processes` count before both. Secrets come from the environment alone: one in the file is
refused. `bizproc doctor` says what is amiss. A list is written in a variable with commas, true and false as such.

```toml
store = "sqlite:///crm.db"
processes = ["sales"]
time_zone = "Europe/Paris"

[mail]
host = "smtp.example.com"
username = "tea"  # the password: BIZPROC_MAIL_PASSWORD
```
"""


def settings() -> str:
    parts = [MADE, SETTINGS]
    for section, known in groupby(every_setting(), key=lambda each: each.section):
        parts.append(f"## {f'[{section}]' if section else 'At the top'}\n")
        if section:
            parts.append(f"{_prose(getattr(Settings(), section))}\n")
        parts.append(table(("setting", "type", "default", "variable", ""), [_row(each) for each in known]))
    return "\n".join(parts)


def _row(each: Known) -> tuple[str, str, str, str, str]:
    default = "secret" if each.secret else code(_toml(each.default))
    return f"`{each.name}`", _type(each), default, f"`{each.variable}`", each.said


def _type(each: Known) -> str:
    cls: Any = type(getattr(Settings(), each.section)) if each.section else Settings
    return code(readable(inspect.get_annotations(cls, eval_str=True)[each.name]))


def _toml(value: Any) -> str:
    """As it would be typed in the file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _prose(section: Any) -> str:
    return inspect.cleandoc(type(section).__doc__ or "").partition("\n\nAttributes:")[0]


# -- the command line --------------------------------------------------------------------------------------------------

COMMAND_LINE = """\
# The command line

What `bizproc --help` says, and each command. `--store`, `--processes` and `--json` may stand before the command, too.
"""

WIDTH = 100


def command_line() -> str:
    parts = [MADE, COMMAND_LINE, f"```text\n{_help(app.main, 'bizproc')}\n```\n"]
    with click.Context(app.main, info_name="bizproc") as group:
        for name, told in app.COMMANDS.items():
            command = app.main.get_command(group, name)
            assert command is not None
            parts += [f"## {name}\n", f"{told}\n", f"```text\n{_help(command, f'bizproc {name}')}\n```\n"]
    return "\n".join(parts)


def _help(command: click.Command, name: str) -> str:
    """Its help at a width that no terminal decides."""
    context = click.Context(command, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH)
    with context:
        return "\n".join(line.rstrip() for line in command.get_help(context).splitlines())


REFERENCE = {"settings.md": settings, "command-line.md": command_line}


if __name__ == "__main__":
    write_pages(FOLDER, REFERENCE)
