"""What a replay would answer differently: the clock, chance, the environment and whatever runs beside the process."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from bizproc.code.rules.rule import Code, Found, Rule, calls

# -- the clock ---------------------------------------------------------------------------------------------------------

_CLOCKS: Final = frozenset(
    {
        "datetime.datetime.now",
        "datetime.datetime.today",
        "datetime.datetime.utcnow",
        "datetime.date.today",
        "time.time",
        "time.time_ns",
        "time.monotonic",
        "time.monotonic_ns",
        "time.perf_counter",
        "time.perf_counter_ns",
        "time.process_time",
        "time.process_time_ns",
        "time.clock_gettime",
        "time.clock_gettime_ns",
        "time.thread_time",
        "arrow.now",
        "arrow.utcnow",
        "pendulum.now",
        "pendulum.today",
        "pendulum.tomorrow",
        "pendulum.yesterday",
        "django.utils.timezone.now",
        "django.utils.timezone.localtime",
        "email.utils.localtime",
        "whenever.Instant.now",
        "whenever.ZonedDateTime.now",
    }
)

# These read the clock unless they are told a moment: how many arguments then.
_CLOCKS_UNLESS_TOLD: Final = {
    "time.localtime": 1,
    "time.gmtime": 1,
    "time.ctime": 1,
    "time.asctime": 1,
    "time.strftime": 2,
}


def _clock(code: Code) -> Iterator[Found]:
    for call, origin in calls(code):
        told = _CLOCKS_UNLESS_TOLD.get(origin)
        if origin in _CLOCKS or (told is not None and len(call.args) < told):
            yield call, f"{origin}() reads the clock, and a replay would read another time"


CLOCK: Final = Rule(
    id="clock",
    title="The clock of the machine is read",
    why="""
        A process is run again from its journal, days later perhaps. A moment that was read from the machine's clock
        would be another one then, and the process would take another road.
    """,
    cure="write `await now()`: its answer is in the journal",
    bad="""
        from datetime import UTC, datetime

        from bizproc import crm, process
        from bizproc.model import Deal


        @process("offer")
        async def offer(deal: Deal) -> None:
            if datetime.now(UTC).hour < 12:
                await crm.deal.add_comment("Called in the morning")
    """,
    good="""
        from bizproc import crm, now, process
        from bizproc.model import Deal


        @process("offer")
        async def offer(deal: Deal) -> None:
            if (await now()).hour < 12:
                await crm.deal.add_comment("Called in the morning")
    """,
    look=_clock,
)

# -- chance and ids ----------------------------------------------------------------------------------------------------

_CHANCE: Final = ("random.", "secrets.", "numpy.random.", "os.urandom", "os.getrandom", "faker.")
_IDS: Final = frozenset(
    {f"uuid.uuid{version}" for version in (1, 4, 6, 7)} | {"builtins.id", "builtins.hash", "os.getpid", "uuid.getnode"}
)


def _random(code: Code) -> Iterator[Found]:
    for call, origin in calls(code):
        if origin in _IDS:
            yield call, f"{origin.removeprefix('builtins.')}() gives something else after every start of the program"
        elif origin.startswith(_CHANCE) and not _is_seeded(call, origin, code):
            yield call, f"{origin}() is decided by chance, and a replay would decide otherwise"


def _is_seeded(call: ast.Call, origin: str, code: Code) -> bool:
    """A generator that is made here from a seed gives the same numbers on every replay."""
    if origin == "random.Random":
        return bool(call.args)
    if not origin.startswith("random.Random()."):
        return False
    maker = call.func.value if isinstance(call.func, ast.Attribute) else None
    if isinstance(maker, ast.Call):
        return bool(maker.args)
    home = code.module.scope_of(call).find(maker.id) if isinstance(maker, ast.Name) else None
    if home is None or home is home.module or not isinstance(maker, ast.Name):
        return False  # one of the whole module is shared by all instances
    made = [binding.value for binding in home.names[maker.id]]
    return all(isinstance(each, ast.Call) and each.args for each in made)


RANDOM: Final = Rule(
    id="random",
    title="Random numbers, and ids that are new each time",
    why="""
        On replay chance decides otherwise, and the process meets steps that it never took. This is true of `random`,
        `secrets`, `uuid` and `os.urandom`, and of `id()` and `hash()`, which differ from one start of the program to
        the next.
    """,
    cure="write `await random()` or `await new_id()`: their answers are in the journal",
    bad="""
        import random

        from bizproc import crm, process
        from bizproc.model import Deal


        @process("sample")
        async def sample(deal: Deal) -> None:
            await crm.deal.add_product(random.choice([1, 2, 3]))
    """,
    good="""
        from bizproc import crm, process, random
        from bizproc.model import Deal


        @process("sample")
        async def sample(deal: Deal) -> None:
            await crm.deal.add_product([1, 2, 3][int(await random() * 3)])
    """,
    look=_random,
)

# -- the environment and files -----------------------------------------------------------------------------------------

_PURE_PATHS: Final = frozenset(
    [
        "as_posix",
        "as_uri",
        "is_absolute",
        "is_relative_to",
        "joinpath",
        "match",
        "full_match",
        "relative_to",
        "with_name",
        "with_stem",
        "with_suffix",
        "with_segments",
        "parts",
        "parent",
        "parents",
        "name",
        "stem",
        "suffix",
        "suffixes",
    ]
)
_OF_FILES: Final = frozenset({"read_text", "write_text", "read_bytes", "write_bytes"})
_ENVIRONMENT: Final = frozenset(
    {"os.environ", "os.getenv", "os.putenv", "os.environb", "sys.argv", "sys.stdin", "sys.platform"}
)
_PURE_OS: Final = ("os.path.", "os.fspath", "os.fsencode", "os.fsdecode")
_PATHS_THAT_LOOK: Final = frozenset(
    [
        "abspath",
        "exists",
        "expanduser",
        "expandvars",
        "getatime",
        "getctime",
        "getmtime",
        "getsize",
        "isdir",
        "isfile",
        "islink",
        "ismount",
        "lexists",
        "realpath",
        "samefile",
    ]
)
_OF_RANDOM_OR_PROCESSES: Final = (
    "os.urandom",
    "os.getrandom",
    "os.getpid",
    "os.system",
    "os.fork",
    "os.spawn",
    "os.exec",
    "os.popen",
    "os.posix_spawn",
)
_LOOKS_AROUND: Final = ("shutil.", "tempfile.", "glob.", "platform.", "getpass.", "fileinput.", "dotenv.", "decouple.")


def _environment(code: Code) -> Iterator[Found]:
    for node in code.nodes:
        if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
            origin = code.module.origin(node)
            if origin in _ENVIRONMENT and origin not in ("os.getenv", "os.putenv"):
                yield node, f"{origin} may be another after the next start of the program"
        if isinstance(node, ast.Call):
            what = _looks_around(node, code.module.origin(node.func))
            if what is not None:
                yield node, f"{what} looks at this machine, and a replay may find something else there"


def _looks_around(call: ast.Call, origin: str | None) -> str | None:
    if origin is None:
        attribute = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        return f".{attribute}()" if attribute in _OF_FILES else None
    tail = origin.rpartition(".")[2]
    if origin in ("builtins.open", "builtins.input", "io.open", "codecs.open", "sqlite3.connect"):
        return f"{origin.removeprefix('builtins.')}()"
    if origin.startswith(_LOOKS_AROUND) and origin != "glob.escape":
        return f"{origin}()"
    if origin.startswith("pathlib.Path."):
        return f"{origin}()" if tail in ("cwd", "home") else None
    if origin.startswith("pathlib.Path()."):
        return None if tail in _PURE_PATHS or "()." in origin.removeprefix("pathlib.Path().") else f"Path.{tail}()"
    if origin.startswith("os.path."):
        return f"{origin}()" if tail in _PATHS_THAT_LOOK else None
    if origin.startswith("os.") and not origin.startswith((*_PURE_OS, *_OF_RANDOM_OR_PROCESSES, "os.environ.")):
        return f"{origin}()"
    return None


ENVIRONMENT: Final = Rule(
    id="environment",
    title="The environment or a file is read or written",
    why="""
        The journal does not know what was in a file or a variable. After the next start of the program, or on another
        machine, it may be something else; and what a process writes into a file is written again by every replay.
    """,
    cure="do it in an `@action` function and await that, or make it a parameter of the start form",
    bad="""
        from pathlib import Path

        from bizproc import crm, process
        from bizproc.model import Deal


        @process("greet")
        async def greet(deal: Deal) -> None:
            await crm.deal.add_comment(Path("greeting.txt").read_text("utf-8"))
    """,
    good="""
        from pathlib import Path

        from bizproc import action, crm, process
        from bizproc.model import Deal


        @action("greeting")
        async def greeting() -> str:
            return Path("greeting.txt").read_text("utf-8")


        @process("greet")
        async def greet(deal: Deal) -> None:
            await crm.deal.add_comment(await greeting())
    """,
    look=_environment,
)

# -- what runs beside the process --------------------------------------------------------------------------------------

BESIDE: Final = [
    "_thread",
    "anyio",
    "asyncio",
    "concurrent.futures",
    "curio",
    "eventlet",
    "gevent",
    "multiprocessing",
    "sniffio",
    "subprocess",
    "threading",
    "trio",
    "aiohttp",
    "aiosmtplib",
    "aiosqlite",
    "asyncpg",
    "boto3",
    "botocore",
    "ftplib",
    "http.client",
    "httpx",
    "imaplib",
    "nntplib",
    "paramiko",
    "poplib",
    "psycopg",
    "psycopg2",
    "pycurl",
    "pymongo",
    "redis",
    "requests",
    "smtplib",
    "socket",
    "ssl",
    "telnetlib",
    "urllib.request",
    "urllib3",
    "websocket",
    "websockets",
    "xmlrpc.client",
]
_BESIDE_PREFIXES: Final = tuple(f"{each}." for each in BESIDE)
_OTHERS: Final = frozenset(
    {"time.sleep", "os.system", "os.popen", "os.fork", "signal.signal", "signal.alarm", "sched.scheduler"}
)
_OTHER_PREFIXES: Final = ("os.spawn", "os.exec", "os.posix_spawn")

# What only makes a value, or asks about one.
_VALUES: Final = frozenset(
    [
        "asyncio.iscoroutine",
        "asyncio.iscoroutinefunction",
        "asyncio.isfuture",
        "httpx.URL",
        "httpx.QueryParams",
        "httpx.Headers",
        "httpx.Timeout",
        "requests.utils.quote",
        "requests.utils.unquote",
        "subprocess.list2cmdline",
        "socket.inet_aton",
        "socket.inet_ntoa",
        "socket.inet_pton",
        "socket.inet_ntop",
        "socket.htons",
        "socket.ntohs",
        "socket.htonl",
        "socket.ntohl",
    ]
)


def is_beside(origin: str) -> bool:
    """Whether calling this starts, waits for or talks to something that the runtime does not know of."""
    if origin in _OTHERS or origin.startswith(_OTHER_PREFIXES):
        return True
    name = origin.rpartition(".")[2]
    is_value = origin in _VALUES or name.endswith(("Error", "Exception", "Warning", "Exit"))
    return origin.startswith(_BESIDE_PREFIXES) and not is_value


def _beside(code: Code) -> Iterator[Found]:
    for call, origin in calls(code):
        if is_beside(origin):
            yield call, f"{origin}() {_says(origin)}"


def _says(origin: str) -> str:
    if origin == "time.sleep":
        return "stops the whole program, and all other instances with it"
    if origin.startswith(("asyncio.", "anyio.", "trio.", "curio.")):
        return "is the event loop's: it would be lost when the program stops"
    return "works outside of what the journal knows: a replay would do it again"


OUTSIDE: Final = Rule(
    id="outside",
    title="Threads, event loops, programs and connections of one's own",
    why="""
        All that a process does to the world is awaited from bizproc, so that it is done once and recorded. What a
        process does beside that (`asyncio`, threads, `subprocess`, `requests`, `httpx`, sockets) is lost when the
        program stops, and done again by every replay.
    """,
    cure="""
        do it in an `@action` function and await that; for waiting `await wait.sleep(...)`, for several at once
        `await gather(...)`
    """,
    bad="""
        import asyncio

        from bizproc import crm, process
        from bizproc.model import Deal


        @process("remind")
        async def remind(deal: Deal) -> None:
            await asyncio.sleep(3600)
            await crm.deal.add_comment("An hour has passed")
    """,
    good="""
        from datetime import timedelta

        from bizproc import crm, process, wait
        from bizproc.model import Deal


        @process("remind")
        async def remind(deal: Deal) -> None:
            await wait.sleep(timedelta(hours=1))
            await crm.deal.add_comment("An hour has passed")
    """,
    look=_beside,
)
