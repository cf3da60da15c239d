"""
What a recipe needs of the project that uses it: the words of `needs=`.

They are read here, and looked for nowhere: whoever knows store, settings and environment says whether a need is met.

    user.absences              absences are kept in the store; so working_hours, phones, manager
    provider.sms               messages can be sent; so mail, ads, ads.meta, ads.google, payments, documents
    field.deal.size            the kind of item has this field, one of its own or a custom one
    stage.deal.NEW             one of the kind's pipelines has this stage; so pipeline.deal.GENERAL
    department.sales           there is such a department; so group, template, by their code
    secret.ACME_TOKEN          the environment has this variable; secret.{setting}: that which a setting names
    bizproc>=1.2               this version of bizproc or a later one

A name in braces is the value of a setting: `stage.deal.{stage}`. A list stands for each of its items.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias, get_args

from attrs import frozen

Kind: TypeAlias = Literal[
    "user", "provider", "field", "stage", "pipeline", "department", "group", "template", "secret", "version"
]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
OF_USERS: Final = ("absences", "working_hours", "phones", "manager")
PROVIDERS: Final = ("mail", "sms", "ads", "ads.meta", "ads.google", "payments", "documents")

_OF_ITEMS: Final = ("field", "stage", "pipeline")
_NAME: Final = re.compile(r"[A-Za-z_{}][\w:{}-]*")
_WIDE_NAME: Final = re.compile(r"[\w{}][\w:{}. -]*")
_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]*|\{[A-Za-z_]\w*\}")
_VERSION: Final = re.compile(r"bizproc\s*>=\s*(\d+(?:\.\d+){0,3})")
_SETTING: Final = re.compile(r"\{([A-Za-z_]\w*)\}")


@frozen
class Need:
    """
    One thing that a recipe needs.

    Attributes:
        text: As it was written.
        of: The kind of item it is about, or "".
        name: Which one, in braces where a setting says it.
    """

    text: str
    kind: Kind
    name: str
    of: str = ""

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings whose values it is filled in with."""
        return tuple(_SETTING.findall(self.text))

    def __str__(self) -> str:
        return self.text


def parse_need(text: str) -> Need:
    """
    What a word of `needs=` means.

    Raises:
        ValueError: It means nothing; says what was expected.
    """
    version = _VERSION.fullmatch(text)
    if version is not None:
        return Need(text, "version", version[1])
    kind, dot, rest = text.partition(".")
    known = next((each for each in KINDS if each == kind), None)
    if known is None or known == "version" or not dot:
        raise ValueError(f"one of {', '.join(f'{each}.…' for each in KINDS if each != 'version')}, or bizproc>=1.2")
    if known in _OF_ITEMS:
        of, _, name = rest.partition(".")
        if not _NAME.fullmatch(of) or not _WIDE_NAME.fullmatch(name):
            raise ValueError(f"{kind}.KIND.NAME, as {kind}.deal.NEW")
        return Need(text, known, name, of)
    _check_name(known, rest)
    return Need(text, known, rest)


def _check_name(kind: Kind, name: str) -> None:
    among = {"user": OF_USERS, "provider": PROVIDERS}.get(kind)
    if among is not None and name not in among:
        raise ValueError(f"one of {', '.join(f'{kind}.{each}' for each in among)}")
    if kind == "secret" and not _SETTING.search(name) and not _VARIABLE.fullmatch(name):
        raise ValueError("secret.NAME, a variable of the environment, as secret.ACME_TOKEN")
    if not _WIDE_NAME.fullmatch(name):
        raise ValueError(f"{kind}.CODE")


def filled_in(need: Need, settings: dict[str, object]) -> list[Need]:
    """The need with the values of settings; of one that has no value, nothing is needed."""
    texts = [need.text]
    for name in need.settings:
        value = settings.get(name)
        values = list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]
        texts = [text.replace(f"{{{name}}}", str(each)) for text in texts for each in values if each not in (None, "")]
    return [Need(text, need.kind, *_parts(text, need)) for text in texts]


def _parts(text: str, need: Need) -> tuple[str, str]:
    rest = text.partition(".")[2]
    if not need.of:
        return (need.name if need.kind == "version" else rest), ""
    of, _, name = rest.partition(".")
    return name, of
