"""
The group of commands, and what becomes of errors.

A user's mistake is one line on stderr (what, where, what now) and exit code 2. What nobody expected keeps its
traceback. Commands are modules that are loaded when they are called: `bizproc --help` loads no database.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click
from click.exceptions import NoArgsIsHelpError

from bizproc import __version__
from bizproc.cli.setup import common_options
from bizproc.core.errors import BizprocError, Unanswered
from bizproc.core.near import meant

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

DONE, FAILED, USAGE, STOPPED = 0, 1, 2, 130

COMMANDS: Final = {
    "init": "Make a new project, which runs at once.",
    "demo": "A small company through a simulated month.",
    "import": "Read a folder of CSV files into the store.",
    "export": "Write all that the store holds into CSV files.",
    "serve": "Run the instances of a store until it is stopped.",
    "start": "Start a process, and run it until it waits.",
    "ps": "List instances.",
    "show": "One instance: its steps, its notes, its error.",
    "signal": "Send a signal to an instance.",
    "cancel": "Ask instances to cancel themselves.",
    "terminate": "End instances at once.",
    "retry": "Let instances that failed or are stuck go on.",
    "fork": "A second instance that goes on from a step of the first.",
    "skip-wait": "End the wait of an instance as if its time were up.",
    "settle": "Say whether something was sent of which nobody knows.",
    "doctor": "What is amiss here, and how to mend it.",
    "check": "What in the code would not replay, and which instances would not go on.",
    "diagram": "A process, drawn from its code.",
    "recipes": "Processes that come in packages: which there are, and what they need.",
    "backup": "Copy a store, while it runs, too.",
    "completion": "Lines that teach a shell to complete what is typed.",
    "actions": "What processes can do: the catalogue of actions.",
}

EPILOG: Final = """\b
Examples:
  bizproc demo
  bizproc init sales
  bizproc import ./northwind --store sqlite:///crm.db
  bizproc serve --processes sales
  bizproc start sales.follow_up --document deal:5 --processes sales
  bizproc ps --status waiting
  bizproc show tea-1
  bizproc check sales.py
  bizproc diagram sales.follow_up --svg follow_up.svg
  bizproc signal tea-1 approved '{"by": 2}'
  bizproc fork tea-1 3
  bizproc actions crm.deal.add_product
"""


EXIT_CODES: Final = {
    DONE: "done",
    FAILED: "done, and what came of it is not good: an instance failed, a check found something, what was posted still "
    "waits, the store was lost on the way",
    USAGE: "not done: a wrong use, a wrong setting, something that is not there",
    STOPPED: "stopped from the keyboard",
}


class _Formatter(click.HelpFormatter):
    """Tells examples that a narrow terminal has no room for in several lines, as a shell takes them, too."""

    def write_text(self, text: str) -> None:
        most = self.width - self.current_indent
        super().write_text("\n".join(line for each in text.split("\n") for line in _fold(each, most)))


class _Context(click.Context):
    formatter_class = _Formatter


def _fold(line: str, most: int) -> list[str]:
    """An example in several lines; broken at spaces, the later ones further in."""
    found = [line]
    while line.startswith("  bizproc ") and len(found[-1]) > most:
        last = found.pop()
        place = last.rfind(" ", len("  bizproc "), most - 1)  # room for the mark that the line goes on
        if place < 0:
            return [*found, last]
        found += [f"{last[:place]} \\", f"      {last[place + 1 :]}"]
    return found


class Commands(click.Group):
    """The commands, each loaded when it is needed."""

    context_class = _Context

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(f"bizproc.cli.{cmd_name.replace('-', '_')}_command").command
        for each in (found, *getattr(found, "commands", {}).values()):
            # Docstrings are raw, so that nothing in an example is an escape; click knows the mark of its lines as one.
            each.help = (each.help or "").replace("\\b\n", "\b\n")
            each.context_class = _Context
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            told = meant(args[0], COMMANDS) or f"There are: {', '.join(COMMANDS)}."
            raise click.UsageError(f"there is no command {args[0]!r}. {told}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[Any]]:
        """The commands without loading them; else the options."""
        from click.shell_completion import CompletionItem

        named = [CompletionItem(name, help=told) for name, told in COMMANDS.items() if name.startswith(incomplete)]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(EPILOG)
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), told) for code, told in EXIT_CODES.items()])

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002  as click has it
        **extra: Any,
    ) -> Any:
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        _take_missing_streams()
        _print_any_text()
        try:
            _check_arguments(sys.argv[1:] if args is None else args)
            code = super().main(args, prog_name or "bizproc", complete_var, standalone_mode=False, **extra)
            sys.stdout.flush()
        except NoArgsIsHelpError as error:  # the help was asked for, in the way of whoever knows nothing yet
            click.echo(error.format_message())
            sys.exit(USAGE)
        except click.UsageError as error:
            _complain(_usage(error), USAGE)
        except click.ClickException as error:
            _complain(error.format_message(), USAGE)
        except BizprocError as error:
            _complain(error, FAILED if isinstance(error, Unanswered) else USAGE)
        except (click.Abort, KeyboardInterrupt):
            _complain("stopped.", STOPPED)
        except BrokenPipeError:
            # Who reads our output has gone (`bizproc ps | head`).
            _give_up_output()
            sys.exit(FAILED)
        except OSError as error:
            if error.filename is not None or error.errno not in _UNWRITABLE:
                raise
            _give_up_output()
            _complain(f"the output cannot be written: {error.strerror}.", FAILED)
        sys.exit(code if isinstance(code, int) else DONE)


_UNWRITABLE: Final = frozenset({errno.ENOSPC, errno.EIO, errno.EBADF, errno.EFBIG, errno.EDQUOT})


def _take_missing_streams() -> None:
    """
    Where the program was begun without stdout or stderr (`>&-`), what it says goes nowhere, and it does its work.

    No file that is opened later may get the number of a standard stream, or what is printed would be written into it.
    """
    while (fd := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(fd)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  for as long as we live


def _give_up_output() -> None:
    """Python must not try to write the rest when it ends."""
    with suppress(OSError, ValueError, AttributeError):
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)


def _check_arguments(args: Sequence[str]) -> None:
    """Raises UsageError for one that is no text: it could be neither stored nor printed."""
    for place, each in enumerate(args, start=1):
        try:
            each.encode("utf-8")
        except UnicodeEncodeError:
            shown = each.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            raise click.UsageError(f"argument {place} is no text in UTF-8: '{shown[:60]}'") from None


def _print_any_text() -> None:
    """What the terminal's encoding has not is printed as an escape, not refused."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _usage(error: click.UsageError) -> str:
    text = error.format_message().rstrip().replace("\n\t", " ")  # a line for each choice
    text = text if text.endswith((".", "?", "!", ")")) else f"{text}."
    command = error.ctx.command_path if error.ctx is not None else "bizproc"
    return f"{text} See `{command} --help`."


def _complain(what: str | BizprocError, code: int) -> NoReturn:
    from bizproc.cli.output import complain, complain_of

    with suppress(OSError):  # nobody is there to hear
        if isinstance(what, BizprocError):
            complain_of(what)
        else:
            complain(what)
    sys.exit(code)


@click.group(cls=Commands, epilog=EPILOG, no_args_is_help=True)
@common_options
@click.version_option(__version__, prog_name="bizproc")
def main() -> None:
    """Automate a CRM in code: processes are async functions that survive any stop."""


main.name = "bizproc"
