"""
Recorded journals: what instances have done, as files that can be read, and the proof that today's code replays them.

    await save_journal(runtime, "tea-1", Path("journals/tea-1.json"))

    def test_recorded_journals_replay() -> None:
        assert_replays(follow_up, Path("journals"))

A file holds the call and the rows of the journal, without what only the store needs (numbers, checksums) and without
the tracebacks of errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from bizproc import __version__
from bizproc.core.codec import Codec
from bizproc.core.errors import BizprocError, InstanceNotFound
from bizproc.core.process import Process
from bizproc.engines.embedded.begun import begun_call
from bizproc.engines.embedded.journal import Recorded, verified
from bizproc.engines.embedded.progress import Progress, portal_in
from bizproc.engines.embedded.turn import sql
from bizproc.runtime import Runtime

FORMAT: Final = 1
"""Of the files; told in each."""

_PRETTY: Final = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE

_STANDING: Final = "SELECT outcome FROM instance WHERE key = ?"


async def save_journal(runtime: Runtime, id: str, path: Path) -> None:
    """
    Write the journal of an instance into a file.

    Raises:
        InstanceNotFound: There is none of this id.
    """
    recorded = await runtime.read(lambda connection: _recorded(connection, id, runtime.path))
    _write(path, orjson.dumps(recorded, option=_PRETTY))


def assert_replays(process: Process[..., Any], journals_dir: Path | str) -> int:
    """
    Replay the recorded journals of a process, of its version, on its code of today. Nothing is run besides that code.

    Args:
        process: Journals of other processes, and of other versions of it, are left alone.
        journals_dir: A folder with files that `save_journal` has written, or with folders of them.

    Returns:
        How many were replayed.

    Raises:
        AssertionError: One of them does not replay, or ends otherwise than it did; says which, and where. Or there is
            none.
    """
    found = [(path, orjson.loads(path.read_bytes())) for path in sorted(Path(journals_dir).rglob("*.json"))]
    own = [
        (path, told) for path, told in found if (told["process"], told["version"]) == (process.name, process.version)
    ]
    if not own:
        raise AssertionError(f"{journals_dir} has no journal of {process.name} version {process.version}.")
    for path, told in own:
        _replay(process, path, told)
    return len(own)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


# -- writing -----------------------------------------------------------------------------------------------------------


def _recorded(connection: Any, id: str, path: str) -> dict[str, Any]:
    found = connection.execute(sql.same_id, {"id": id}).fetchone()
    if found is None:
        raise InstanceNotFound(instance=id)
    row = connection.execute(sql.instance, {"key": found[0]}).fetchone()
    rows, _ = verified(row[0], id, path, connection.execute(sql.journal, {"key": row[0]}))
    (outcome,) = connection.execute(_STANDING, (row[0],)).fetchone()
    return {
        "format": FORMAT,
        "bizproc": __version__,
        "id": id,
        "process": row[2],
        "version": row[3],
        "state": row[8],
        "result": _tree(outcome),
        "printed_in": row[12],
        "arguments": {name: _tree(text) for name, text in orjson.loads(row[7]).items()},
        "journal": [_entry(one) for one in rows],
    }


def _entry(row: Recorded) -> dict[str, Any]:
    told = {
        "address": row.address,
        "event": row.event,
        "kind": row.kind,
        "name": row.name,
        "arguments": _tree(row.arguments),
        "hash": None if row.hash is None else row.hash.hex(),
        "outcome": row.outcome if row.event == "began" else _without_traceback(_tree(row.outcome)),
        "attempts": row.attempts,
        "started_at": row.started_at,
        "at": row.at,
    }
    return {name: value for name, value in told.items() if value is not None}


def _tree(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def _without_traceback(outcome: Any) -> Any:
    """Where an error was raised is of no use to others, and names folders of this machine."""
    if isinstance(outcome, dict):
        return {name: _without_traceback(one) for name, one in outcome.items() if name != "traceback"}
    return [_without_traceback(one) for one in outcome] if isinstance(outcome, list) else outcome


# -- replaying ---------------------------------------------------------------------------------------------------------


def _replay(process: Process[..., Any], path: Path, told: Mapping[str, Any]) -> None:
    codec = Codec()
    try:
        arguments = {name: _text(tree) for name, tree in told["arguments"].items()}
        call = begun_call(process, _text(arguments), codec)
        progress = Progress(told["id"], call, codec)
    except BizprocError as error:
        raise AssertionError(f"{path}: its call cannot be restored: {error}") from error
    if told["printed_in"] is not None:
        progress.portal = portal_in(told["printed_in"])
    try:
        progress.replay([_row(position, one) for position, one in enumerate(told["journal"])])
        _compare_endings(progress, codec, path, told)
    except BizprocError as error:
        raise AssertionError(f"{path}: {error}") from error
    finally:
        progress.drop()


def _compare_endings(progress: Progress, codec: Codec, path: Path, told: Mapping[str, Any]) -> None:
    outcome = progress.driver.outcome
    if told["state"] in ("waiting", "running") and outcome is not None:
        raise AssertionError(f"{path}: it was {told['state']} when it was recorded, and ends now: {outcome}.")
    if told["state"] != "completed" or outcome is None:
        return  # what ended it was no line of its code
    if outcome.error is not None:
        raise AssertionError(f"{path}: it was completed, and fails now: {outcome.error!r}.") from outcome.error
    result = codec.encode(outcome.value, progress.call.process.result_type, path="result")
    if orjson.loads(result) != told["result"]:
        raise AssertionError(f"{path}: its result was {_text(told['result'])}, and is {result} now.")


def _row(position: int, told: Mapping[str, Any]) -> Recorded:
    outcome = told.get("outcome")
    began = told["event"] == "began"
    return Recorded(
        position=position,
        address=told["address"],
        event=told["event"],
        kind=told.get("kind"),
        name=told.get("name"),
        arguments=None if "arguments" not in told else _text(told["arguments"]),
        hash=None if "hash" not in told else bytes.fromhex(told["hash"]),
        outcome=outcome if began else _text(outcome),
        attempts=told.get("attempts"),
        started_at=told.get("started_at"),
        at=told["at"],
        crc=0,
    )


def _text(tree: Any) -> str:
    return orjson.dumps(tree).decode()
