"""Audiences of advertisers: Meta's custom audiences, Google's customer lists. Addresses are hashed in one place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bizproc.adapters.ads.google import Google
from bizproc.adapters.ads.meta import Meta
from bizproc.model.tokens import Signer
from bizproc.ports.channel import Channel, Outside
from bizproc.ports.files import Files
from bizproc.settings import Settings

__all__ = ["outside_of"]


def outside_of(settings: Settings, files: Files, signer: Callable[[], Awaitable[Signer]]) -> Outside:  # noqa: ARG001  as all adapters have it
    """The advertisers for whom the settings have a token."""
    channels: list[Channel] = []
    if settings.ads.meta_token:
        channels.append(Meta(settings.ads, settings.country))
    if settings.ads.google_token:
        channels.append(Google(settings.ads, settings.country))
    return Outside(channels={channel.name: channel for channel in channels})
