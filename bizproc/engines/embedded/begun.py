"""
With which settings an instance goes on: those it began with, which its row has.

One that a person lets go on after a failure goes on with the settings of today, if what it has done would have been
the same with these: what was mended may be a setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bizproc.core.codec import Codec
from bizproc.core.configured import as_begun
from bizproc.core.errors import BizprocError
from bizproc.core.process import Call, Process
from bizproc.engines.embedded.loaded import Loaded
from bizproc.engines.embedded.progress import Progress, portal_in
from bizproc.engines.embedded.starting import decode_call


def settings_in(arguments: str, codec: Codec) -> str | None:
    """The settings that an instance began with, as text; None where its process had none, or nobody wrote them down."""
    parts = codec.decode(arguments)
    settings = parts.get("settings") if isinstance(parts, Mapping) else None
    return settings if isinstance(settings, str) else None


def begun_call(process: Process[..., Any], arguments: str, codec: Codec) -> Call[Any]:
    """The call of an instance, with the settings that it began with. Raises NotRestorable."""
    if process.configured is None:
        return decode_call(process, arguments, codec)
    return decode_call(as_begun(process, settings_in(arguments, codec), codec), arguments, codec)


def call_of_retried(process: Process[..., Any], loaded: Loaded, codec: Codec) -> tuple[Call[Any] | None, str | None]:
    """The call with the settings of today and the arguments that have them, if its journal fits these."""
    if process.configured is None:
        return None, None
    today, begun = process.configured.text(codec), settings_in(loaded.arguments, codec)
    if today is None or begun in (None, today):
        return None, None
    call = decode_call(process, loaded.arguments, codec)
    progress = Progress(loaded.id, call, codec)
    try:
        if loaded.printed_in is not None:
            progress.portal = portal_in(loaded.printed_in)
        progress.replay(loaded.rows)
    except BizprocError:
        return None, None
    finally:
        progress.drop()
    return call, codec.encode({**codec.decode(loaded.arguments), "settings": today})
