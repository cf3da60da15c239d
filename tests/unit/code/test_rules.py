"""The rules of `bizproc check`: each finds its bad example, and nothing else anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import bizproc
from bizproc.code import names
from bizproc.code.checking import CURES, check_paths, check_text
from bizproc.code.rules import RULES, Rule
from tools.lint_page import page

ROOT = Path(__file__).parents[3]

HEAD = """
from datetime import timedelta
from bizproc import F, action, attempt, crm, for_each, gather, new_id, note, now, on, process, race, saga, shield, wait
from bizproc import start
from bizproc.errors import Cancelled
from bizproc.model import Deal

DAY = timedelta(days=1)

@action("score")
async def score(number: int) -> int: ...

@process("other")
async def other(deal: Deal) -> int: ...

async def helper(number: int) -> int:
    await note("helped")
    return number
"""


def rules_of(text: str) -> list[str]:
    return [finding.rule for finding in check_text(text)[1]]


def in_process(body: str, *, top: str = "", decorator: str = '@process("p")') -> list[str]:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return rules_of(
        f"{HEAD}{top}\n\n{decorator}\nasync def p(deal: Deal, *, names: set[str] = frozenset()):\n{lines}\n"
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_finds_its_bad_example_and_not_its_good_one(rule: Rule) -> None:
    assert rules_of(rule.bad) == [rule.id]
    assert rules_of(rule.good) == []


def test_the_page_of_the_rules_is_what_the_rules_say() -> None:
    written = (ROOT / "docs" / "reference" / "lint.md").read_text("utf-8")
    assert written == page(), "run `python tools/lint_page.py`"


def test_each_rule_has_a_name_and_a_cure_of_its_own() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert CURES.keys() > {rule.id for rule in RULES}


def test_the_verbs_that_are_known_are_those_of_the_face() -> None:
    makes = {name for name in bizproc.__all__ if name in names.COMMANDS}
    assert makes == names.COMMANDS
    for origin in (names.MAKES_PROCESS, names.MAKES_STEP, names.MAKES_RECIPE, names.SHIELD, names.START):
        assert origin.removeprefix("bizproc.") in bizproc.__all__
    assert "until_stage" in bizproc.wait.__all__


BAD: list[tuple[str, str, str]] = [
    ("clock", "import time", "x = time.time()"),
    ("clock", "import datetime as dt", "x = dt.date.today()"),
    ("clock", "from datetime import datetime as when", "x = when.utcnow()"),
    ("clock", "from time import strftime", "x = strftime('%Y')"),
    ("clock", "import datetime", "clock = datetime.datetime\nx = clock.now()"),
    ("random", "from uuid import uuid4", "await note(str(uuid4()))"),
    ("random", "import secrets", "x = secrets.token_hex()"),
    ("random", "import os", "x = os.urandom(8)"),
    ("random", "import random", "x = random.Random().random()"),
    ("random", "import random\nRANDOM = random.Random(3)", "x = RANDOM.random()"),
    ("random", "", "x = hash('tea') % 2"),
    ("environment", "import os", "x = os.environ['HOME']"),
    ("environment", "import os", "x = os.getenv('HOME')"),
    ("environment", "", "with open('file') as file:\n    await note(file.read())"),
    ("environment", "from pathlib import Path", "x = (Path('a') / 'b').read_text()"),
    ("environment", "from pathlib import Path\nFILE = Path('a')", "x = FILE.exists()"),
    ("outside", "import requests", "x = requests.get('https://example.com')"),
    ("outside", "import httpx", "async with httpx.AsyncClient() as client:\n    pass"),
    ("outside", "from threading import Thread", "Thread(target=print).start()"),
    ("outside", "import subprocess as sp", "sp.run(['ls'])"),
    ("outside", "import asyncio\nLOCK = asyncio.Lock()", "async with LOCK:\n    await note('x')\nLOCK.release()"),
    ("outside", "import time", "time.sleep(3)"),
    ("foreign-await", "from sqlalchemy.ext.asyncio import AsyncSession", "s = AsyncSession()\nawait s.commit()"),
    ("foreign-await", "", "await (note('a'), note('b'))"),
    ("foreign-await", "from bizproc import Runtime", "r = Runtime.open('x')\nawait r.start(1)"),
    ("not-awaited", "", "note('x')"),
    ("not-awaited", "", "score(1)"),
    ("not-awaited", "", "other(deal)"),
    ("not-awaited", "", "helper(1)"),
    ("not-awaited", "", "wait.sleep(DAY)"),
    ("not-awaited", "", "comment = crm.deal.add_comment('x')"),
    ("not-awaited", "", "crm.deal(7).add_comment('x')"),
    ("not-awaited", "", "item = crm.deal.read()\nawait note(item.title)"),
    ("not-awaited", "", "await note(crm.deal.read().title)"),
    ("not-awaited", "", "late = now() + DAY"),
    ("not-awaited", "", "if crm.deal.products():\n    await note('x')"),
    ("not-awaited", "", "[crm.deal.add_comment(x) for x in 'ab']"),
    ("not-awaited", "", "await note(f'{now()}')"),
    ("set-order", "", "for name in names:\n    await note(name)"),
    ("set-order", "", "for name in {'a', 'b'} | {'c'}:\n    await note(name)"),
    ("set-order", "", "await for_each(helper, {1, 2})"),
    ("set-order", "", "all_ = list(set('ab'))\nawait gather(*[note(x) for x in all_])"),
    ("set-order", "", "await note(', '.join({'a', 'b'}))"),
    ("set-order", "", "x = [await score(n) for n in {1, 2}]"),
    ("module-state", "COUNT = 0", "global COUNT\nCOUNT += 1"),
    ("module-state", "SEEN = {}", "SEEN[deal.id] = True"),
    ("module-state", "SEEN = set()", "SEEN.add(deal.id)"),
    ("module-state", "import itertools\nNUMBERS = itertools.count()", "x = next(NUMBERS)"),
    ("module-state", "class Config:\n    debug = False", "Config.debug = True"),
    ("swallowed-cancel", "", "try:\n    await note('x')\nexcept BaseException as error:\n    print(error)"),
    ("swallowed-cancel", "", "try:\n    await note('x')\nfinally:\n    return 3"),
    (
        "swallowed-cancel",
        "async def each():\n    yield await now()",
        "try:\n    x = [y async for y in each()]\nexcept:\n    x = 0",
    ),
    ("swallowed-cancel", "from contextlib import suppress", "with suppress(BaseException):\n    await note('x')"),
    ("unshielded-effect", "", "try:\n    await wait.sleep(DAY)\nexcept Cancelled:\n    await score(1)\n    raise"),
    ("unshielded-effect", "", "try:\n    await wait.sleep(DAY)\nfinally:\n    await gather(score(1), note('x'))"),
    ("filter-truth", "", "x = not F.stage.is_in(['NEW'])"),
    ("filter-truth", "", "x = 1 < F.amount < 5"),
    ("filter-truth", "", "large = F.amount > 5\nif large:\n    await note('x')"),
    ("filter-truth", "", "x = F.stage in ['NEW']"),
]


@pytest.mark.parametrize(("rule", "top", "body"), BAD, ids=[f"{rule}-{n}" for n, (rule, _, _) in enumerate(BAD)])
def test_what_does_not_replay_is_found(rule: str, top: str, body: str) -> None:
    assert set(in_process(body, top=top)) == {rule}


GOOD: list[tuple[str, str]] = [
    ("from datetime import datetime, UTC", "x = datetime(2030, 1, 1, tzinfo=UTC) + DAY"),
    ("import time", "x = time.strftime('%Y', time.gmtime(0))"),
    ("from bizproc import random", "x = await random()"),
    ("import random", "x = random.Random(deal.id).random()"),
    ("import uuid", "x = uuid.uuid5(uuid.NAMESPACE_URL, 'tea')"),
    ("from pathlib import Path", "x = Path('a').with_suffix('.txt').name"),
    ("import os.path", "x = os.path.join('a', 'b')"),
    ("import httpx", "try:\n    await score(1)\nexcept httpx.HTTPError:\n    raise httpx.HTTPError('x') from None"),
    ("", "id = deal.id\nopen = id\nawait note(str(id + open))"),
    ("", "def now2():\n    return 3\nx = now2()"),
    ("", "offer = crm.deal.add_comment('x')\nawait offer"),
    ("", "stage, paid = wait.until_stage('WON'), wait.for_signal('paid')\nawait race(stage, paid)"),
    ("", "both = [note('a'), note('b')]\nawait gather(*both)"),
    ("", "steps = []\nfor x in 'ab':\n    steps.append(note(x))\nawait gather(*steps)"),
    ("", "return await gather(*map(helper, [1, 2]))"),
    ("", "async with saga() as undo:\n    undo.compensate(crm.deal.add_comment('x'))"),
    ("", "x = await attempt(crm.deal.add_comment('x'))\nawait shield(score(1))"),
    ("", "action = note('a') if deal.id else note('b')\nawait action"),
    ("", "child = await start(other(deal))\nx = await child"),
    ("", "async def inner():\n    return note('x')\nawait (await inner())"),
    ("", "for name in sorted(names):\n    await note(name)"),
    ("", "total = 0\nfor name in names:\n    total += len(name)\nawait note(str(total))"),
    ("", "if 'a' in {'a', 'b'}:\n    await note(str(len(names)))"),
    ("", "names = sorted(names)\nfor name in names:\n    await note(name)"),
    ("", "await crm.deal.update({'custom': {'words': {'a', 'b'}}})"),
    ("LIMITS = {'a': 1}", "await note(str(LIMITS['a']))"),
    ("SEEN = []", "SEEN = []\nSEEN.append(1)"),
    ("own = crm.deal(7)", "await own.update({'title': 'x'})"),
    ("", "try:\n    await note('x')\nexcept BaseException:\n    raise"),
    ("", "try:\n    x = 1 / 0\nexcept:\n    x = 0\nawait note(str(x))"),
    ("", "try:\n    await note('x')\nexcept Cancelled:\n    await note('so be it')"),
    ("", "try:\n    await wait.sleep(DAY)\nfinally:\n    await shield(crm.deal.add_comment('x'))"),
    ("", "try:\n    await wait.sleep(DAY)\nfinally:\n    await note('x')\n    await crm.deal.comments()"),
    ("", "for x in 'ab':\n    try:\n        await note(x)\n    finally:\n        for y in 'c':\n            break"),
    ("", "x = (F.amount > 5) & ~(F.stage == 'NEW')"),
    ("import random", "f = lambda random: random.choice([1])\nawait note(str(f(deal)))"),
]


@pytest.mark.parametrize(("top", "body"), GOOD, ids=range(len(GOOD)))
def test_what_is_right_raises_no_alarm(top: str, body: str) -> None:
    assert in_process(body, top=top) == []


@pytest.mark.parametrize(
    ("imports", "decorator"),
    [
        ("from bizproc import process", '@process("p")'),
        ("from bizproc import process as automated", '@automated("p")'),
        ("import bizproc", '@bizproc.process("p")'),
        ("import bizproc as b", '@b.process("p", version=2)'),
        ("from bizproc import *", '@process("p")'),
        ("from bizproc.core.process import process", '@process("p")'),
    ],
)
def test_a_process_is_found_whatever_its_decorator_is_called(imports: str, decorator: str) -> None:
    text = f"{imports}\nimport time\n\n{decorator}\nasync def p():\n    return time.time()\n"
    assert rules_of(text) == ["clock"]
    assert check_text(text)[0] == 1


def test_helpers_are_part_of_a_process_and_steps_are_not() -> None:
    top = "import time\ndef today():\n    return time.time()\nasync def deeper():\n    return today()\n"
    assert in_process("await deeper()", top=top) == ["clock"]
    assert in_process("pass", top=top) == []
    assert in_process("await s()", top=f"{top}\n@action('s')\nasync def s():\n    return today()\n") == []


METHODS = """
import time

class Above:
    async def inherited(self):
        return time.time()

class Scoring(Above):
    @staticmethod
    @action("fetch")
    async def fetch():
        return time.time()

    @classmethod
    async def judge(cls):
        crm.deal.add_comment("x")

    async def deeper(self):
        return await self.inherited()

    async def cleaned(self):
        try:
            await wait.sleep(DAY)
        finally:
            await self.fetch()

    async def never(self):
        return time.time()
"""


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("await Scoring.judge()", ["not-awaited"]),
        ("await Scoring().deeper()", ["clock"]),
        ("scoring = Scoring()\nawait scoring.inherited()", ["clock"]),
        ("scoring = Scoring()\nscoring.cleaned()", ["unshielded-effect", "not-awaited"]),
        ("await shield(Scoring().cleaned())", []),
        ("await Scoring.fetch()", []),
        ("Scoring.fetch()", ["not-awaited"]),
        ("deal.never()", []),
    ],
)
def test_methods_are_helpers_like_any_other(body: str, found: list[str]) -> None:
    assert in_process(body, top=METHODS) == found


@pytest.mark.parametrize(
    ("starts", "overlap", "found"),
    [
        ('on.changed("deal")', "parallel", ["many-wait"]),
        ('on.created("deal") | on.changed("deal", "amount")', "parallel", ["many-wait"]),
        ('on.created("deal")', "parallel", []),
        ('on.changed("deal")', "single", []),
    ],
)
def test_a_copy_for_every_change_may_not_wait_for_a_stage(starts: str, overlap: str, found: list[str]) -> None:
    decorator = f'@process("p", starts={starts}, overlap="{overlap}")'
    assert in_process("await wait.until_stage('WON')", decorator=decorator) == found


PICK = "await crm.deal.change_responsible([3], pick='in_order'{})"


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        (PICK.format(""), PICK.format(""), ["shared-queue"]),
        (PICK.format(", queue_name='a'"), PICK.format(""), []),
        (PICK.format(""), PICK.format("").replace("deal", "contact"), []),
        (PICK.format(""), PICK.format("").replace("in_order", "random"), []),
    ],
)
def test_two_picks_may_not_share_a_pointer(first: str, second: str, found: list[str]) -> None:
    assert in_process(f"{first}\n{second}") == found


# -- the processes that there are --------------------------------------------------------------------------------------


def blocks() -> Iterator[str]:
    """The blocks of Python in the documentation."""
    for file in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        if file.name != "lint.md":
            yield from re.findall(r"^```python\n(.*?)^```", file.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_nothing_is_found_in_the_processes_that_there_are() -> None:
    """Where tests do what nobody should, they say why."""
    report = check_paths([ROOT / "bizproc", ROOT / "benchmarks", ROOT / "tests" / "engine", ROOT / "tests" / "crash"])
    assert report.findings == ()
    assert report.processes > 100
    assert [finding for block in blocks() for finding in check_text(block)[1]] == []


DEMO, MIXED = "bizproc/cli/demo/follow_up.py", "tests/crash/mixed.py"
FORKS = "tests/engine/test_scenarios_forks.py"
PROGRAMS, CLI = "tests/properties/programs.py", "tests/unit/cli/conftest.py"

SEEDED: list[tuple[str, str, str, str]] = [
    (
        DEMO,
        "    if reached.timed_out:\n        await crm.deal.add_act",
        "    if not reached:\n        crm.deal.add_act",
        "not-awaited",
    ),
    (
        DEMO,
        "    reached = await wait.until_stage",
        "    import time\n    time.sleep(1)\n    reached = await wait.until_stage",
        "outside",
    ),
    (
        DEMO,
        "await crm.deal.add_product(",
        "if open('offer.txt').read():\n        await crm.deal.add_product(",
        "environment",
    ),
    (DEMO, "        await crm.deal.change_stage(", "        crm.deal.change_stage(", "not-awaited"),
    (DEMO, 'add_comment(f"{deal.title}:', 'add_comment(f"{id(deal)} {deal.title}:', "random"),
    ("README.md", "await crm.deal.add_product(", "crm.deal.add_product(", "not-awaited"),
    (
        "README.md",
        "    reached =",
        "    import requests\n    requests.get('https://example.com')\n    reached =",
        "outside",
    ),
    (
        MIXED,
        "    for number in range(4):\n        await wait",
        "    for number in {0, 1, 2, 3}:\n        await wait",
        "set-order",
    ),
    (
        MIXED,
        "    row = await crm.deal.add_product(1, quantity=2)",
        "    row = crm.deal.add_product(1, quantity=2)",
        "not-awaited",
    ),
    (
        MIXED,
        'for_each(crm.deal.add_comment, ["a", "b", "c"]',
        'for_each(crm.deal.add_comment, {"a", "b", "c"}',
        "set-order",
    ),
    (
        MIXED,
        "    except Exception as error:  # noqa: BLE001\n        return type",
        "    except BaseException as error:\n        return type",
        "swallowed-cancel",
    ),
    (MIXED, "    except StepInterrupted:\n", "    except:\n", "swallowed-cancel"),
    (
        MIXED,
        '        await shield(finish())\n        await wait.for_signal("never")\n    finally:\n',
        (
            "        await shield(finish())\n"
            '        await wait.for_signal("never")\n'
            "    finally:\n"
            "        await tell('late')\n"
        ),
        "unshielded-effect",
    ),
    (
        MIXED,
        '    told = await tell_stubborn("stubborn")\n',
        '    told = await tell_stubborn("stubborn")\n    PROCESSES[0].seen = told\n',
        "module-state",
    ),
    (
        MIXED,
        '    await crm.deal.add_comment(f"{first} {second}")',
        '    crm.deal.add_comment(f"{first} {second}")',
        "not-awaited",
    ),
    (
        FORKS,
        '    async def slow() -> str:\n        await wait.sleep(DAY)\n        return "slow"',
        '    async def slow() -> str:\n        import anyio\n        await anyio.sleep(1)\n        return "slow"',
        "outside",
    ),
    (
        FORKS,
        "        return list(await gather(quick(), slow()))",
        "        slow()\n        return list(await gather(quick(), slow()))",
        "not-awaited",
    ),
    (
        FORKS,
        "        for _ in range(1000):\n            await gather()",
        (
            "        import uuid\n"
            "        for _ in range(1000):\n"
            "            await note(str(uuid.uuid4()))\n"
            "            await gather()"
        ),
        "random",
    ),
    (
        PROGRAMS,
        "    trace: list[str] = []\n    life",
        "    import os\n    trace: list[str] = [os.environ['HOME']]\n    life",
        "environment",
    ),
    (CLI, '    await crm.deal.change_stage("LOSE")', '    crm.deal.change_stage("LOSE")', "not-awaited"),
    (CLI, "    return str(reached.stage)", "    import datetime\n    return str(datetime.date.today())", "clock"),
    (
        CLI,
        '@process("sales.close")\nasync def close(deal: Deal) -> None:\n',
        (
            '@process("sales.close")\n'
            "async def close(deal: Deal) -> None:\n"
            "    await crm.deal.change_responsible([3], pick='in_order')\n"
            "    await crm.deal.change_responsible([3], pick='in_order')\n"
        ),
        "shared-queue",
    ),
]
"""A file, what is replaced in it, by what, and the rule that finds it."""


def text_of(path: str) -> str:
    text: str = (ROOT / path).read_text("utf-8")
    if path.endswith(".md"):
        found: list[str] = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        return next(block for block in found if "@process" in block)
    inside = text.partition("SALES = '''")[2].partition("'''")[0]
    return inside if path == CLI else text


@pytest.mark.parametrize(
    ("path", "old", "new", "rule"), SEEDED, ids=[f"{n}-{fault[3]}" for n, fault in enumerate(SEEDED)]
)
def test_a_fault_that_is_put_into_a_process_is_found(path: str, old: str, new: str, rule: str) -> None:
    text = text_of(path)
    assert text.count(old) >= 1
    assert rules_of(text) == []
    assert rules_of(text.replace(old, new, 1)) == [rule]


def test_there_are_twenty_seeded_faults_at_least() -> None:
    assert len(SEEDED) >= 20
