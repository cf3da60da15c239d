"""What only some nouns have: smart types and their items, leads, clients' details, absences… Each rule once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import asdict

from bizproc.adapters.sql_crm import stages
from bizproc.adapters.sql_crm.reading import Runs, read
from bizproc.adapters.sql_crm.shapes import SHAPES, Shape
from bizproc.core.errors import UnknownItem, WrongFieldValue
from bizproc.model.details import ADDRESS_TYPES, Address
from bizproc.model.exclusions import normal_email, normal_phone
from bizproc.model.fields import shown
from bizproc.model.formats import unfit
from bizproc.model.kinds import BELONGINGS, NOUNS
from bizproc.model.smart_items import FLAGS, SMART_ITEM, SmartItem, SmartType, is_type_code
from bizproc.ports.performing import Performing

Values = dict[str, Any]

_TYPE: Final = SHAPES["smart_type"]


# -- smart types -------------------------------------------------------------------------------------------------------


def smart_type(connection: Runs, code: str) -> SmartType:
    """The smart type of this code. Raises UnknownItem, with all kinds there are."""
    row = None
    if is_type_code(code):  # else it is no name, and perhaps nothing that SQL can be asked for
        row = connection.execute(f"{_TYPE.select} WHERE code = ?", (code,)).fetchone()
    if row is None:
        raise UnknownItem(kind=code, known=", ".join(kinds(connection)))
    found: SmartType = _TYPE.item(row)
    return found


def kinds(connection: Runs) -> list[str]:
    """All kinds of items: those that every CRM has, and its smart types."""
    own = [kind for kind in NOUNS if SHAPES[kind].is_item and kind != SMART_ITEM]
    return [*own, *(code for (code,) in connection.execute("SELECT code FROM smart_type ORDER BY id"))]


def check_kind(connection: Runs, kind: str) -> None:
    """Raises UnknownItem where there is no such kind."""
    if kind not in NOUNS or kind == SMART_ITEM:
        smart_type(connection, kind)


def check_given(connection: Runs, shape: Shape, given: Values) -> None:
    """What is written must be a field that the item's smart type has."""
    if shape.cls is not SmartItem:
        return
    type_ = smart_type(connection, shape.kind)
    for flag, fields in FLAGS.items():
        for name in () if getattr(type_, flag) else fields:
            if given.get(name):
                expected = f"nothing: the type {type_.code} was made without ({flag} is False)"
                raise WrongFieldValue(kind=shape.kind, field=name, expected=expected, got=repr(given[name]))
    for ref in given.get("parents", ()):
        if ref.kind not in type_.parents:
            expected = (
                f"items of the kinds {', '.join(type_.parents) or '(none)'}: the type {type_.code} has these parents"
            )
            raise WrongFieldValue(kind=shape.kind, field="parents", expected=expected, got=str(ref))
    of_a_kind = [ref.kind for ref in given.get("parents", ())]
    if len(set(of_a_kind)) < len(of_a_kind):
        raise WrongFieldValue(
            kind=shape.kind, field="parents", expected="at most one parent of a kind", got=", ".join(of_a_kind)
        )


def _prepare_smart_type(performing: Performing, values: Values, old: Values | None) -> None:
    code = values["code"]
    if old is None and (not is_type_code(code) or code in NOUNS or code in BELONGINGS):
        expected = "a name like `contract`, of small letters, digits and underscores, that no other kind has"
        raise WrongFieldValue(kind="smart_type", field="code", expected=expected, got=repr(code))
    for kind in values["parents"]:
        check_kind(performing.transaction, kind)


# -- what follows from other fields ------------------------------------------------------------------------------------


def prepare(performing: Performing, shape: Shape, values: Values, old: Values | None) -> None:
    """Work out what follows, and refuse what cannot be; `old` is None where the noun is being made."""
    rule = _RULES.get(shape.kind)
    if rule is not None:
        rule(performing, values, old)


def _prepare_lead(performing: Performing, values: Values, old: Values | None) -> None:
    """Whether a client returns: not looked at again where the lead was won, or is won now."""
    if values["semantics"] != "success" and (old is None or old["semantics"] != "success"):
        values["is_return_customer"] = bool(values["company_id"] or values["contact_ids"])
    if values["closed"] != (old is not None and old["closed"]):
        values["closed_at"] = performing.now if values["closed"] else None


_EARLIER: Final = (
    "SELECT 1 FROM deal WHERE company_id = ? "
    "UNION ALL SELECT 1 FROM link WHERE to_kind = 'contact' AND to_id = ? AND kind = 'deal' LIMIT 1"
)


def _prepare_deal(performing: Performing, values: Values, old: Values | None) -> None:
    client = values["company_id"], next(iter(values["contact_ids"]), None)
    if old is None and any(client):
        values["is_return_customer"] = performing.transaction.execute(_EARLIER, client).fetchone() is not None


def _prepare_absence(_performing: Performing, values: Values, _old: Values | None) -> None:
    if values["end"] < values["start"]:
        raise WrongFieldValue(
            kind="absence", field="end", expected=f"a moment not before {values['start']}", got=str(values["end"])
        )


def _prepare_details(performing: Performing, values: Values, _old: Values | None) -> None:
    if (values["company_id"] is None) == (values["contact_id"] is None):
        got = f"company {values['company_id']}, contact {values['contact_id']}"
        raise WrongFieldValue(kind="details", field="company_id", expected="a company or a contact, not both", got=got)
    template = read(performing.transaction, SHAPES["details_template"], values["template_id"])
    _check_codes("details", "fields", values["fields"], template.fields)
    _check_codes("details", "addresses", values["addresses"], tuple(ADDRESS_TYPES) if template.with_address else ())
    _check_values("details", values["fields"])
    for type_, address in values["addresses"].items():
        _check_address(type_, address)


def _prepare_bank_details(performing: Performing, values: Values, _old: Values | None) -> None:
    details = read(performing.transaction, SHAPES["details"], values["details_id"])
    template = read(performing.transaction, SHAPES["details_template"], details.template_id)
    values["country"] = values["country"] or template.country
    _check_codes("bank_details", "fields", values["fields"], template.bank_fields)
    _check_values("bank_details", values["fields"])


def _check_codes(kind: str, name: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for code in given:
        if code not in known:
            expected = f"of the template's: {', '.join(known) or '(none)'}"
            raise WrongFieldValue(kind=kind, field=name, expected=expected, got=repr(code))


def _check_values(kind: str, given: Mapping[str, Any]) -> None:
    for code, value in given.items():
        expected = unfit(value)
        if expected is not None:
            raise WrongFieldValue(kind=kind, field=f"fields.{code}", expected=expected, got=shown(value))


_PARTS: Final = tuple(asdict(Address()))


def _check_address(type_: str, address: Any) -> None:
    if not isinstance(address, Mapping) or not set(address) <= set(_PARTS):
        expected = f"a mapping of {', '.join(_PARTS)}"
        raise WrongFieldValue(kind="details", field=f"addresses.{type_}", expected=expected, got=shown(address))
    for name, value in address.items():
        wanted = unfit(value) if isinstance(value, str) else "a text"
        if wanted is not None:
            field = f"addresses.{type_}.{name}"
            raise WrongFieldValue(kind="details", field=field, expected=wanted, got=shown(value))


def _prepare_exclusion(_performing: Performing, values: Values, _old: Values | None) -> None:
    normal = normal_phone if values["type"] == "PHONE" else normal_email
    values["value"] = normal(values["value"])
    if not values["value"]:
        raise WrongFieldValue(kind="exclusion", field="value", expected="a phone number or an address", got="nothing")


def _prepare_department(performing: Performing, values: Values, _old: Values | None) -> None:
    """No department lies below itself."""
    above, seen = values["parent_id"], {values["id"]} if values["id"] else set()
    while above is not None:
        if above in seen:
            raise WrongFieldValue(
                kind="department", field="parent_id", expected="one that does not lie below it", got=str(above)
            )
        seen.add(above)
        row = performing.transaction.execute("SELECT parent_id FROM department WHERE id = ?", (above,)).fetchone()
        above = row[0] if row else None


_RULES: Final = {
    "smart_type": _prepare_smart_type,
    "lead": _prepare_lead,
    "deal": _prepare_deal,
    "absence": _prepare_absence,
    "details": _prepare_details,
    "bank_details": _prepare_bank_details,
    "exclusion": _prepare_exclusion,
    "department": _prepare_department,
}


# -- what follows from having been made --------------------------------------------------------------------------------


def made(connection: Runs, shape: Shape, values: Values) -> None:
    """A noun has been made: what it brings along, and what it is called where nobody said."""
    match shape.kind:
        case "pipeline":
            stages.add_default_stages(connection, values["kind"], values["id"])
        case "smart_type":
            stages.add_default_stages(connection, values["code"], 0)
        case "quote" | "invoice":
            _call(connection, shape, values, "number", str(values["id"]))
        case _ if shape.cls is SmartItem:
            type_ = smart_type(connection, shape.kind)
            _call(connection, shape, values, "title", f"{type_.title or type_.code} {values['id']}")


def _call(connection: Runs, shape: Shape, values: Values, name: str, text: str) -> None:
    if not values[name]:
        values[name] = text
        connection.execute(shape.update_of((name,)), (*shape.written((name,), values), values["id"]))
