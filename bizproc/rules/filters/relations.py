"""
The ways from one kind of item to others, read off the model. No item and no store is looked at.

    link        a field that holds one id: `company_id` is the link `company`, `responsible_id` is `responsible`;
                one that is not called `…_id` has its own name: `created_by`
    relation    to several: what a field lists (`contact_ids`: `contacts`), what belongs to an item (`products`,
                `activities`), or what points at it from elsewhere (a company's `deals`)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Literal

import attrs
from attrs import frozen

from bizproc.model.fields import REFERENCE, Field, fields_of
from bizproc.model.items import Item
from bizproc.model.kinds import BELONGINGS, NOUNS
from bizproc.model.smart_items import SmartItem, is_type_code

Way = Literal["listed", "owned", "bound", "pointing"]

_OWN_NAMES: Final = {"product_row": "products", "details": "client_details"}
"""What filters call several of a kind, where its plural would say something else."""

_OF_ORDERS: Final = ("product_row", "payment")
_OF_ORDERS_ALONE: Final = ("payment",)


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
    """The class of a kind, of whatever sort; of what is no other's name, `SmartItem`. None if it is no name."""
    return NOUNS.get(kind) or BELONGINGS.get(kind) or (SmartItem if is_type_code(kind) else None)


def readable(cls: Any) -> Mapping[str, Field]:
    """The fields of a class, and further names under which they are read (`contact_id`, a lead's `status`)."""
    return with_other_names(cls, fields_of(cls))


def with_other_names(cls: Any, fields: Mapping[str, Field]) -> Mapping[str, Field]:
    """Fields, the names under which the first of a list is read, and other names of fields."""
    primaries, aliases = getattr(cls, "primaries", {}), getattr(cls, "aliases", {})
    firsts = {
        name: attrs.evolve(fields[many], name=name, multiple=False, optional=True, default=None)
        for name, many in primaries.items()
        if many in fields
    }
    others = {name: attrs.evolve(fields[one], name=name) for name, one in aliases.items() if one in fields}
    return MappingProxyType({**fields, **firsts, **others}) if firsts or others else fields


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
    for each in _owned_by(kind, fields):
        own = fields_of(BELONGINGS[each])
        name = several(each)
        if "bindings" in own:
            found.setdefault(name, Relation(name, each, "bound"))
        elif {"owner_kind", "owner_id"} <= own.keys():
            found.setdefault(name, Relation(name, each, "owned"))
    for each, cls in NOUNS.items():
        if points_at(fields_of(cls), kind):
            found.setdefault(several(each), Relation(several(each), each, "pointing"))
    return {name: relation for name, relation in found.items() if name not in fields}


def _owned_by(kind: str, fields: Mapping[str, Field]) -> Iterable[str]:
    """What can belong to such a thing: of items anything but what orders have."""
    if kind == "order":
        return _OF_ORDERS
    return [each for each in BELONGINGS if each not in _OF_ORDERS_ALONE] if "custom" in fields else ()


@cache
def relations_of(kind: str) -> Mapping[str, Relation]:
    """The relations of a kind of the model."""
    cls = class_named(kind)
    return {} if cls is None else relations_in(kind, fields_of(cls))


def points_at(fields: Mapping[str, Field], kind: str) -> list[Field]:
    """
    The fields by which items point at another one that they belong to.

    One of them suffices. Of users, who followed or wrote it does not count. Any item can be a parent.
    """
    pointing = [each for each in fields.values() if each.refers == kind and not each.derived]
    if kind == "user":
        return [each for each in pointing if not each.multiple]
    return [*pointing, *(each for each in fields.values() if each.type is REFERENCE and _is_item(kind))]


def _is_item(kind: str) -> bool:
    cls = class_named(kind)
    return cls is not None and issubclass(cls, Item)


def several(kind: str) -> str:
    """What filters call several of a kind."""
    return _OWN_NAMES.get(kind, plural(kind))


def plural(word: str) -> str:
    """`contact` is `contacts`, `company` is `companies`, `bank_details` are themselves."""
    if word.endswith("s"):
        return word
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("x", "ch", "sh")) else f"{word}s"
