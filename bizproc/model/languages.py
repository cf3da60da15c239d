"""
What a language has: how it writes numbers, amounts, days and moments, and the words that some values are.

The former is Babel's to know, which is only loaded when something is written; the words are few and ours.
"""

from __future__ import annotations

import copy
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from functools import cache
from typing import Any, Final

from bizproc.model.money import digits_of

_LABELS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "WORK": "Work",
        "MOBILE": "Mobile",
        "FAX": "Fax",
        "HOME": "Home",
        "PAGER": "Pager",
        "MAILING": "Newsletters",
        "OTHER": "Other",
        "OPENLINE": "Open channel",
        "IMOL": "Live chat",
    },
    "fr": {
        "WORK": "Travail",
        "MOBILE": "Mobile",
        "FAX": "Fax",
        "HOME": "Domicile",
        "PAGER": "Bipeur",
        "MAILING": "Newsletters",
        "OTHER": "Autre",
        "OPENLINE": "Canal ouvert",
        "IMOL": "Chat en ligne",
    },
}
# Called the same in every language.
_BRANDS: Final = {
    "FACEBOOK": "Facebook",
    "TELEGRAM": "Telegram",
    "VK": "VK",
    "LIVEJOURNAL": "LiveJournal",
    "TWITTER": "Twitter",
    "SKYPE": "Skype",
    "VIBER": "Viber",
    "INSTAGRAM": "Instagram",
    "BITRIX24": "Bitrix24",
    "ICQ": "ICQ",
    "MSN": "MSN",
    "JABBER": "Jabber",
}
_YES_NO: Final = {"en": ("Yes", "No"), "fr": ("Oui", "Non")}
_SEMANTICS: Final = {
    "en": {"process": "In progress", "success": "Success", "failure": "Failure", "apology": "Analysis of failure"},
    "fr": {"process": "En cours", "success": "Succès", "failure": "Échec", "apology": "Analyse de l'échec"},
}

LANGUAGES: Final = tuple(_YES_NO)
"""The languages that a portal can have."""

# Not the thread's context, which may be narrower than the widest number, and rounds otherwise.
_CONTEXT: Final = Context(prec=80, rounding=ROUND_HALF_UP)
_MOST_PLACES: Final = 40


# -- words -------------------------------------------------------------------------------------------------------------


def label(language: str, type: str) -> str:
    """What a type of phone, address or the like is called."""
    return _BRANDS.get(type) or _LABELS[language].get(type, type)


def yes_or_no(language: str, *, value: bool) -> str:
    """A truth, as an answer."""
    return _YES_NO[language][0 if value else 1]


def semantics(language: str, code: str) -> str:
    """What a kind of stage is called; nothing where there is none such."""
    return _SEMANTICS[language].get(code, "")


# -- numbers -----------------------------------------------------------------------------------------------------------


def number(language: str, value: Decimal) -> str:
    """A number with all of its digits, and no more."""
    return _applied(_locale(language).decimal_formats[None], language, value, 0)


def amount(language: str, value: Decimal, currency: str, *, symbol: bool = True) -> str:
    """
    An amount of money: with the digits of its currency, and more where it has more.

    Without a currency, or with `symbol` False, it stands alone.
    """
    locale, places = _locale(language), digits_of(currency)
    if symbol and currency:
        return _applied(locale.currency_formats["standard"], language, value, places, currency)
    return _applied(locale.decimal_formats[None], language, value, places)


def currency_name(language: str, code: str) -> str:
    """What a currency is called; its code, where it has no name."""
    return str(_locale(language).currencies.get(code, code))


def country_name(language: str, code: str) -> str:
    """What a country is called; its code, where it has no name."""
    return str(_locale(language).territories.get(code.upper(), code))


def _applied(pattern: Any, language: str, value: Decimal, places: int, currency: str | None = None) -> str:
    pattern = copy.copy(pattern)
    pattern.frac_prec = (places, _MOST_PLACES)  # and no noughts behind the first so many
    with localcontext(_CONTEXT):
        text = pattern.apply(abs(value) if value == 0 else value, _locale(language), currency, currency_digits=False)
    # The narrow space, too: Unicode's data change from the one to the other and back, and what a process wrote must be
    # the same when it is replayed on newer ones.
    return str(text).replace("\u202f", "\u00a0")


# -- days and moments --------------------------------------------------------------------------------------------------


def day(language: str, value: date) -> str:
    """A day, in digits, with all those of the year: two of them would leave open what was meant."""
    from babel.dates import format_skeleton

    return _plain_spaces(format_skeleton("yMd", value, locale=_locale(language)))


def time_of_day(language: str, value: time) -> str:
    """A time of day, to the minute."""
    from babel.dates import format_time

    return _plain_spaces(format_time(value, "short", locale=_locale(language)))


def moment(language: str, local: datetime) -> str:
    """A moment, as the clock on the wall shows it."""
    from babel.dates import get_datetime_format

    pattern = str(get_datetime_format("short", locale=_locale(language)))
    return _plain_spaces(pattern.format(time_of_day(language, local.time()), day(language, local.date())))


def _plain_spaces(text: str) -> str:
    return text.replace("\u202f", " ").replace("\u00a0", " ")


@cache
def _locale(language: str) -> Any:
    from babel import Locale

    return Locale(language)
