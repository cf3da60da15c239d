"""
What `bizproc doctor` looks at: each check gives findings, and changes nothing. No check talks to the outside.

A finding is right, worth knowing, or wrong; one that is wrong says how it is mended. Values of secrets are never read
into one.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
import warnings
import zoneinfo
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from attrs import frozen

from bizproc import __version__
from bizproc.cli.every_setting import every_setting
from bizproc.cli.finding import find_processes
from bizproc.cli.mistakes import Mistake
from bizproc.cli.reaching import PACKAGES, lacks, reached
from bizproc.core.errors import BizprocError, SettingsError
from bizproc.installed import uses_of
from bizproc.settings import PREFIX, Settings

if TYPE_CHECKING:
    from bizproc.model.tokens import Signer

State = Literal["right", "note", "wrong"]

WRITTEN: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""It is later than this, whatever a clock says."""

LEAST_ROOM: Final = 100_000_000
"""Bytes that should be free beside a store of any size."""


@frozen
class Finding:
    """
    One thing that was looked at.

    Attributes:
        about: What it is about: `sqlite`, `store`, `mail`.
        said: How it stands.
        mend: What to do, where something is wrong.
    """

    about: str
    state: State
    said: str
    mend: str = ""


def right(about: str, said: str) -> Finding:
    return Finding(about, "right", said)


def note(about: str, said: str, mend: str = "") -> Finding:
    return Finding(about, "note", said, mend)


def wrong(about: str, said: str, mend: str) -> Finding:
    return Finding(about, "wrong", said, mend)


# -- Python and its packages -------------------------------------------------------------------------------------------


def python() -> Iterator[Finding]:
    """The interpreter; one that is too old could not have come here."""
    said = f"{platform.python_implementation()} {platform.python_version()}, bizproc {__version__}"
    if platform.python_implementation() == "CPython":
        yield right("python", said)
    else:
        yield note("python", f"{said}: bizproc is tested on CPython alone")


def sqlite() -> Iterator[Finding]:
    """Which SQLite the store is opened with, by the choice of the store itself."""
    from bizproc.store.sqlite import SAFE, driver

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = driver()
    said = f"SQLite {module.sqlite_version}, of {module.__name__}"
    if module.sqlite_version_info >= SAFE:
        yield right("sqlite", said)
        return
    safe = ".".join(map(str, SAFE))
    yield wrong(
        "sqlite",
        f"{said}: before {safe}, a checkpoint beside a write can damage the store",
        "pip install pysqlite3, which brings a newer one; or a Python that is linked with it",
    )


def missing(extra: str) -> list[str]:
    """Its modules that are not installed; none of them is imported."""
    return [name for name in PACKAGES[extra] if importlib.util.find_spec(name) is None]


def packages(extra: str, *, needed: bool) -> Iterator[Finding]:
    """Whether what an extra brings is there; where the settings need it, that it is not is wrong."""
    lacking = missing(extra)
    if not lacking:
        return
    said = f"not installed: {', '.join(lacking)}"
    install = f"pip install 'bizproc[{extra}]'"
    yield wrong(extra, said, install) if needed else note(extra, said, f"only if it is wanted: {install}")


# -- settings ----------------------------------------------------------------------------------------------------------


def environment(given: Mapping[str, str]) -> Iterator[Finding]:
    """Variables that look like settings and are none; which secrets are set, and never to what."""
    known = {each.variable: each.secret for each in every_setting()}
    for name in sorted(given):
        if name.startswith(PREFIX) and name not in known:
            yield note("settings", f"the variable {name} is no setting", "see docs/reference/settings.md for its name")
    secrets = [name for name, secret in known.items() if secret and given.get(name)]
    yield right("secrets", f"set: {', '.join(secrets)}" if secrets else "none is set")
    empty = [name for name, secret in known.items() if secret and given.get(name) == ""]
    if empty:
        yield note("secrets", f"set, and empty: {', '.join(empty)}")


def processes(modules: tuple[str, ...], settings: Settings) -> Iterator[Finding]:
    """Whether modules and recipes can be loaded, what is in them, and whether there is what they ask for."""
    if not modules and not settings.recipes:
        yield note("processes", "no module is named", "in bizproc.toml: processes = ['sales'], or --processes sales")
        return
    try:
        with redirect_stdout(sys.stderr):  # what modules print must not be taken for our answer
            found = find_processes(modules)
            uses = uses_of(settings)
    except Mistake as error:
        yield wrong("processes", error.message, "mend the module, or `processes` in bizproc.toml")
        return
    except SettingsError as error:
        yield wrong("recipes", str(error), error.what_now)
        return
    for trouble in uses.troubles:
        yield wrong("recipes", str(trouble), trouble.what_now)
    if uses.found:
        yield right("recipes", f"{len(uses.found)}: {', '.join(use.name for use in uses.found)}")
    if found:
        yield right("processes", f"{len(found)} in {', '.join(modules)}: {', '.join(sorted({p.name for p in found}))}")
    elif modules:
        yield wrong("processes", f"none in {', '.join(modules)}", "name the modules that they stand in")
    for provider, who in reached([*found, *uses.processes]).items():
        lacking = lacks(provider, settings)
        if lacking is not None:
            what, _, mend = lacking.partition(": ")
            yield wrong(provider.partition(".")[0], f"{who}, and {what}", mend.rstrip("."))


# -- the store and the clock -------------------------------------------------------------------------------------------


def store(url: str, now: datetime) -> Iterator[Finding]:
    """Whether it can be opened, is whole, and has room; and whether the clock runs behind it."""
    from bizproc.store.examining import examine

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an old SQLite another check speaks
        try:
            found = examine(url)
        except BizprocError as error:
            yield wrong("store", str(error), error.what_now or "name another with --store")
            yield clock(now)
            return
    if found.path is None:
        yield note("store", "in memory: it is gone when the program ends")
        yield clock(now)
        return
    if found.schema is None:
        yield note("store", f"{url} is not there yet", "`bizproc import` or `bizproc serve` makes it")
    else:
        yield right("store", f"{url}: schema {found.schema} of {found.known}, {_bytes(found.size)}, whole")
        if found.schema < found.known:
            yield note("store", "it is of an older schema: whoever opens it next changes it, and keeps a copy")
        owner = "nobody runs it now" if found.owner is None else f"process {found.owner} runs it"
        yield right("owner", owner)
    yield from _room(found.path, found.size, found.free or 0)
    yield clock(now, found.newest)


def clock(now: datetime, newest: datetime | None = None) -> Finding:
    """Whether it can be as early as the clock says: what is newest in the store, and bizproc itself, came before."""
    here = f"{now:%Y-%m-%d %H:%M} UTC"
    if newest is not None and newest > now:
        said = f"the clock is behind the store: it is {here}, and something was written at {newest:%Y-%m-%d %H:%M}"
    elif now < WRITTEN:
        said = f"it cannot be {here}: this bizproc was written after {WRITTEN:%Y-%m-%d}"
    else:
        return right("clock", here)
    return wrong("clock", said, "set the clock (NTP keeps it right): timers would come late")


def _room(path: Path, size: int, free: int) -> Iterator[Finding]:
    needed = max(LEAST_ROOM, size)
    if free < needed:
        said = f"{_bytes(free)} are free in {path.parent}; a copy of the store would take {_bytes(needed)}"
        yield wrong("disk", said, "make room, or move the store with the files beside it")
    else:
        yield right("disk", f"{_bytes(free)} free")


def _bytes(count: int) -> str:
    return f"{count / 1_000_000:,.1f} MB" if count < 1_000_000_000 else f"{count / 1_000_000_000:,.1f} GB"


def zones(settings: Settings) -> Iterator[Finding]:
    """Where the data of time zones come from."""
    folders = [folder for folder in zoneinfo.TZPATH if Path(folder).is_dir()]
    try:
        package = f"tzdata {version('tzdata')}"
    except PackageNotFoundError:
        package = ""
    if not folders and not package:
        yield wrong("zones", "there are no data of time zones", "pip install tzdata")
        return
    yield right("zones", f"{settings.time_zone}, by {folders[0] if folders else package}")


# -- providers ---------------------------------------------------------------------------------------------------------

_ALONE: Final = ("localhost", "127.0.0.1", "::1")


def mail(settings: Settings) -> Iterator[Finding]:
    given = settings.mail
    yield from packages("mail", needed=given != Settings().mail)
    if not given.host:
        yield note("mail", "no server: no mail can be sent", "in bizproc.toml: [mail] host = 'smtp.example.com'")
        return
    if given.username and not given.password:
        yield wrong("mail", f"{given.host} is told a user and no password", "set the variable BIZPROC_MAIL_PASSWORD")
    elif given.password and given.security == "none":
        yield wrong("mail", "the password would travel in the clear", "set mail.security to starttls or tls")
    else:
        yield right("mail", f"{given.host}:{given.port}, {given.security}")
    if urlsplit(settings.web.public_url).hostname in _ALONE:
        mend = "set web.public_url to where people outside reach the pages"
        yield note("mail", f"links in mails lead to {settings.web.public_url}", mend)


def sms(settings: Settings) -> Iterator[Finding]:
    given = settings.sms
    yield from packages("sms", needed=given != Settings().sms)
    if given == Settings().sms:
        yield note("sms", "no provider: no text message can be sent", "in bizproc.toml: [sms] provider = 'twilio'")
        return
    if missing("sms"):
        return
    from bizproc.adapters.file_folder import MemoryFiles
    from bizproc.adapters.sms import outside_of

    try:
        made = outside_of(settings, MemoryFiles(), _unsigned)
    except SettingsError as error:
        yield wrong("sms", str(error), error.what_now)
        return
    names = ", ".join(sorted(made.channels)) or "none"
    yield right("sms", f"channels: {names}") if given.provider else note("sms", f"channels: {names}; none by itself")


async def _unsigned() -> Signer:
    raise AssertionError("who examines settings sends nothing, and so signs no link")


def ads(settings: Settings) -> Iterator[Finding]:
    given = settings.ads
    yield from packages("ads", needed=bool(given.meta_token or given.google_token))
    named = [name for name, token in (("Meta", given.meta_token), ("Google", given.google_token)) if token]
    if given.google_account and not given.google_token:
        yield wrong("ads", "an account at Google, and no token", "set the variable BIZPROC_ADS_GOOGLE_TOKEN")
    elif given.google_token and not given.google_account:
        yield wrong("ads", "a token for Google, and no account", "set ads.google_account")
    elif named:
        yield right("ads", ", ".join(named))
    else:
        yield note("ads", "no advertiser", "set the variable BIZPROC_ADS_META_TOKEN or BIZPROC_ADS_GOOGLE_TOKEN")


def payments(settings: Settings) -> Iterator[Finding]:
    given = settings.payments
    stripe = given.provider == "stripe"
    yield from packages("payments", needed=stripe)
    lacking = [name for name in ("stripe_key", "stripe_webhook_secret") if not getattr(given, name)]
    if stripe and lacking:
        names = " and ".join(f"{PREFIX}PAYMENTS_{name.upper()}" for name in lacking)
        yield wrong("payments", "Stripe cannot be asked, or not be believed", f"set {names}")
    else:
        yield right("payments", "by Stripe" if stripe else "a page of our own says what to transfer")


def account(settings: Settings, url: str) -> Iterator[Finding]:
    """Whether the page of a payment can say where to transfer it: that stands in the store, not in the settings."""
    from bizproc.adapters.sql_crm.payments import has_account
    from bizproc.store.examining import ask

    if settings.payments.provider != "page":
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an old SQLite another check speaks
        try:
            there = ask(url, has_account)
        except BizprocError:
            return  # what is wrong with the store is said of the store
    if there is False:
        said = "the page cannot say where to transfer: no bank account of a company of ours is in the store"
        yield note("payments", said, "fill it in: docs/how-to/channels.md, The account on the page")


def documents(settings: Settings) -> Iterator[Finding]:
    from bizproc.adapters.documents.libreoffice import program

    yield from packages("documents", needed=settings.documents != Settings().documents)
    named = settings.documents.libreoffice
    office = program(named)
    if office is not None:
        yield right("documents", f"PDF of .docx by {office}")
    elif named:
        yield wrong("documents", f"there is no program {named!r}", "set documents.libreoffice to where LibreOffice is")
    else:
        mend = "install LibreOffice, or set documents.libreoffice to where it is"
        yield note("documents", "LibreOffice is not installed: .docx become no PDF; Typst needs none", mend)


def web(settings: Settings) -> Iterator[Finding]:
    given = settings.web
    lacking = bool(missing("web"))
    yield from packages("web", needed=given.port != 0 and given != Settings().web)
    if given.port and not lacking:
        yield right("web", f"pages at {given.host}:{given.port}, for people outside {given.public_url}")
    elif not given.port:
        yield note("web", "port 0: no pages are served")


PROVIDERS: Final[Mapping[str, Callable[[Settings], Iterable[Finding]]]] = {
    "mail": mail,
    "sms": sms,
    "ads": ads,
    "payments": payments,
    "documents": documents,
    "web": web,
}


def all_findings(settings: Settings | None, url: str, modules: tuple[str, ...], now: datetime) -> Iterator[Finding]:
    """Everything, the more basic first; where the settings cannot be read, what needs none of them."""
    yield from python()
    yield from sqlite()
    yield from environment(os.environ)
    asked = [] if settings is None else list(processes(modules, settings))
    yield from asked
    yield from store(url, now)
    yield from zones(settings or Settings())
    if settings is None:
        return
    amiss = {each.about for each in asked if each.state == "wrong"}
    for name, look in PROVIDERS.items():
        # What is wrong for a process that asks for it is not worth knowing once more.
        found = [*look(settings), *(account(settings, url) if name == "payments" else ())]
        yield from (each for each in found if each.state != "note" or name not in amiss)
