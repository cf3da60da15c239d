"""
The ways from one kind of item to others, read off the model. No item and no store is looked at.

    link        a field that holds one id: `company_id` is the link `company`, `responsible_id` is `responsible`;
                one that is not called `…_id` has its own name: `created_by`
    relation    to several: what a field lists (`contact_ids`: `contacts`), what belongs to an item (`products`,
                `activities`, `comments`), or what points at it from elsewhere (a company's `deals`)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Literal

import attrs
from attrs import frozen

from bizproc.model.fields import Field, fields_of
from bizproc.model.kinds import BELONGINGS, NOUNS

Way = Literal["listed", "owned", "bound", "pointing"]

_OWN_NAMES: Final = {"product_row": "products"}


@frozen
class Relation:
    """
    From an item to several.

    Attributes:
        name: As filters call it.
        kind: Of what it leads to.
        way: `listed` in a field, `owned` (`owner_kind`, `owner_id`), `bound` (`bindings`), `pointing` at it.
        field: The field that lists them; None for other ways.
    """

    name: str
    kind: str
    way: Way
    field: str | None = None


def class_named(kind: str) -> Any:
    """The class of a kind, of whatever sort; None if there is none."""
    return NOUNS.get(kind) or BELONGINGS.get(kind)


def readable(cls: Any) -> Mapping[str, Field]:
    """The fields of a class, and the names under which the first of a list is read (`contact_id`)."""
    return with_primaries(cls, fields_of(cls))


def with_primaries(cls: Any, fields: Mapping[str, Field]) -> Mapping[str, Field]:
    """Fields, and the names under which the first of a list is read."""
    primaries = getattr(cls, "primaries", {})
    if not primaries:
        return fields
    firsts = {
        name: attrs.evolve(fields[many], name=name, multiple=False, optional=True, default=None)
        for name, many in primaries.items()
        if many in fields
    }
    return MappingProxyType({**fields, **firsts})


def link_in(fields: Mapping[str, Field], name: str) -> Field | None:
    """The field of a link."""
    for each in (f"{name}_id", name):
        found = fields.get(each)
        if found is not None and found.refers is not None and not found.multiple:
            return found
    return None


@cache
def hop(cls: Any, name: str) -> Field | None:
    """The field of a link of a class."""
    return link_in(readable(cls), name)


def link_name(field: Field) -> str | None:
    """What the link of a field is called; None if it is none."""
    if field.refers is None or field.multiple:
        return None
    return field.name.removesuffix("_id")


def relations_in(kind: str, fields: Mapping[str, Field]) -> Mapping[str, Relation]:
    """The relations of a kind of item, by name. A field of the same name goes before."""
    found: dict[str, Relation] = {}
    for field in fields.values():
        if field.multiple and field.refers is not None:
            name = plural(field.name.removesuffix("_ids"))
            found[name] = Relation(name, field.refers, "listed", field.name)
    for each, owned in BELONGINGS.items() if "custom" in fields else ():  # only items have what belongs to them
        own = fields_of(owned)
        name = _OWN_NAMES.get(each, plural(each))
        if "bindings" in own:
            found.setdefault(name, Relation(name, each, "bound"))
        elif {"owner_kind", "owner_id"} <= own.keys():
            found.setdefault(name, Relation(name, each, "owned"))
    for each, cls in NOUNS.items():
        if points_at(fields_of(cls), kind):
            found.setdefault(plural(each), Relation(plural(each), each, "pointing"))
    return {name: relation for name, relation in found.items() if name not in fields}


@cache
def relations_of(kind: str) -> Mapping[str, Relation]:
    """The relations of a kind of the model."""
    cls = class_named(kind)
    return {} if cls is None or kind in BELONGINGS else relations_in(kind, fields_of(cls))


def points_at(fields: Mapping[str, Field], kind: str) -> list[Field]:
    """
    The fields by which items point at another one that they belong to.

    Lists go before single fields, as where the items of a contact are looked for; who followed or wrote it does not
    count.
    """
    pointing = [each for each in fields.values() if each.refers == kind and not each.derived]
    if kind == "user":
        return [each for each in pointing if not each.multiple]
    return [each for each in pointing if each.multiple] or pointing


def plural(word: str) -> str:
    """`contact` is `contacts`, `company` is `companies`."""
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "ch", "sh")) else f"{word}s"
