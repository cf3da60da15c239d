"""
Settings: what a project says about its store, its processes and its CRM.

They come from `bizproc.toml` and `BIZPROC_*` variables.

It reads and checks; it opens nothing. Whoever assembles a runtime is given the result.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import evolve, field, fields_dict, frozen, has

from bizproc.core.errors import SettingsError
from bizproc.core.near import nearest
from bizproc.model.languages import LANGUAGES
from bizproc.model.money import CURRENCY_WANTED, is_currency

NO_RECIPES: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType({})
FILE: Final = "bizproc.toml"
PREFIX: Final = "BIZPROC_"
LARGEST_PORT: Final = 65_535


SECRET: Final = {"secret": True}
"""Marks a setting that only the environment may give. It is never printed."""


def _secret() -> Any:
    return field(default="", repr=False, metadata=SECRET)


@frozen(kw_only=True)
class WebSettings:
    """
    The pages that `bizproc serve` offers: documents by link, payment pages, hooks of providers, calendars.

    Attributes:
        public_url: Where people outside reach them; links in mails and documents begin with it.
        host, port: Where they are served; port 0 serves none.
    """

    public_url: str = "http://127.0.0.1:8480"
    host: str = "127.0.0.1"
    port: int = 8480


@frozen(kw_only=True)
class MailSettings:
    """
    The mail server.

    Attributes:
        host: Of the SMTP server; without one no mail can be sent.
        port: Of the SMTP server: 587 for `starttls`, 465 for `tls`.
        security: `starttls`, `tls` or `none`.
        username, password: Where the server asks for them.
        timeout: Seconds that the server may take for each answer; for a large mail as much more as its way takes.
        largest: Megabytes that all attachments of a mail may have together.
        signature: Appended to each mail, in BBCode.
    """

    host: str = ""
    port: int = 587
    security: str = "starttls"
    username: str = ""
    password: str = _secret()
    timeout: int = 60
    largest: int = 20
    signature: str = ""


@frozen(kw_only=True)
class SmsSettings:
    """
    Providers of text messages.

    Attributes:
        provider: Which one sends where none is named: `twilio`, `http`, or one that a package brings.
        sender: The number or name that messages come from.
        twilio_account, twilio_token: Of the account at Twilio.
        twilio_url: Where Twilio is asked.
        http_url: Of a provider of which nothing is known but this.
        http_body: What is posted there, with {to}, {from}, {text}, {key} and {status_url} filled in: JSON if it begins
            with a brace, else a form.
        http_token: What is sent as its bearer token.
        http_deduplicates: That provider sends what comes twice with the same {key} once.
    """

    provider: str = ""
    sender: str = ""
    twilio_account: str = ""
    twilio_url: str = "https://api.twilio.com"
    twilio_token: str = _secret()
    http_url: str = ""
    http_body: str = ""
    http_token: str = _secret()
    http_deduplicates: bool = False


@frozen(kw_only=True)
class AdsSettings:
    """
    Audiences of advertisers.

    Attributes:
        meta_token: The access token of the advertiser at Meta.
        meta_version, meta_url: Of its interface, and where that is asked.
        google_account: Of the advertiser at Google.
        google_token: The access token of that account.
        google_url: Where Google is asked.
        google_consent: What Google is told of those who are added: that they have `granted` that their data are used
            for advertising, or `denied` it; `unspecified` tells nothing.
    """

    meta_version: str = "v25.0"
    meta_url: str = "https://graph.facebook.com"
    meta_token: str = _secret()
    google_account: str = ""
    google_consent: str = "unspecified"
    google_url: str = "https://datamanager.googleapis.com"
    google_token: str = _secret()


@frozen(kw_only=True)
class PaymentSettings:
    """
    Who takes payments.

    Attributes:
        provider: `page` (an invoice page with what to transfer), or `stripe`.
        stripe_key, stripe_webhook_secret: Of the account at Stripe.
        stripe_url: Where Stripe is asked.
    """

    provider: str = "page"
    stripe_url: str = "https://api.stripe.com"
    stripe_key: str = _secret()
    stripe_webhook_secret: str = _secret()


@frozen(kw_only=True)
class DocumentSettings:
    """
    How documents are made.

    Attributes:
        libreoffice: The program that turns .docx into PDF; empty: `soffice`, where it is installed.
        timeout: Seconds that one conversion may take.
    """

    libreoffice: str = ""
    timeout: int = 120


@frozen(kw_only=True)
class Settings:
    """
    All settings, checked.

    Attributes:
        store: URL of the store.
        processes: Modules in which processes are looked for.
        recipes: The recipes that are used, by the name of the use: tables `[recipes.NAME]` of the file, with the
            recipe's name and its settings as they are written.
        time_zone: The portal's zone, whose days are counted (D19).
        currency: ISO 4217 code of items that name none.
        language: What values are printed in: `en` or `fr`.
        country: Whose phone numbers are written without a country code, as ISO 3166 has it: `FR`.
        keep_in_memory: How many waiting instances stay in memory.
        retention_days: For how long an ended instance is kept whose process does not say it.
        web, mail, sms, ads, payments, documents: Tables of their own in the file; in the environment
            `BIZPROC_MAIL_HOST` and the like.
        poison_protection: Whether an instance that seems to bring the program down is run alone, and at last set aside.
    """

    store: str = "sqlite:///bizproc.db"
    processes: tuple[str, ...] = ()
    recipes: Mapping[str, Mapping[str, Any]] = field(default=NO_RECIPES, hash=False)
    time_zone: str = "UTC"
    currency: str = "EUR"
    language: str = "en"
    country: str = ""
    keep_in_memory: int = 1000
    retention_days: int = 90
    poison_protection: bool = True
    web: WebSettings = WebSettings()
    mail: MailSettings = MailSettings()
    sms: SmsSettings = SmsSettings()
    ads: AdsSettings = AdsSettings()
    payments: PaymentSettings = PaymentSettings()
    documents: DocumentSettings = DocumentSettings()

    @property
    def zone(self) -> ZoneInfo:
        """The portal's zone."""
        return ZoneInfo(self.time_zone)


def read(folder: Path, environment: Mapping[str, str]) -> Settings:
    """
    The settings of a project: its `bizproc.toml`, and where that is silent `BIZPROC_STORE` and the like.

    Secrets come from the environment alone.

    Raises:
        SettingsError: A setting is unknown or wrong; says which, and where.
    """
    settings = Settings()
    for name, known in fields_dict(Settings).items():
        if has(type(known.default)):
            inner = _from_environment(known.default, f"{PREFIX}{name.upper()}_", environment)
            settings = evolve(settings, **{name: inner})
    settings = _from_environment(settings, PREFIX, environment)
    path = folder / FILE
    merged: Settings = _merged(settings, _parsed(path), FILE, "") if path.exists() else settings
    return merged


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(where=FILE, detail=f"it cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(where=FILE, detail=f"it is not TOML: {error}.") from None


def _from_environment(part: Any, prefix: str, environment: Mapping[str, str]) -> Any:
    for name, known in fields_dict(type(part)).items():
        variable = prefix + name.upper()
        if variable in environment and not has(type(known.default)) and known.default is not NO_RECIPES:
            value = _from_text(known.default, environment[variable], variable)
            part = evolve(part, **{name: _checked(_full(prefix, name), known.default, value, variable)})
    return part


def _full(prefix: str, name: str) -> str:
    """What a setting is called in the file, section and all."""
    section = prefix.removeprefix(PREFIX).lower().rstrip("_")
    return f"{section}.{name}" if section else name


def _from_text(default: Any, text: str, variable: str) -> Any:
    kind = type(default)
    if kind is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind is bool and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind is int:
        try:
            return int(text)
        except ValueError:
            raise SettingsError(where=variable, detail=f"expected a whole number, got {text!r}.") from None
    return text


def _merged(part: Any, given: Mapping[str, Any], where: str, section: str) -> Any:
    known = fields_dict(type(part))
    for name, value in given.items():
        full = f"{section}.{name}" if section else name
        if name not in known:
            near = nearest(name, known)
            hint = f" Did you mean {near!r}?" if near else ""
            detail = f"there is no setting {full!r}. Known: {', '.join(known)}.{hint}"
            raise SettingsError(where=where, detail=detail)
        default = known[name].default
        if known[name].metadata.get("secret"):
            variable = f"{PREFIX}{full.replace('.', '_').upper()}"
            detail = f"{full} is a secret: it does not belong into a file. Set the variable {variable}."
            raise SettingsError(where=where, detail=detail)
        if has(type(default)):
            if not isinstance(value, dict):
                raise SettingsError(where=where, detail=f"{full}: expected a table [{full}], got {value!r}.")
            new = _merged(getattr(part, name), value, where, full)
        else:
            new = _checked(full, default, value, where)
        part = evolve(part, **{name: new})
    return part


def _recipes(value: Any, where: str) -> Mapping[str, Mapping[str, Any]]:
    if not isinstance(value, dict):
        raise SettingsError(where=where, detail=f"recipes: expected tables [recipes.NAME], got {value!r}.")
    for name, section in value.items():
        if not isinstance(section, dict) or not isinstance(section.get("recipe"), str):
            detail = (
                f"recipes.{name}: expected a table [recipes.{name}] that says which recipe it uses, as "
                f'recipe = "sales.stale_deal"; got {section!r}.'
            )
            raise SettingsError(where=where, detail=detail)
    return value


def _checked(name: str, default: Any, value: Any, where: str) -> Any:
    if default is NO_RECIPES:
        return _recipes(value, where)
    if isinstance(default, tuple):
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise SettingsError(where=where, detail=f"{name}: expected a list of texts, got {value!r}.")
        return tuple(value)
    if type(value) is not type(default):
        raise SettingsError(where=where, detail=f"{name}: expected {_word(default)}, got {value!r}.")
    check = _CHECKS.get(name)
    if check is not None:
        check(name, value, where)
    return value


def _check_zone(_name: str, value: str, where: str) -> None:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingsError(
            where=where, detail=f"time_zone: there is no time zone {value!r}; write one like 'Europe/Paris'."
        ) from None


def _one_of(*words: str) -> Callable[[str, str, str], None]:
    def check(name: str, value: str, where: str) -> None:
        if value not in words:
            raise SettingsError(where=where, detail=f"{name}: expected one of {', '.join(words)}, got {value!r}.")

    return check


def _check_not_negative(name: str, value: int, where: str) -> None:
    if value < 0:
        raise SettingsError(where=where, detail=f"{name}: expected 0 or more, got {value}.")


def _check_country(_name: str, value: str, where: str) -> None:
    if value and not (len(value) == 2 and value.isascii() and value.isupper()):
        raise SettingsError(where=where, detail=f"country: expected two capital letters like FR, got {value!r}.")


def _check_currency(_name: str, value: str, where: str) -> None:
    if not is_currency(value):
        raise SettingsError(where=where, detail=f"currency: expected {CURRENCY_WANTED}, got {value!r}.")


def _check_positive(name: str, value: int, where: str) -> None:
    if value < 1:
        raise SettingsError(where=where, detail=f"{name}: expected 1 or more, got {value}.")


def _check_port(name: str, value: int, where: str) -> None:
    least = 0 if name == "web.port" else 1  # 0 serves no pages
    if not least <= value <= LARGEST_PORT:
        raise SettingsError(where=where, detail=f"{name}: expected a port, {least} to {LARGEST_PORT}, got {value}.")


_CHECKS: Final[dict[str, Callable[[str, Any, str], None]]] = {
    "time_zone": _check_zone,
    "language": _one_of(*LANGUAGES),
    "country": _check_country,
    "currency": _check_currency,
    "keep_in_memory": _check_not_negative,
    "ads.google_consent": _one_of("granted", "denied", "unspecified"),
    "mail.largest": _check_not_negative,
    "mail.port": _check_port,
    "mail.timeout": _check_positive,
    "retention_days": _check_not_negative,
    "mail.security": _one_of("starttls", "tls", "none"),
    "payments.provider": _one_of("page", "stripe"),
    "web.port": _check_port,
}


def _word(default: Any) -> str:
    if isinstance(default, bool):
        return "true or false"
    return "a whole number" if isinstance(default, int) else "a text"
