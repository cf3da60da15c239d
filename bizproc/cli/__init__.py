"""
The command line: `bizproc`. A door: it speaks to `Runtime`, and never to SQL.

    app.py        the group of commands, and what becomes of errors
    setup.py      what all commands are told: the store, the processes, JSON
    finding.py    processes, in the modules of a project
    output.py     tables, JSON and texts that are safe to print
    starter.py    what a new project is made of
    examining.py  what `bizproc doctor` looks at
    completing.py what a shell completes
    …_command.py  one command each, loaded when it is called
"""

from bizproc.cli.app import main

__all__ = ["main"]
