"""
Text messages: which providers there are, and which of them the settings ask for.

Two are here; packages bring others under the entry points `bizproc.sms` (`ports/sms.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from bizproc.adapters.sms import generic, twilio
from bizproc.core.errors import SettingsError
from bizproc.model.tokens import Signer
from bizproc.ports.channel import Channel, Outside
from bizproc.ports.files import Files
from bizproc.ports.sms import ENTRY_POINTS, MakeProvider, StatusUrl, channel_of
from bizproc.settings import Settings

__all__ = ["outside_of"]

OURS: Final[dict[str, MakeProvider]] = {"twilio": twilio.make, "http": generic.make}


def outside_of(settings: Settings, files: Files, signer: Callable[[], Awaitable[Signer]]) -> Outside:  # noqa: ARG001  as all adapters have it
    """
    The providers that the settings speak of, and those of packages; one of them sends where none is named.

    Raises:
        SettingsError: the settings name a provider that there is not, or do not say all of it.
    """
    makers = {**_of_packages(), **OURS}
    default = settings.sms.provider
    if default and default not in makers:
        raise SettingsError(where="sms.provider", detail=f"there is no {default!r}. There are: {', '.join(makers)}.")
    status_url: StatusUrl = partial(_status_url, settings.web.public_url.rstrip("/"), signer)
    channels: dict[str, Channel] = {}
    for name, make in makers.items():
        if name == default or name not in OURS or _is_filled_in(settings, name):
            channels[channel_of(name)] = make(settings, status_url)
    if default:
        channels[channel_of(None)] = channels[channel_of(default)]
    return Outside(channels=channels)


def _of_packages() -> dict[str, MakeProvider]:
    return {found.name: _loaded(found) for found in entry_points(group=ENTRY_POINTS)}


def _loaded(found: EntryPoint) -> MakeProvider:
    try:
        make: MakeProvider = found.load()
    except Exception as error:
        detail = f"the provider {found.name!r} cannot be loaded: {error}"
        raise SettingsError(where="[sms]", detail=detail) from error
    return make


def _is_filled_in(settings: Settings, name: str) -> bool:
    return bool(settings.sms.twilio_account if name == "twilio" else settings.sms.http_url)


async def _status_url(public_url: str, signer: Callable[[], Awaitable[Signer]], message: int) -> str:
    return f"{public_url}/sms/status/{(await signer()).token('sms', message)}"
