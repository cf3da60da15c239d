"""What the pages of docs/how-to say of settings is what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from attrs import fields_dict, has

from bizproc.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
CHANNELS = ROOT / "docs" / "how-to" / "channels.md"
ROW = re.compile(r"^\| `(\w+\.\w+)` \| `(\w+)` \|([^|]*)\|", re.MULTILINE)


def settings() -> dict[str, tuple[str, str]]:
    """Variable and default of each setting of a section, as the page has them."""
    found = {}
    for section, known in fields_dict(Settings).items():
        kind: Any = type(known.default)
        if has(kind):
            for name, field in fields_dict(kind).items():
                default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
                shown = "secret" if field.metadata.get("secret") else f"`{default}`" if default else ""
                found[f"{section}.{name}"] = f"{PREFIX}{section}_{name}".upper(), shown
    return found


def test_the_page_of_channels_has_each_setting_with_its_variable_and_its_default() -> None:
    rows = ROW.findall(CHANNELS.read_text("utf-8"))
    told = {name: (variable, default.strip()) for name, variable, default in rows}
    assert len(rows) == len(told)
    assert told == settings()


def test_it_names_no_setting_or_variable_that_there_is_not() -> None:
    text = CHANNELS.read_text("utf-8")
    variables = {variable for variable, _ in settings().values()} | {
        f"{PREFIX}{name}".upper() for name in fields_dict(Settings)
    }
    assert set(re.findall(rf"{PREFIX}[A-Z_]+", text)) <= variables
    sections = {name.partition(".")[0] for name in settings()}
    named = {name for name in re.findall(r"`(\w+\.\w+)`", text) if name.partition(".")[0] in sections}
    assert named == set(settings())


def test_the_links_of_the_pages_lead_somewhere() -> None:
    others = [ROOT / name / "README.md" for name in ("benchmarks", "tests")]
    others += [path for path in (ROOT / "recipes").rglob("*.md") if ".venv" not in path.parts]
    assert len(others) > 12
    for page in (ROOT / "README.md", *others, *(ROOT / "docs").rglob("*.md")):
        text = page.read_text("utf-8")
        for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", text):
            led = (page.parent / target).resolve() if target else page
            assert led.exists(), f"{page.name}: {target}"
            if anchor and led.suffix == ".md":
                there = led.read_text("utf-8")
                heads = [
                    re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-")
                    for line in re.findall(r"^#+ (.*)$", there, re.MULTILINE)
                ]
                assert anchor in heads or f'id="{anchor}"' in there, f"{page.name}: {target}#{anchor}"


def test_every_page_can_be_reached_from_the_index() -> None:
    reached, waiting = set[Path](), [ROOT / "docs" / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        led = [(page.parent / target).resolve() for target in re.findall(r"\]\(([^)#:]+\.md)", page.read_text("utf-8"))]
        waiting += [each for each in led if page.name in ("index.md", "README.md")]
    pages = {*(ROOT / "docs").rglob("*.md"), *(ROOT / "recipes").glob("*/docs/*.md"), ROOT / "README.md"}
    assert pages - reached == set()
