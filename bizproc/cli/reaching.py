"""What processes reach the outside through, read from their code, and what is missing for it. Nothing is run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from bizproc.code.files import Unreadable
from bizproc.code.source import flow_of_process
from bizproc.code.used import actions_in, provider_of

if TYPE_CHECKING:
    from bizproc.core.process import Process
    from bizproc.settings import Settings


def reached(processes: Iterable[Process[..., Any]]) -> dict[str, str]:
    """
    The providers that processes ask for, each with the first that does: `sales.follow_up asks for deal.send_email`.

    Code that cannot be read asks for nothing that is known here.
    """
    found: dict[str, str] = {}
    for process in processes:
        try:
            actions = actions_in(flow_of_process(process))
        except Unreadable:
            continue
        for action in actions:
            provider = provider_of(action)
            if provider is not None:
                found.setdefault(provider, f"{process.name} asks for {action}")
    return found


def lacks(name: str, settings: Settings) -> str | None:
    """What is missing for a provider, and how it is got; None where nothing is."""
    extra = _extra_of(name, settings)
    lacking = [module for module in PACKAGES.get(extra, ()) if find_spec(module) is None]
    if lacking:
        return f"the package {lacking[0]} is not installed: pip install 'bizproc[{extra}]'."
    match name:
        case "mail":
            return None if settings.mail.host else "there is no mail server: [mail] host in bizproc.toml."
        case "sms":
            return None if settings.sms.provider else "there is no provider: [sms] provider in bizproc.toml."
        case "ads.meta":
            return None if settings.ads.meta_token else "there is no access: the variable BIZPROC_ADS_META_TOKEN."
        case "ads.google":
            return None if settings.ads.google_token else "there is no access: the variable BIZPROC_ADS_GOOGLE_TOKEN."
        case "ads":
            there = settings.ads.meta_token or settings.ads.google_token
            return None if there else "there is no advertiser: the variables BIZPROC_ADS_META_TOKEN and the like."
        case "payments" if settings.payments.provider == "stripe" and not settings.payments.stripe_key:
            return "there is no access: the variable BIZPROC_PAYMENTS_STRIPE_KEY."
        case _:
            return None


def _extra_of(name: str, settings: Settings) -> str:
    """Who pays by a page of ours needs the pages, and nothing of a provider's."""
    by_page = name == "payments" and settings.payments.provider == "page"
    return "web" if by_page else name.partition(".")[0]


PACKAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "mail": ("aiosmtplib", "nh3"),
    "sms": ("httpx", "phonenumbers"),
    "ads": ("httpx", "phonenumbers"),
    "documents": ("docxtpl", "typst"),
    "payments": ("httpx",),
    "web": ("icalendar", "jinja2", "starlette", "uvicorn"),
}
"""What is imported of each extra of pyproject.toml; a test holds them equal."""
