"""Settings: the file, the environment, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from bizproc.core.errors import SettingsError
from bizproc.settings import Settings, read


def write(folder: Path, text: str) -> Path:
    (folder / "bizproc.toml").write_text(text, "utf-8")
    return folder


def test_without_file_and_environment_all_is_as_it_comes(tmp_path: Path) -> None:
    assert read(tmp_path, {}) == Settings()


def test_a_table_of_the_file_and_variables_of_its_name(tmp_path: Path) -> None:
    write(tmp_path, 'currency = "USD"\n[mail]\nhost = "mail.example"\nport = 25\n')
    settings = read(tmp_path, {"BIZPROC_MAIL_USERNAME": "ann", "BIZPROC_MAIL_PORT": "26", "BIZPROC_CURRENCY": "EUR"})
    assert (settings.currency, settings.mail.host, settings.mail.port) == ("USD", "mail.example", 25)
    assert settings.mail.username == "ann"


def test_a_secret_comes_from_the_environment_alone_and_is_not_shown(tmp_path: Path) -> None:
    settings = read(tmp_path, {"BIZPROC_MAIL_PASSWORD": "pssst"})
    assert settings.mail.password == "pssst"
    assert "pssst" not in repr(settings)
    write(tmp_path, '[mail]\npassword = "pssst"\n')
    with pytest.raises(SettingsError, match="BIZPROC_MAIL_PASSWORD") as raised:
        read(tmp_path, {})
    assert "pssst" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[mial]\nhost = "x"', "no setting 'mial'"),
        ('[mail]\nhots = "x"', "no setting 'mail.hots'"),
        ('mail = "x"', r"a table \[mail\]"),
        ("[mail]\nport = true", "mail.port: expected a whole number, got True"),
        ('[mail]\nsecurity = "ssl"', "starttls, tls, none"),
        ("[web]\nport = 99999", r"web.port: expected a port, 0 to 65535, got 99999\."),
        ("[web]\nport = -1", r"web.port: expected a port, 0 to 65535, got -1\."),
        ("[mail]\nport = 65536", r"mail.port: expected a port, 1 to 65535, got 65536\."),
        ("[mail]\nport = 0", r"mail.port: expected a port, 1 to 65535, got 0\."),
        ('[ads]\ngoogle_consent = "yes"', "granted, denied, unspecified"),
        ('time_zone = "Paris"', "Europe/Paris"),
        ('language = "de"', "en, fr"),
        ("keep_in_memory = -1", "0 or more"),
        ('currency = "EURO"', "currency: expected a currency's code by ISO 4217, like EUR, got 'EURO'"),
        ('currency = "eur"', "got 'eur'"),
        ('curency = "EUR"', "Did you mean 'currency'"),
        ("processes = 5", "a list of texts"),
        ("currency = ", "not TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        read(write(tmp_path, text), {})


def test_a_number_in_the_environment_is_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="BIZPROC_MAIL_PORT"):
        read(tmp_path, {"BIZPROC_MAIL_PORT": "many"})


def test_a_port_of_the_environment_that_there_is_not_is_mended_there(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"BIZPROC_WEB_PORT: web\.port: expected a port, 0 to 65535, got 65536"
    ) as raised:
        read(tmp_path, {"BIZPROC_WEB_PORT": "65536"})
    assert raised.value.what_now.startswith("Set the variable BIZPROC_WEB_PORT anew")
    assert read(tmp_path, {"BIZPROC_WEB_PORT": "65535"}).web.port == 65535


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    write(tmp_path, "").joinpath("bizproc.toml").write_bytes(b"\xff")
    with pytest.raises(SettingsError, match=r"bizproc\.toml: it is not TOML"):
        read(tmp_path, {})


def test_a_folder_of_that_name_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "bizproc.toml").mkdir()
    with pytest.raises(SettingsError, match=r"bizproc\.toml: it cannot be read: "):
        read(tmp_path, {})


@pytest.mark.parametrize(
    ("where", "what_now"),
    [
        ("bizproc.toml", "Mend it in bizproc.toml; "),
        ("BIZPROC_CURRENCY", "Set the variable BIZPROC_CURRENCY anew, or unset it; "),
        ("--store", "Give another --store, or leave it out."),
        ("[mail]", "Do that, or leave the table [mail] of bizproc.toml "),
        ("sms.provider", "Mend it in bizproc.toml, or in the variable BIZPROC_SMS_PROVIDER; "),
        ("store 'crm.db'", "Mend it where it was said: "),
    ],
)
def test_it_is_mended_where_it_came_from(where: str, what_now: str) -> None:
    assert SettingsError(where=where, detail="it is wrong.").what_now.startswith(what_now)


def test_a_currency_is_mended_where_it_was_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        read(tmp_path, {"BIZPROC_CURRENCY": "EURO"})
    assert raised.value.where == "BIZPROC_CURRENCY"
    with pytest.raises(SettingsError) as raised:
        read(write(tmp_path, "currency = 'EURO'"), {"BIZPROC_CURRENCY": "EUR"})
    assert raised.value.where == "bizproc.toml"
