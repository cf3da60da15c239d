"""What a user got wrong, where no error of bizproc's says it."""

from __future__ import annotations

from typing import ClassVar

import click


class Mistake(click.ClickException):
    """One line: what, where, what now."""

    exit_code: ClassVar[int] = 2
