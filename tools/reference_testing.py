"""Makes docs/reference/testing.md, from the docstrings of `bizproc.testing` and from what its plugin tells pytest."""

import inspect
import re
from collections.abc import Iterator, Mapping
from textwrap import dedent
from typing import Any

from bizproc.cli.catalogue import attributes_of
from bizproc.runtime import Instance, Runtime
from bizproc.testing import (
    FakeAds,
    FakeChannel,
    FakeDocuments,
    FakeMail,
    FakePayments,
    FakeSms,
    Late,
    ProcessMachine,
    QueueMachine,
    StepTrouble,
    VirtualClock,
    World,
    assert_recipe,
    assert_replays,
    crash_at_every_await,
    plugin,
    save_journal,
    strategies,
)
from bizproc.testing.by_type import OF_TYPES
from bizproc.testing.commits import Commits
from bizproc.testing.world import RunningInstance
from tools.pages import MADE, code, signature, spoken, table, typed

HEAD = """\
# Testing

What tests of processes are written with. `from bizproc.testing import World`; pytest finds the plugin by itself.
Worlds, crashes and fakes need pytest alone; strategies and machines need Hypothesis. `bizproc[test]` brings both.

How it is used: [test an automation](../how-to/test-an-automation.md),
[test with random stories](../how-to/test-with-random-stories.md).
"""

STRATEGIES = """\
## Strategies

`from bizproc.testing.strategies import deals`. What they draw is a value, as a process gets it: nothing is written into
any store. `st.from_type` of Hypothesis knows them by type: {types}.
"""

FAKES = """\
## Fakes

Each world has one for each channel: `world.mail`, `world.sms`, `world.ads`, `world.documents`, `world.payments`. They
outlive crashes, as the outside does. For a channel of your own: `World.open(channels=[FakeChannel("voice")])`.
"""

MACHINES = """\
## Machines

State machines of Hypothesis: subclass one, and give its `TestCase` a name that pytest finds,
`TestSales = Sales.TestCase`. Rules and invariants of your own stand beside those that are there.
"""

OVERRIDDEN: Mapping[type, tuple[str, ...]] = {
    ProcessMachine: ("setup", "document", "call"),
    QueueMachine: ("queue",),
}
"""What subclasses may say, besides attributes."""


def testing() -> str:
    types = ", ".join(f"`{name}`" for name in OF_TYPES)
    parts = [MADE, HEAD, *_of_pytest(), *_of_worlds()]
    parts += ["## Crashes\n", spoken("crash_at_every_await", crash_at_every_await)]
    parts += [FAKES, *map(_class, (FakeChannel, FakeMail, FakeSms, FakeAds, FakeDocuments, FakePayments))]
    parts += [STRATEGIES.format(types=types)]
    parts += [_strategy(name) for name in strategies.__all__]
    parts += [MACHINES, *_machine(ProcessMachine), *_machine(QueueMachine), _class(StepTrouble)]
    parts += ["## Journals and recipes\n"]
    parts += [spoken(each.__name__, each) for each in (save_journal, assert_replays, assert_recipe)]
    return "\n".join(parts)


def _strategy(name: str) -> str:
    made = getattr(strategies, name)
    return spoken(name, made, f"{name}{signature(made)}")


# -- pytest ------------------------------------------------------------------------------------------------------------


class _Pytest:
    """Stands for pytest, and keeps what the plugin tells it."""

    def __init__(self) -> None:
        self.options: list[tuple[str, dict[str, Any]]] = []
        self.marks: list[str] = []

    def getgroup(self, _name: str) -> "_Pytest":
        return self

    def addoption(self, name: str, **told: Any) -> None:
        self.options.append((name, told))

    def addinivalue_line(self, _name: str, line: str) -> None:
        self.marks.append(line)

    def getoption(self, _name: str) -> None:
        """None is given."""


def _of_pytest() -> list[str]:
    told: Any = _Pytest()
    plugin.pytest_addoption(told)
    plugin.pytest_configure(told)
    options = [(f"`{name}{_value(**said)}`", said["help"]) for name, said in told.options]
    marks = [line.partition(": ") for line in told.marks]
    fixtures = [
        (f"`{name}`", _paragraph(member)) for name, member in vars(plugin).items() if isinstance(member, _FIXTURE)
    ]
    return [
        "## pytest\n",
        "A test that is an async function is run, with no mark. It gets a world by naming the fixture.\n",
        table(("fixture", ""), fixtures),
        table(("option", ""), options),
        table(("mark", ""), [(f"`@pytest.mark.{name}`", said) for name, _, said in marks]),
    ]


_FIXTURE: Any = type(plugin.world)


def _value(*, metavar: str = "", nargs: str = "", **_others: Any) -> str:
    """What is given with an option."""
    if not metavar:
        return ""
    return f"[={metavar}]" if nargs == "?" else f"={metavar}"


# -- worlds ------------------------------------------------------------------------------------------------------------


def _of_worlds() -> list[str]:
    opened = f"async with World.open{signature(World.open)} as world"
    return [
        "## The world\n",
        "The fixture `world` is one. `async with World.open(...)` makes one elsewhere.\n",
        table(("attribute", ""), [(f"`world.{name}`", said) for name, said in attributes_of(World).items()]),
        table(("of a world", ""), [*_members(World, "world.")]),
        spoken("World.open", World.open, opened),
        *_detailed(World, "world."),
        spoken("Late", Late),
        "### A running instance\n",
        "What `run = await world.start(...)` gives, and `world.instance(id)`. It outlives crashes.\n",
        table(("of an instance", ""), [*_members(RunningInstance, "run.")]),
        "### The clock\n",
        f"`world.clock`. {_paragraph(VirtualClock)} It begins at {VirtualClock().now():%A %Y-%m-%d %H:%M} UTC.\n",
        table(("of the clock", ""), [*_members(VirtualClock, "world.clock.")]),
        "### Commits\n",
        f"`world.commits`. {_paragraph(Commits)}\n",
        table(("attribute", ""), [(f"`world.commits.{name}`", said) for name, said in attributes_of(Commits).items()]),
    ]


def _members(cls: type, owner: str) -> Iterator[tuple[str, str]]:
    """The methods and properties of a class, and what is said of each."""
    for name, member in _own(cls):
        called = typed(f"{owner}{name}", member) if inspect.isfunction(member) else f"{owner}{name}"
        yield f"`{called}`", _said(member)


def _own(cls: type) -> Iterator[tuple[str, Any]]:
    for name, member in vars(cls).items():
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
            yield name, member


def _detailed(cls: type, owner: str) -> list[str]:
    """Those of them that have arguments to be described."""
    return [
        spoken(f"{owner}{name}", member)
        for name, member in _own(cls)
        if "\nArgs:\n" in inspect.cleandoc(member.__doc__ or "")
    ]


def _said(member: Any) -> str:
    """What its docstring says before its sections; what it says elsewhere is brought here."""
    said = _paragraph(member)
    led = _SEE.match(said)
    if led is None:
        return said
    there = getattr({"Runtime": Runtime, "Instance": Instance}[led[1]], led[2])
    return f"{_paragraph(there)}{said[led.end() :]}"


_SEE = re.compile(r"See `(Runtime|Instance)\.(\w+)`\.")


def _paragraph(told: Any) -> str:
    documentation = inspect.cleandoc(inspect.unwrap(told).__doc__ or "")
    return " ".join(_LATER.split(documentation)[0].split())


_LATER = re.compile(r"\n\n(?:Args|Attributes|Raises|Returns):\n|\n\n(?= )|\n\n(?=```)")
"""Sections, and examples: neither has a place in a cell."""


def _class(cls: type) -> str:
    parts = [f"### {cls.__name__}\n", f"{_paragraph(cls)}\n", _attributes(cls)]
    members = [*_members(cls, "")]
    if members:
        parts.append(table(("method", ""), members))
    return "\n".join(part for part in parts if part)


def _attributes(cls: type) -> str:
    """Those that the class itself tells of, with their defaults where they are the class's."""
    told = attributes_of(cls)
    for base in cls.__mro__[1:]:
        told = {name: said for name, said in told.items() if attributes_of(base).get(name) != said}
    rows = [(f"`{name}`", _default(vars(cls).get(name, _NONE)), said) for name, said in told.items()]
    return table(("attribute", "default", ""), rows) if rows else ""


_NONE: Any = object()


def _default(value: Any) -> str:
    if value is _NONE or inspect.ismemberdescriptor(value):
        return ""
    if isinstance(value, tuple) and all(isinstance(each, type) for each in value):
        return code(f"({', '.join(each.__name__ for each in value)}{',' * (len(value) == 1)})")
    return code(repr(dict(value)) if isinstance(value, Mapping) else repr(value).replace("datetime.", ""))


# -- machines ----------------------------------------------------------------------------------------------------------


def _machine(cls: type) -> list[str]:
    """What a subclass says, what happens in its stories, what is checked, and what rules of one's own can ask."""
    own = {name: member for name, member in _own(cls) if inspect.isfunction(member)}
    rules = [name for name, member in own.items() if _kind(member, "rule") or _kind(member, "initialize_rule")]
    held = [name for name, member in own.items() if _kind(member, "invariant")]
    # An invariant that only calls others stands for them.
    called = [name for each in held for name in _kind(own[each], "invariant").function.__code__.co_names if name in own]
    checked = [name for name in called if name not in (*rules, *OVERRIDDEN[cls])] or held
    asked = [name for name in own if name not in (*rules, *held, *checked, *OVERRIDDEN[cls])]
    parts = [f"### {cls.__name__}\n", f"{_paragraph(cls)}\n", _attributes(cls)]
    parts += [table(("to override", ""), [(f"`{_head(own[name])}`", _told(own[name])) for name in OVERRIDDEN[cls]])]
    parts += [f"```text\n{dedent(inspect.getsource(own[name]))}```\n" for name in _shown(cls)]
    parts += [table(("step of a story", ""), [(f"`{name}`", _told(own[name])) for name in rules])]
    parts += [table(("what is checked", ""), [(f"`{name}`", _told(own[name])) for name in checked])]
    parts += [table(("to ask", ""), [(f"`{typed(f'self.{name}', own[name])}`", _told(own[name])) for name in asked])]
    return parts


def _kind(member: Any, kind: str) -> Any:
    return getattr(member, f"hypothesis_stateful_{kind}", None)


def _head(member: Any) -> str:
    """As it is overridden: `async def setup(self, world)`."""
    names = ", ".join(inspect.signature(member).parameters)
    return f"{'async ' * inspect.iscoroutinefunction(member)}def {member.__name__}({names})"


def _shown(cls: type) -> tuple[str, ...]:
    """What is overridden alone is shown as it is."""
    return OVERRIDDEN[cls] if len(OVERRIDDEN[cls]) == 1 else ()


def _told(member: Any) -> str:
    """Without the numbers of laws, which say something to those who work on the code."""
    said = re.sub(r" \(\d+\)|\bLaws? \d+(?:, \d+)*: ", "", _paragraph(member))
    return said[:1].upper() + said[1:]
