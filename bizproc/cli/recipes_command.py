"""`bizproc recipes`: what is installed, what of it a project uses, and whether it would run."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from bizproc.cli.finding import importable_here
from bizproc.cli.mistakes import Mistake
from bizproc.cli.near import hint, meant
from bizproc.cli.output import console, counted, print_json, safe, say, table
from bizproc.cli.setup import Setup, common_options, is_there, setup_of

if TYPE_CHECKING:
    from bizproc.installed import Installed, Uses
    from bizproc.recipe import Recipe


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


def _say(text: str) -> None:
    click.echo(safe(text))


def _uses(setup: Setup) -> Uses:
    from bizproc.installed import uses_of

    importable_here()
    return uses_of(setup.settings)


def _found(name: str) -> tuple[Installed, Recipe[...]]:
    """An installed recipe that can be used. Raises Mistake."""
    from bizproc.installed import installed_recipes

    importable_here()
    known = installed_recipes()
    wanted = [each for each in known if each.name == name]
    if not wanted:
        names = sorted({each.name for each in known})
        told = meant(name, names) or f"Installed: {', '.join(names) or 'none'}."
        raise Mistake(f"there is no recipe {name!r}. {told}")
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
    from bizproc.installed import installed_recipes

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
        return
    rows = [
        (each.name, f"{each.distribution} {each.version}", ", ".join(used.get(each.name, [])), _summary(each))
        for each in known
    ]
    console().print(table(("recipe", "from", "used as", ""), rows))
    if verbose:
        for each in known:
            if each.traceback:
                _say(f"\n{each.name}:\n{each.traceback}")


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
        _say(line)


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
        _say(str(path))
    say(f"Next: pip install --editable {folder} 'bizproc[test]', and python -m pytest {folder}.")


@command.command()
@common_options
@click.option("--record", "keep", is_flag=True, help="If nothing is missing, keep what is used now, for `diff`.")
@click.pass_context
def check(context: click.Context, *, keep: bool) -> int:
    r"""
    What is missing for the recipes that the project uses, and which of them wants it.

    Fields, stages, users, providers, secrets, versions. Exit code 1 if anything is missing; what is merely empty is
    told, and no failure.

    \b
    Examples:
      bizproc recipes check
      bizproc recipes check --record
    """
    from bizproc.cli.recipes.needing import missing
    from bizproc.cli.recipes.recording import record

    setup = setup_of(context)
    uses = _uses(setup)
    found = asyncio.run(missing(setup, uses, os.environ))
    failed = any(each.level == "missing" for each in found)
    if keep and not failed:
        record(Path.cwd(), uses)
    if setup.json:
        print_json({"uses": len(uses.found), "missing": [attrs.asdict(each) for each in found]})
        return 1 if failed else 0
    for each in found:
        say(f"{each.use} ({each.recipe}): {each.level}: {each.need}: {each.detail}")
    say(f"{counted(len(uses.found), 'use')} of recipes: {'something is missing' if failed else 'nothing is missing'}.")
    return 1 if failed else 0


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
    from bizproc.cli.recipes.trying import hold_to_contract, lacking, package_of, run_shipped
    from bizproc.core.errors import ExtraMissing

    setup = setup_of(context)
    uses = _uses(setup)
    known = {each.name: each for each in uses.found}
    for name in names:
        if name not in known:
            raise Mistake(f"there is no section [recipes.{name}] that can run. {hint(name, known)}")
    chosen = [known[name] for name in names or known]
    package = lacking()
    if package is not None:
        raise ExtraMissing(what="tests", package=package, extra="test")
    found = [*run_shipped(map(package_of, chosen)), *hold_to_contract(chosen)]
    failed = any(each.verdict == "failed" for each in found) or (not names and bool(uses.troubles))
    if setup.json:
        print_json([attrs.asdict(each) for each in found])
        return 1 if failed else 0
    for trouble in uses.troubles:
        say(str(trouble))
    for each in found:
        say(f"{each.subject}: {each.verdict}: {each.detail}")
    return 1 if failed else 0


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
        _say(name)


@command.command()
@common_options
@click.pass_context
def diff(context: click.Context) -> int:
    r"""
    What an upgrade changes: settings, needs, actions used, and live instances that would not go on.

    What is installed is compared with what `bizproc serve` ran last, or `bizproc recipes check --record` kept. Exit
    code 1 if a section does not fit any more, or an instance would not go on.

    \b
    Example:
      bizproc recipes diff
    """
    from bizproc.cli.recipes.recording import changes, recorded

    setup = setup_of(context)
    uses = _uses(setup)
    found = changes(recorded(Path.cwd()), uses)
    stuck = asyncio.run(_not_going_on(setup, uses)) if is_there(setup.store) else []
    failed = bool(stuck) or any(each.breaks for each in found)
    if setup.json:
        print_json({"changes": [attrs.asdict(each) for each in found], "instances": stuck})
        return 1 if failed else 0
    for each in found:
        say(f"{each.use}: {each.what}{'  [look at its section]' if each.breaks else ''}")
    for one in stuck:
        say(f"{one['process']}: instance {one['id']} would not go on: {one['verdict']}")
        for line in str(one["detail"]).splitlines():
            _say(f"    {line}")
    if not found and not stuck:
        say("Nothing has changed.")
    return 1 if failed else 0


async def _not_going_on(setup: Setup, uses: Uses) -> list[dict[str, Any]]:
    from bizproc.cli.upgrading import as_json
    from bizproc.runtime import Runtime

    names = {*(each.name for each in uses.found), *(each.use for each in uses.troubles)}
    async with Runtime.attach(setup.store) as runtime:
        report = await runtime.check(uses.processes)
    rows: list[dict[str, Any]] = as_json(report)["instances"]
    return [row for row in rows if row["process"] in names and row["verdict"] not in ("compatible", "patched")]


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
