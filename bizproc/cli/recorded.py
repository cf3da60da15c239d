"""What the journal recorded, as people read it: without what it needs to restore a value's type."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from bizproc.core.codec import Codec
from bizproc.core.errors import CodecError
from bizproc.core.form import plain

_CODEC: Final = Codec()
_TAGGED: Final = re.compile(r'\{"\$\w+":(?:"[^"\\]*"|-?\d+)\}')
_NAMED: Final = re.compile(r'(?<=[({,])"(\w+)":')


def restored(value: Any) -> Any:
    """A recorded value in plain JSON: numbers, durations and moments as texts."""
    try:
        return plain(_CODEC.decode(json.dumps(value)))
    except CodecError:  # of a class that is not here
        return value


def shown(value: Any) -> str:
    """A recorded value as text."""
    value = restored(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def waits_text(waits_for: str | None) -> str:
    """What an instance waits for: `until_stage(stages=["EXECUTING"], timeout=10d)`."""
    if waits_for is None:
        return "something"
    text = _TAGGED.sub(lambda found: shown(json.loads(found[0])), waits_for)
    return _NAMED.sub(r"\1=", text).replace("],", "], ").removeprefix("wait ")
