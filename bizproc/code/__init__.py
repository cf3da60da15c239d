"""
A process's code, read and never run: what in it would not replay, and what it looks like as a drawing.

    files.py      which files are meant, and their text
    reading.py    a file as a tree: scopes, names, processes and the functions that are part of them
    names.py      what the names of bizproc are in process code
    rules/        what `bizproc check` looks for, one function a rule
    silencing.py  `# bizproc: ok (reason)`
    checking.py   files in, findings out
    report.py     findings as people and programs read them
    flow.py       a process as nested parts: actions, waits, branches, loops, attempts
    drawing.py    from the tree to these parts
    standing.py   where an instance stands in them, by its journal
    coverage.py   which lines of a process tests have seen
    mermaid.py    the parts as Mermaid text
    svg.py        the parts as a picture

No import of the code that is read, no network, no database.
"""
