"""`new`: a package with one recipe, a story test and a crash test, which installs and passes at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from bizproc import __version__
from bizproc.cli.mistakes import Mistake

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


def make(folder: Path) -> list[Path]:
    """
    Write the package `folder.name` into `folder`.

    Raises:
        Mistake: the name cannot be a package's, or the folder holds something.
    """
    name = folder.name.replace("-", "_")
    if not _NAME.fullmatch(name):
        raise Mistake(f"{folder.name!r} cannot name a package: write small letters and digits, as `recipes/tea`.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Mistake(f"{folder} is there already, and not empty.")
    written = []
    for place, text in _FILES.items():
        path = folder / place.replace("NAME", name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("@NAME@", name).replace("@VERSION@", __version__), "utf-8")
        except OSError as error:
            raise Mistake(f"{path} cannot be written: {error.strerror}.") from None
        written.append(path)
    return written


_PROJECT: Final = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "bizproc-recipes-@NAME@"
version = "1.0"
description = "Recipes for bizproc."
requires-python = ">=3.11"
dependencies = ["bizproc>=@VERSION@"]

# The name before the sign is the one in @recipe; projects use the recipe by it.
[project.entry-points."bizproc.recipes"]
"@NAME@.reminder" = "bizproc_@NAME@.reminder:reminder"

[tool.hatch.build]
dev-mode-dirs = ["."]

[tool.hatch.build.targets.wheel]
packages = ["bizproc_@NAME@"]
"""

_RECIPE: Final = '''\
"""A deal that stays where it is is brought to mind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bizproc import Filter, Process, crm, on, process, recipe, wait
from bizproc.errors import WrongArgument
from bizproc.model import Deal


@recipe("@NAME@.reminder", since="1.0", needs=("stage.deal.{stage}",))
def reminder(
    *,
    stage: str = "NEW",
    after: timedelta = timedelta(days=3),
    subject: str = "Call back",
    only: Filter | None = None,
) -> Process[..., Any]:
    """
    Remind somebody of deals that stay in a stage.

    When a deal is still in the stage after a while, whoever is responsible for it gets an activity.

    Args:
        stage: The stage that is looked at.
        after: How long a deal may stay there; more than nothing.
        subject: What is to be done then.
        only: Which deals, as they are when they enter the stage; all if left out.
    """
    if after <= timedelta(0):
        raise WrongArgument(process="@NAME@.reminder", parameter="after", expected="more than nothing", got=str(after))
    if not subject.strip():
        raise WrongArgument(process="@NAME@.reminder", parameter="subject", expected="a text", got=repr(subject))

    @process("@NAME@.reminder", starts=on.stage("deal", stage, while_in_stage=True, where=only))
    async def remind(deal: Deal) -> None:
        """A deal that stays in its stage is brought to mind."""
        await wait.sleep(after)
        await crm.deal.add_activity(subject, important=True)

    return remind
'''

_TESTS: Final = '''\
"""They ship with the package: `bizproc recipes test` runs them in the projects that use it."""

from __future__ import annotations

from bizproc import F, crm, use
from bizproc.model import Activity, ref_of
from bizproc.testing import World, assert_recipe, crash_at_every_await
from bizproc_@NAME@.reminder import reminder


def test_the_recipe_keeps_its_contract() -> None:
    assert_recipe(reminder)


async def story(world: World) -> list[str]:
    world.use(use(reminder, name="early", subject="Call back"), use(reminder, name="late", subject="Give up"))
    stays = await world.deal(title="Tea")
    moves = await world.deal(title="Coffee")
    await world.run_until_idle()
    await world.perform(crm.deal(moves).change_stage("PREPARATION"))
    await world.advance(days=4)
    found = [*await world.find(Activity, of=stays), *await world.find(Activity, of=moves)]
    return sorted(each.subject for each in found)


async def test_a_deal_that_stays_is_brought_to_mind_once_by_each_use(world: World) -> None:
    assert await story(world) == ["Call back", "Give up"]


async def test_only_deals_that_fit_the_filter_are_looked_at(world: World) -> None:
    world.use(use(reminder, name="tea", only=F.title == "Tea"))
    tea = await world.deal(title="Tea")
    await world.deal(title="Coffee")
    assert [each.document for each in await world.instances()] == [ref_of(tea)]


async def test_no_crash_changes_that() -> None:
    await crash_at_every_await(story)
'''

_README: Final = """\
# Recipes: @NAME@

```toml
[recipes.forgotten_deals]
recipe = "@NAME@.reminder"
stage = "NEW"
after = "3 days"
```

    pip install --editable . 'bizproc[test]'
    python -m pytest
    bizproc recipes show @NAME@.reminder
"""

_FILES: Final = {
    "pyproject.toml": _PROJECT,
    "README.md": _README,
    "bizproc_NAME/__init__.py": '"""Recipes for bizproc."""\n',
    "bizproc_NAME/py.typed": "",
    "bizproc_NAME/reminder.py": _RECIPE,
    "bizproc_NAME/tests/__init__.py": "",
    "bizproc_NAME/tests/test_reminder.py": _TESTS,
}
