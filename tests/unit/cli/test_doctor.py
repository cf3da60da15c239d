"""`bizproc doctor`: what it finds, that it shows no secret, and that it changes nothing."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import UTC, datetime, timedelta
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import attrs
import pytest

from bizproc import cli
from bizproc.cli import examining, reaching
from bizproc.cli.every_setting import every_setting
from bizproc.settings import Settings
from bizproc.store.sqlite import driver
from tests.unit.cli.conftest import Run
from tests.unit.cli.programs import serving
from tests.unit.csv_company import Company

ROOT = Path(cli.__file__).parents[2]


@pytest.fixture(autouse=True)
def modules(here: Path) -> None:
    (here / "bizproc.toml").write_text("processes = ['sales']\n", "utf-8")


def findings(run: Run, *arguments: object, code: int | None = None, **options: Any) -> dict[str, list[dict[str, str]]]:
    """What it says, by what it is about."""
    ran = run("doctor", "--json", *arguments, **options)
    told = json.loads(ran.stdout)
    assert ran.exit_code == (1 if told["wrong"] else 0)
    assert code is None or ran.exit_code == code
    found: dict[str, list[dict[str, str]]] = {}
    for each in told["findings"]:
        found.setdefault(each["about"], []).append(each)
    return found


def states(found: dict[str, list[dict[str, str]]]) -> dict[str, list[str]]:
    return {about: [each["state"] for each in several] for about, several in found.items()}


def contents(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}


def test_all_is_well_where_nothing_is_there_yet_and_nothing_is_made(run: Run, here: Path) -> None:
    before = contents(here)
    found = findings(run, code=0)
    assert states(found)["store"] == ["note"]
    assert "sales.follow_up" in found["processes"][0]["said"]
    assert "sqlite:///bizproc.db is not there yet" in found["store"][0]["said"]
    assert contents(here) == before


def test_what_is_wrong_says_how_to_mend_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIZPROC_MAIL_HOST", "smtp.example.com")
    monkeypatch.setenv("BIZPROC_MAIL_USERNAME", "robin")
    monkeypatch.setenv("BIZPROC_PAYMENTS_PROVIDER", "stripe")
    monkeypatch.setenv("BIZPROC_SMS_PROVIDER", "twilio")
    monkeypatch.setenv("BIZPROC_DOCUMENTS_LIBREOFFICE", "/no/such/office")
    monkeypatch.setenv("BIZPROC_ADS_GOOGLE_ACCOUNT", "1")
    found = findings(run, code=1)
    for about in ("mail", "payments", "sms", "documents", "ads"):
        assert "wrong" in states(found)[about], about
    for several in found.values():
        assert all(each["mend"] for each in several if each["state"] == "wrong")
    assert "BIZPROC_MAIL_PASSWORD" in found["mail"][0]["mend"]
    assert "BIZPROC_PAYMENTS_STRIPE_KEY and BIZPROC_PAYMENTS_STRIPE_WEBHOOK_SECRET" in found["payments"][0]["mend"]


def test_a_port_that_there_is_not_is_a_wrong_setting(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIZPROC_WEB_PORT", "70000")
    (found,) = findings(run, code=1)["settings"][:1]
    assert found["state"] == "wrong"
    assert "BIZPROC_WEB_PORT: web.port: expected a port, 0 to 65535, got 70000." in found["said"]
    assert found["mend"].startswith("Set the variable BIZPROC_WEB_PORT anew")


def test_secrets_are_named_and_never_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = [each.variable for each in every_setting() if each.secret]
    assert "BIZPROC_MAIL_PASSWORD" in secrets
    for name in secrets:
        monkeypatch.setenv(name, "hush-hush")
    ran = run("doctor")
    assert "hush" not in ran.output
    told = re.sub(r"\s+", " ", ran.stdout)
    assert all(name in told for name in secrets)


def test_a_setting_that_is_unknown_is_wrong_and_all_else_is_looked_at(run: Run, here: Path) -> None:
    (here / "bizproc.toml").write_text("stor = 'x'\n", "utf-8")
    found = findings(run, code=1)
    assert "there is no setting 'stor'" in found["settings"][0]["said"]
    assert {"python", "sqlite", "disk", "zones"} <= found.keys()


def test_a_variable_that_is_no_setting_is_told_of(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIZPROC_MAIL_PASWORD", "hush-hush")
    found = findings(run, code=0)
    assert any("BIZPROC_MAIL_PASWORD is no setting" in each["said"] for each in found["settings"])


def test_a_module_that_cannot_be_loaded_is_wrong_and_what_it_prints_is_no_part_of_the_answer(
    run: Run, here: Path
) -> None:
    (here / "tea.py").write_text("print('I am here')\nraise ValueError('no tea')", "utf-8")
    found = findings(run, "--processes", "tea", code=1)
    assert "ValueError: no tea" in found["processes"][0]["said"]


def test_a_store_is_looked_through_and_left_as_it_is(run: Run, here: Path, company: Company) -> None:
    assert company
    before = contents(here)
    found = findings(run, code=0)
    assert found["store"][0]["said"].endswith("whole")
    assert found["owner"][0]["said"] == "nobody runs it now"
    assert contents(here) == before


def test_beside_a_serve_it_names_its_process_and_disturbs_nothing(run: Run, here: Path) -> None:
    with serving(here, "--json") as served:
        served.event("serving")
        found = findings(run, code=0)
        assert found["owner"][0]["said"] == f"process {served.pid} runs it"
        assert run("start", "sales.greet", "--name", "Kim", "--processes", "sales").exit_code == 0
        served.event("ended", state="completed")


@pytest.mark.parametrize(
    ("statement", "said"),
    [("PRAGMA user_version = 99", "has schema 99"), ("PRAGMA application_id = 7", "not a bizproc store")],
)
def test_a_store_that_is_not_ours_to_open_is_wrong(
    run: Run, here: Path, company: Company, statement: str, said: str
) -> None:
    assert company
    connection = driver().connect(here / "bizproc.db")
    connection.execute(statement)
    connection.commit()
    connection.close()
    (found,) = findings(run, code=1)["store"]
    assert said in found["said"]


def test_a_damaged_store_is_wrong(run: Run, here: Path, company: Company) -> None:
    assert company
    path = here / "bizproc.db"
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 12] = b"\xa5" * (4096 * 9)
    path.write_bytes(bytes(data))
    (found,) = findings(run, code=1)["store"]
    assert "is damaged" in found["said"]
    assert found["mend"] == "Take the last backup, and keep the damaged file."


def test_a_clock_behind_the_store_is_wrong(here: Path, company: Company) -> None:
    assert company
    url = f"sqlite:///{here / 'bizproc.db'}"
    now = datetime.now(UTC)
    state = {each.about: each.state for each in examining.store(url, now - timedelta(days=1))}
    assert state["clock"] == "wrong"
    assert {each.about: each.state for each in examining.store(url, now + timedelta(days=1))}["clock"] == "right"


def test_a_disk_with_no_room_for_a_copy_is_wrong() -> None:
    room = examining.LEAST_ROOM
    for size, free, state in ((0, room, "right"), (0, room - 1, "wrong"), (3 * room, 2 * room, "wrong")):
        (found,) = examining._room(Path("crm.db"), size, free)
        assert found.state == state


def test_what_an_extra_brings_is_what_is_looked_for() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    distributions = packages_distributions()
    for extra, modules in reaching.PACKAGES.items():
        asked = {re.split(r"[^\w-]", each)[0].lower() for each in extras[extra]}
        assert {distributions[module][0].lower() for module in modules} == asked
        assert examining.missing(extra) == []


def test_packages_that_are_missing_are_wrong_only_where_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examining, "PACKAGES", {"mail": ("no_such_package",)})
    (found,) = examining.packages("mail", needed=True)
    assert (found.state, found.mend) == ("wrong", "pip install 'bizproc[mail]'")
    (found,) = examining.packages("mail", needed=False)
    assert found.state == "note"


def lack(monkeypatch: pytest.MonkeyPatch, *extras: str) -> None:
    """As where these extras are not installed."""
    without = dict(reaching.PACKAGES) | dict.fromkeys(extras, ("no_such_package",))
    for module in (examining, reaching):
        monkeypatch.setattr(module, "PACKAGES", without)


def test_a_new_project_without_any_extra_is_well(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("new"))
    assert run("init", "tea").exit_code == 0
    monkeypatch.chdir("tea")
    lack(monkeypatch, *reaching.PACKAGES)
    found = findings(run, code=0)
    for extra in reaching.PACKAGES:
        assert f"pip install 'bizproc[{extra}]'" in found[extra][0]["mend"]
    assert here.is_dir()


def test_an_extra_that_the_settings_ask_for_is_wrong_where_it_is_missing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    lack(monkeypatch, "web", "documents")
    monkeypatch.setenv("BIZPROC_WEB_PUBLIC_URL", "https://crm.example.com")
    monkeypatch.setenv("BIZPROC_DOCUMENTS_TIMEOUT", "60")
    found = findings(run, code=1)
    assert (states(found)["web"], states(found)["documents"][0]) == (["wrong"], "wrong")
    monkeypatch.setenv("BIZPROC_WEB_PORT", "0")
    assert states(findings(run, code=1))["web"] == ["note", "note"]


MAILING = """
from bizproc import crm, process
from bizproc.model import Deal

@process("tea.thank")
async def thank(deal: Deal) -> None:
    await crm.deal.send_email(to="client", subject="Thanks", body="For the tea")

@process("tea.bill")
async def bill(deal: Deal) -> None:
    await crm.deal.get_payment_link()
"""


def test_what_a_process_asks_for_is_wrong_where_it_is_missing(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "tea.py").write_text(MAILING, "utf-8")
    found = findings(run, "--processes", "tea", code=1)
    (mail,) = found["mail"]
    assert mail["said"] == "tea.thank asks for deal.send_email, and there is no mail server"
    assert mail["mend"] == "[mail] host in bizproc.toml"
    assert "wrong" not in states(found)["web"]
    lack(monkeypatch, "web", "payments")
    monkeypatch.setenv("BIZPROC_MAIL_HOST", "smtp.example.com")
    found = findings(run, "--processes", "tea", code=1)
    assert "wrong" not in states(found)["mail"]
    assert found["payments"][0]["mend"] == "pip install 'bizproc[web]'"


def test_a_recipe_that_cannot_run_is_wrong(run: Run, here: Path) -> None:
    (here / "bizproc.toml").write_text("[recipes.late]\nrecipe = 'tea.late'\n", "utf-8")
    (found,) = findings(run, code=1)["recipes"]
    assert "it is not installed" in found["said"]
    assert found["mend"].startswith("Install or mend it.")


def test_a_clock_that_is_before_all_of_this_is_wrong() -> None:
    assert examining.clock(examining.WRITTEN - timedelta(days=1)).state == "wrong"
    assert examining.clock(examining.WRITTEN).state == "right"


def test_a_store_in_a_folder_that_is_not_there_is_wrong(run: Run, here: Path) -> None:
    (found,) = findings(run, "--store", f"sqlite:///{here}/no/crm.db", code=1)["store"]
    assert found["mend"]


def test_every_provider_is_looked_at() -> None:
    sections = {each.name for each in attrs.fields(Settings) if attrs.has(type(each.default))}
    assert sections == set(examining.PROVIDERS) == set(reaching.PACKAGES)
