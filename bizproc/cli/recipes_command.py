"""`bizproc recipes`: what is installed, what of it a project uses, and whether it would run."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable
from contextlib import redirect_stdout, suppress
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from bizproc.cli import upgrading
from bizproc.cli.finding import find_processes, importable_here
from bizproc.cli.mistakes import Mistake
from bizproc.cli.output import console, print_json, say, table
from bizproc.cli.setup import Setup, common_options, is_there, setup_of
from bizproc.core.near import hint

if TYPE_CHECKING:
    from bizproc.installed import Installed, Uses
    from bizproc.recipe import Recipe
    from bizproc.runtime import UpgradeReport


@click.group(no_args_is_help=True)
@common_options
def command() -> None:
    r"""
    Recipes: processes that come in packages, and that a project uses with settings of its own.

    \b
    Examples:
      bizproc recipes list
      bizproc recipes show sales.stale_deal
      bizproc recipes check
      bizproc recipes new recipes/tea
    """


def _uses(setup: Setup) -> Uses:
    from bizproc.installed import uses_of

    importable_here()
    return uses_of(setup.settings)


def _found(name: str) -> tuple[Installed, Recipe[...]]:
    """An installed recipe that can be used. Raises Mistake."""
    from bizproc.installed import installed_recipes, instead_of

    importable_here()
    known = installed_recipes()
    wanted = [each for each in known if each.name == name]
    if not wanted:
        raise Mistake(f"there is no recipe {name!r}. {instead_of(name)}")
    if wanted[0].recipe is None:
        raise Mistake(f"{name}: {wanted[0].error} Its traceback: bizproc recipes list --verbose.")
    return wanted[0], wanted[0].recipe


@command.command("list")
@common_options
@click.option("--verbose", is_flag=True, help="With the tracebacks of those that cannot be loaded.")
@click.pass_context
def list_(context: click.Context, *, verbose: bool) -> None:
    r"""
    All recipes that are installed, and as what the project uses them.

    \b
    Examples:
      bizproc recipes list
      bizproc recipes list --verbose
    """
    from bizproc.cli.recipes.showing import as_json
    from bizproc.installed import installed_recipes, instead_of

    setup = setup_of(context)
    importable_here()
    used: dict[str, list[str]] = {}
    for name, section in setup.settings.recipes.items():
        used.setdefault(section["recipe"], []).append(name)
    known = installed_recipes()
    if setup.json:
        traced = [{"traceback": each.traceback or None} if verbose else {} for each in known]
        print_json([as_json(each, used.get(each.name, [])) | more for each, more in zip(known, traced, strict=True)])
        return
    if not known:
        say("No recipes are installed. They come in packages: pip install recipes/sales, say, of bizproc's source.")
    rows = [
        (each.name, f"{each.distribution} {each.version}", ", ".join(used.get(each.name, [])), _summary(each))
        for each in known
    ]
    if rows:
        console().print(table(("recipe", "from", "used as", ""), rows))
    for name, section in setup.settings.recipes.items():
        if ":" in section["recipe"]:
            say(f"[recipes.{name}]: {section['recipe']}, the project's own.")
        elif section["recipe"] not in {each.name for each in known}:
            say(f"[recipes.{name}]: {section['recipe']} is not installed. {instead_of(section['recipe'])}")
    if verbose:
        for each in known:
            if each.traceback:
                say(f"\n{each.name}:\n{each.traceback}")


def _summary(installed: Installed) -> str:
    return installed.recipe.summary if installed.recipe is not None else installed.error


@command.command()
@common_options
@click.argument("name")
@click.pass_context
def show(context: click.Context, name: str) -> None:
    r"""
    One recipe: its settings, its needs, the actions it uses, and a section to begin with.

    \b
    Example:
      bizproc recipes show sales.stale_deal
    """
    from bizproc.cli.recipes.showing import as_json, lines

    setup = setup_of(context)
    installed, recipe = _found(name)
    if setup.json:
        uses = [use for use, section in setup.settings.recipes.items() if section["recipe"] == name]
        print_json(as_json(installed, uses))
        return
    for line in lines(installed, recipe):
        say(line)


@command.command()
@common_options
@click.argument("folder", metavar="DIR/NAME", type=click.Path(path_type=Path))
@click.pass_context
def new(context: click.Context, folder: Path) -> None:
    r"""
    Write a package with a recipe and its tests: it installs, and passes them, at once.

    \b
    Example:
      bizproc recipes new recipes/tea
    """
    from bizproc.cli.recipes.making import make

    setup = setup_of(context)
    written = make(folder)
    if setup.json:
        print_json([str(path) for path in written])
        return
    for path in written:
        say(str(path))
    say(f"Next: pip install --editable {folder} 'bizproc[test]', and python -m pytest {folder}.")


@command.command()
@common_options
@click.option("--record", "keep", is_flag=True, help="If all would run, keep what is used now, for `diff`.")
@click.pass_context
def check(context: click.Context, *, keep: bool) -> int:
    r"""
    What is missing for the recipes that are used, which of them wants it, and what becomes of live instances.

    Fields, stages, users, providers, secrets, versions. Instances that live are replayed, nothing is written: it says
    which would be stuck, and which go on with settings that were others when they began. Exit code 1 if anything is
    missing, or an instance would not go on. What is merely empty, and two uses that start on the same things, are told,
    and no failure.

    \b
    Examples:
      bizproc recipes check
      bizproc recipes check --record
    """
    from bizproc.cli.recipes.needing import missing
    from bizproc.cli.recipes.overlapping import overlapping
    from bizproc.cli.recipes.recording import record, recorded

    setup = setup_of(context)
    uses = _uses(setup)
    kept: list[str] = []
    found = asyncio.run(missing(setup, uses, os.environ))
    lacks = any(each.level == "missing" for each in found)
    twice = list(overlapping(uses.found))
    with suppress(Mistake):  # a record that is damaged is of no use, and in nobody's way
        kept = list(recorded(Path.cwd()))
    live = _live(setup, uses, kept)
    failed = lacks or not (live is None or live.fits)
    if keep and not failed:
        record(Path.cwd(), uses)
    if setup.json:
        told = {"uses": len(uses.found), "missing": [attrs.asdict(each) for each in found]}
        told["overlapping"] = [attrs.asdict(each) for each in twice]
        print_json(told | ({} if live is None else {"upgrade": upgrading.as_json(live)}))
        return 1 if failed else 0
    for (use, recipe, level, detail), several in groupby(
        found, lambda one: (one.use, one.recipe, one.level, one.detail)
    ):
        say(f"{use} ({recipe}): {level}: {', '.join(one.need for one in several)}: {detail}")
    for pair in twice:
        say(str(pair))
    _say_of_instances(live)
    say(f"{_counted(len(uses.found) + len(uses.troubles))}: {'something' if lacks else 'nothing'} is missing.")
    return 1 if failed else 0


def _counted(uses: int) -> str:
    return "1 use of a recipe" if uses == 1 else f"{uses or 'no'} uses of recipes"


def _say_of_instances(live: UpgradeReport | None) -> None:
    """What becomes of them; nothing where there are none."""
    if live is not None and live.instances:
        for line in upgrading.lines(live):
            say(line)


@command.command("test")
@common_options
@click.argument("names", metavar="[USE]...", nargs=-1)
@click.pass_context
def test_(context: click.Context, names: tuple[str, ...]) -> int:
    r"""
    Run the tests that recipes ship, and hold them to their contract with the project's own settings.

    \b
    Examples:
      bizproc recipes test
      bizproc recipes test stale_deals
    """
    from bizproc.cli.recipes.trying import hold_to_contract, lacking, run_shipped
    from bizproc.core.errors import ExtraMissing

    setup = setup_of(context)
    uses = _uses(setup)
    known = {each.name: each for each in uses.found}
    for name in names:
        if name not in known:
            raise Mistake(f"there is no section [recipes.{name}] that can run. {hint(name, known)}")
    chosen = [known[name] for name in names or known]
    if not (chosen or uses.troubles or setup.json):
        say(f"Nothing to test: bizproc.toml uses no recipe. {_to_begin_with()}")
        return 0
    package = lacking()
    if package is not None:
        raise ExtraMissing(what="tests", package=package, extra="test")
    if not setup.json:
        for trouble in uses.troubles:
            say(str(trouble))
    found = []
    for each in chain(run_shipped(chosen, _begins), hold_to_contract(chosen)):
        found.append(each)
        if not setup.json:
            say(f"{each.subject}: {each.verdict}: {each.detail}")
    if setup.json:
        print_json([attrs.asdict(each) for each in found])
    failed = any(each.verdict == "failed" for each in found) or (not names and bool(uses.troubles))
    return 1 if failed else 0


def _begins(package: str) -> None:
    """To somebody who waits: tests may take minutes."""
    if sys.stderr.isatty():
        click.echo(f"{package}: running its tests ...", err=True)


def _to_begin_with() -> str:
    from bizproc.installed import names_installed

    names = names_installed()
    if not names:
        return "None is installed, either: they come in packages."
    return f"Installed: {', '.join(names)}. `bizproc recipes show {names[0]}` has a section to begin with."


@command.command()
@common_options
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.pass_context
def docs(context: click.Context, folder: Path) -> None:
    r"""
    Write a page for each recipe that is installed: summary, diagram, settings, needs, actions used, example.

    \b
    Example:
      bizproc recipes docs recipe-pages
    """
    from bizproc.cli.recipes.pages import page
    from bizproc.installed import installed_recipes

    setup = setup_of(context)
    importable_here()
    written = []
    for each in installed_recipes():
        if each.recipe is None:
            continue
        path = folder / f"{each.name}.md"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(page(each.recipe), "utf-8")
        except OSError as error:
            raise Mistake(f"{path} cannot be written: {error.strerror}.") from None
        written.append(str(path))
    if setup.json:
        print_json(written)
        return
    for name in written:
        say(name)


@command.command()
@common_options
@click.pass_context
def diff(context: click.Context) -> int:
    r"""
    What an upgrade changes: settings, needs, actions used, and live instances that would not go on.

    What is installed is compared with what `bizproc serve` ran last, or `bizproc recipes check --record` kept. Live
    instances are replayed, and nothing is written. Exit code 1 if a use cannot run, or an instance would not go on; 2
    if a section does not fit any more.

    \b
    Example:
      bizproc recipes diff
    """
    from bizproc.cli.recipes.recording import changes, recorded

    setup = setup_of(context)
    uses = _uses(setup)
    kept = recorded(Path.cwd())
    found = changes(kept, uses)
    live = _live(setup, uses, kept)
    failed = not (live is None or live.fits) or any(each.breaks for each in found)
    if setup.json:
        rows = [] if live is None else upgrading.as_json(live)["instances"]
        stuck = [row for row in rows if row["verdict"] not in ("compatible", "patched")]
        print_json({"changes": [attrs.asdict(each) for each in found], "instances": stuck})
        return 1 if failed else 0
    for each in found:
        say(f"{each.use}: {each.what}")
    if not found:
        say("What is installed has not changed.")
    _say_of_instances(live)
    return 1 if failed else 0


def _live(setup: Setup, uses: Uses, kept: Iterable[str]) -> UpgradeReport | None:
    """What becomes of the live instances of these uses, and of those that there were; None where there is no store."""
    if not is_there(setup.store) or setup.store.endswith(":memory:"):
        return None
    report = asyncio.run(_replayed(setup, uses))
    used = {*(each.name for each in uses.found), *(each.use for each in uses.troubles)}
    return upgrading.of(report, used.union(set(kept).difference(_own_names(setup))))


def _own_names(setup: Setup) -> set[str]:
    """The names of processes that the project has written itself: instances of such a name may go on on one."""
    with suppress(Mistake), redirect_stdout(sys.stderr):  # what is wrong with modules, `bizproc check` says
        return {process.name for process in find_processes(setup.modules)}
    return set()


@command.command()
@common_options
@click.argument("name")
@click.pass_context
def eject(context: click.Context, name: str) -> None:
    r"""
    Copy the source of a recipe into the project, and let the sections that use it name the copy.

    \b
    Example:
      bizproc recipes eject stale_deals
    """
    from bizproc.cli.recipes.ejecting import eject as copy

    setup = setup_of(context)
    section = setup.settings.recipes.get(name)
    _, recipe = _found(section["recipe"] if section is not None else name)
    done = copy(recipe, Path.cwd())
    if setup.json:
        print_json({"path": str(done.path), "uses": done.uses, "imports": done.imports})
        return
    say(f"{done.path}: yours from now on; used by {', '.join(done.uses) or 'no section'}.")
    if done.imports:
        say(f"It goes on importing {', '.join(done.imports)}: keep that package installed, or copy these, too.")


async def _replayed(setup: Setup, uses: Uses) -> UpgradeReport:
    from bizproc.runtime import Runtime

    async with Runtime.attach(setup.store) as runtime:
        return await runtime.check(uses.processes)
