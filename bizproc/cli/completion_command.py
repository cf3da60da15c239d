"""`bizproc completion SHELL`: the lines that teach a shell to complete what is typed."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from bizproc.cli.completing import SHELLS, VARIABLE
from bizproc.cli.mistakes import Mistake
from bizproc.cli.output import print_json
from bizproc.cli.setup import common_options, wants_json


@click.command()
@common_options
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    r"""
    Print the lines that teach a shell to complete commands, options, processes, instances and actions.

    \b
    Examples:
      bizproc completion bash >> ~/.bashrc
      bizproc completion zsh >> ~/.zshrc
      bizproc completion fish > ~/.config/fish/completions/bizproc.fish
    """
    known = get_completion_class(shell)
    if known is None:
        raise Mistake(f"nothing is known of {shell}. There are: {', '.join(SHELLS)}.")
    lines = known(context.find_root().command, {}, "bizproc", VARIABLE).source()
    if wants_json(context):
        print_json({"shell": shell, "lines": lines})
    else:
        click.echo(lines)
