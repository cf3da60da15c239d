"""Whatever a store holds: an export, imported into a new store, gives the same items, and the same bytes again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bizproc import crm
from bizproc.adapters.sql_crm.bulk_nouns import LINK
from bizproc.adapters.sql_crm.shapes import SHAPES
from bizproc.model.fields import Field
from bizproc.model.multi_fields import MULTI_FIELD_TYPES, MultiField
from bizproc.model.pipelines import DEFAULT_STAGES
from bizproc.model.texts import composed
from bizproc.runtime import Runtime
from bizproc.store.transaction import Transaction
from tests.unit.test_export import content, held

# Composed, as all that is in a store: these are put there without being asked.
some = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12).map(composed)
texts = some | st.sampled_from(
    ["", " ", ",", '"', "\r\n", "\n", "\r", "'", "=1+1", "null", "[]", "{}", "-", "Y", "\ufeff", "a\tb", "NULL", "?"]
)
currencies = st.sampled_from(["EUR", "JPY", "BHD", "CLF"])
moments = st.datetimes(timezones=st.just(UTC))
numbers = st.decimals(-(10**9), 10**9, places=4, allow_nan=False) | st.integers(-100, 100).map(Decimal)
PLAIN: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "text": texts,
    "integer": st.integers(-(2**62), 2**62) | st.integers(0, 100),
    "truth": st.booleans(),
    "number": numbers,
    "money": st.integers(0, 10**6).map(Decimal),
    "day": st.dates(),
    "moment": moments,
}
KINDS: Final = ("user", "company", "contact", "product", "deal")

NUMBERS: Final = 3
"""How many items of each kind refer to each other."""


def values_of(field: Field) -> st.SearchStrategy[Any]:
    """What a field may hold: its own check says."""
    if field.refers in KINDS:
        plain: st.SearchStrategy[Any] = st.integers(1, NUMBERS)
    elif field.type.name == "multi_field":
        kinds = st.sampled_from(MULTI_FIELD_TYPES[field.name])
        plain = st.builds(MultiField, texts.filter(str.strip), kinds)
    elif field.name in ("currency", "time_zone"):
        plain = currencies if field.name == "currency" else st.sampled_from(["UTC", "Asia/Tokyo"])
    elif field.name in ("tax_rate", "probability"):
        plain = st.integers(0, 100).map(Decimal if field.name == "tax_rate" else int)
    else:
        plain = PLAIN[field.type.name]
    if field.multiple:
        return st.lists(plain, max_size=3).map(lambda values: tuple(dict.fromkeys(values)))
    return st.none() | plain if field.optional else plain


@st.composite
def nouns(draw: st.DrawFn, kind: str, id_: int) -> dict[str, Any]:
    """One noun, as its row may stand in the store."""
    shape = SHAPES[kind]
    values = dict(shape.defaults) | {"id": id_}
    left_out = ("id", "custom", "stage", "pipeline")
    fields = [
        field
        for name, field in shape.fields.items()
        if name not in left_out and field.refers in (None, *KINDS) and field.type.name in (*PLAIN, "multi_field")
    ]
    for field in draw(st.lists(st.sampled_from(fields), unique_by=lambda field: field.name, max_size=len(fields))):
        if not field.derived or field.name in ("created_at", "created_by", "updated_at", "moved_at"):
            values[field.name] = draw(values_of(field))
    if shape.is_staged:
        stage = draw(st.sampled_from(DEFAULT_STAGES[kind]))
        final = stage.semantics != "process"
        values |= {"stage": stage.code, "semantics": stage.semantics, "closed": final}
        values["manual_amount"] = values["amount"] > 0
    if shape.is_item:
        values["custom"] = draw(customs)
        # Items that were all made in one moment, as by an import, come out without their stamps.
        values["last_activity_at"] = datetime(2000, 1, id_, tzinfo=UTC)
    return values


customs = st.fixed_dictionaries(
    {},
    optional={
        "delivery_city": texts.filter(bool),
        "score": numbers,
        "due": st.lists(st.dates(), min_size=1, max_size=2, unique=True).map(tuple),
    },
)
stores = st.fixed_dictionaries(
    {kind: st.tuples(*(nouns(kind, id_) for id_ in range(1, NUMBERS + 1))) for kind in KINDS}
)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "deal": st.integers(1, NUMBERS),
            "product": st.integers(1, NUMBERS),
            "price": st.none() | st.decimals(-1000, 1000, places=3, allow_nan=False),
            "quantity": st.decimals("0.001", 100, places=3, allow_nan=False),
            "discount": st.integers(0, 100),
        }
    ),
    max_size=4,
)


def fill(store: Mapping[str, tuple[dict[str, Any], ...]], tx: Transaction) -> None:
    for kind in KINDS:
        for code, type_, multiple in (("delivery_city", "text", 0), ("score", "number", 0), ("due", "day", 1)):
            if SHAPES[kind].is_item:
                define = "INSERT INTO custom_field VALUES (?, ?, ?, ?, ?, '[]')"
                label = "Delivery city" if code == "delivery_city" else code
                tx.execute(define, (kind, code, type_, label, multiple))
        for values in store[kind]:
            tx.execute(SHAPES[kind].insert, SHAPES[kind].row(values))
            for field in SHAPES[kind].listed:
                for each in values[field.name]:
                    tx.execute(LINK, (field.refers, each, kind, values["id"]))


async def round_trip(folder: Path, store: Any, products: list[dict[str, Any]], names: tuple[str, ...]) -> None:
    async with Runtime.open_asleep(f"sqlite:///{folder / 'a.db'}") as runtime:
        await runtime.engine.write(lambda tx: fill(store, tx))
        for row in products:
            given = {"price": row["price"], "quantity": row["quantity"], "discount_percent": row["discount"]}
            await runtime.perform(crm.deal(row["deal"]).add_product(row["product"], **given))
        for id_, name in enumerate(names, start=1):
            await runtime.engine.write(
                lambda tx, name=name, id_=id_: tx.execute("UPDATE stage SET name = ? WHERE id = ?", (name, id_))  # type: ignore[misc]
            )
        await runtime.export_folder(folder / "first")
        before = await held(runtime)
    async with Runtime.open_asleep(f"sqlite:///{folder / 'b.db'}") as runtime:
        await runtime.import_folder(folder / "first")
        await runtime.export_folder(folder / "second")
        after = await held(runtime)
    files = differing(content(folder / "first"), content(folder / "second"))
    assert not files, files
    for kind, items in before.items():
        lost = differing(items, after[kind])
        assert not lost, (kind, lost)


def differing(first: Any, second: Any) -> list[Any]:
    """What differs, and not all that is the same."""
    if isinstance(first, dict):
        assert first.keys() == second.keys()
        return [(name, first[name], second[name]) for name in first if first[name] != second[name]]
    assert len(first) == len(second)
    return [
        [(name, getattr(one, name), getattr(other, name)) for name in SHAPES[one.item_type].names
         if getattr(one, name) != getattr(other, name)] if hasattr(one, "item_type") else (one, other)
        for one, other in zip(first, second, strict=True)
        if one != other
    ]  # fmt: skip


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(stores, rows, st.sampled_from([(), ("Neu",), ("", "x", "y")]))
def test_an_export_imported_and_exported_again_is_the_same(
    store: Any, products: list[dict[str, Any]], names: tuple[str, ...]
) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(round_trip(Path(folder), store, products, names))
