"""Which channels a runtime has: those that its settings speak of, and nothing of the others is even imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bizproc import Runtime
from bizproc.core.errors import SettingsError
from bizproc.ports.channel import Outside
from bizproc.settings import AdsSettings, MailSettings, Settings, SmsSettings
from bizproc.testing import FakeMail

MEMORY = "sqlite:///:memory:"
MAIL = MailSettings(host="mail.example")


def asked_for(runtime: Runtime) -> list[str]:
    """Its channels, but for those that every runtime has."""
    return sorted(name for name in runtime.outside.channels if name.partition(".")[0] in ("mail", "sms", "ads"))


async def test_without_settings_there_are_none() -> None:
    async with Runtime.open(MEMORY) as runtime:
        assert asked_for(runtime) == []


async def test_those_that_the_settings_speak_of() -> None:
    sms = SmsSettings(provider="http", http_url="http://x", http_body="{to}")
    settings = Settings(mail=MAIL, sms=sms, ads=AdsSettings(meta_token="t", google_token="t"))
    async with Runtime.open(MEMORY, settings=settings) as runtime:
        assert asked_for(runtime) == ["ads.facebook", "ads.google", "mail", "sms", "sms.http"]
        assert {channel.deduplicates for name, channel in runtime.outside.channels.items() if "ads" in name} == {True}


async def test_what_was_given_is_not_replaced() -> None:
    fake = FakeMail()
    async with Runtime.open(MEMORY, settings=Settings(mail=MAIL), outside=Outside(channels={"mail": fake})) as runtime:
        assert runtime.outside.channels["mail"] is fake


@pytest.mark.parametrize(
    ("section", "settings", "package"),
    [
        ("mail", Settings(mail=MAIL), "aiosmtplib"),
        ("mail", Settings(mail=MAIL), "nh3"),
        ("sms", Settings(sms=SmsSettings(provider="http", http_url="http://x", http_body="{to}")), "phonenumbers"),
        ("ads", Settings(ads=AdsSettings(meta_token="t")), "httpx"),
    ],
)
async def test_a_package_that_is_not_installed_is_named_with_the_extra_that_brings_it(
    section: str, settings: Settings, package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in sys.modules if name.startswith("bizproc.adapters.")]:
        if name.partition("bizproc.adapters.")[2].split(".")[0] in ("smtp", "sms", "ads", "phones", "web_requests"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    store = f"sqlite:///{tmp_path / 'crm.db'}"
    for _ in range(2):  # the store is let go of, too
        with pytest.raises(SettingsError) as raised:
            async with Runtime.open(store, settings=settings):
                pass
        said = f"[{section}]: it is filled in, and the package {package} is missing: pip install 'bizproc[{section}]'."
        assert str(raised.value) == said
        assert "BIZPROC_" not in raised.value.what_now
        assert f"leave the table [{section}] of bizproc.toml" in raised.value.what_now


def test_a_runtime_without_channels_imports_nothing_of_them() -> None:
    code = (
        "import asyncio, sys\n"
        "from bizproc import Runtime\n"
        "async def main():\n"
        "    async with Runtime.open('sqlite:///:memory:'): pass\n"
        "asyncio.run(main())\n"
        "print(*sorted({'aiosmtplib', 'nh3', 'httpx', 'phonenumbers'} & sys.modules.keys()))"
    )
    root = Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert ran.stdout.split() == []
