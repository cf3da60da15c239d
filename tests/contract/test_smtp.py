"""The mail server's adapter on a real SMTP server: how a mail travels, and what each end of the talk comes to."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from bizproc.adapters.file_folder import MemoryFiles
from bizproc.adapters.smtp import SmtpChannel, outside_of
from bizproc.core.errors import SendDelayed, SendRefused
from bizproc.model.tokens import Signer
from bizproc.ports.channel import Outside
from bizproc.ports.mail import Attachment, Mail
from bizproc.settings import MailSettings, Settings
from tests.contract.outsiders import LOOPBACK, Letters, Plan, hang_up, mail_server

SIGNER = Signer(bytes(32))
LINK = "https://a.example/?x=1&y=2"


async def signer() -> Signer:
    return SIGNER


def mail(**given: Any) -> Mail:
    fields: dict[str, Any] = {
        "message": 7,
        "message_id": "0123@firm.example",
        "sender": "Ada <ada@firm.example>",
        "recipient": "jo@client.example",
        "subject": "Tea",
        "text": "Dear [b]Jo[/b]",
    }
    return Mail(**{**fields, **given})


def channel(port: int, *, files: MemoryFiles | None = None, **given: Any) -> SmtpChannel:
    settings = MailSettings(**{"host": LOOPBACK, "port": port, "security": "none", "timeout": 20, **given})
    return SmtpChannel(settings, "https://crm.example/", files or MemoryFiles(), signer)


@asynccontextmanager
async def sending(letters: Letters, **given: Any) -> AsyncIterator[SmtpChannel]:
    async with mail_server(letters) as port:
        yield channel(port, **given)


async def sent(given: Mail, **options: Any) -> EmailMessage:
    """A mail as it came to the other side."""
    letters = Letters()
    async with sending(letters, **options) as channel:
        assert await channel.send(given, "key") == given.message_id
    [envelope] = letters.taken
    return read(envelope)


def read(envelope: Envelope) -> EmailMessage:
    content = cast("bytes", envelope.content)
    return message_from_bytes(content, policy=default)


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


# -- how it travels ----------------------------------------------------------------------------------------------------


async def test_the_text_stands_beside_the_html() -> None:
    message = await sent(mail(text="Dear [b]Jo[/b],\n[url=https://b.example]look[/url]"), signature="[i]Ada[/i]")
    assert (message["From"], message["To"], message["Subject"]) == (
        "Ada <ada@firm.example>",
        "jo@client.example",
        "Tea",
    )
    assert message["Message-ID"] == "<0123@firm.example>"
    assert message["Reply-To"] is None
    assert part(message, "plain") == "Dear Jo,\nlook (https://b.example)\n\nAda\n"
    html = part(message, "html")
    assert 'Dear <b>Jo</b>,<br>\n<a href="https://b.example">look</a><br>\n<br>\n<i>Ada</i>' in html
    assert f"https://crm.example/mail/open/{SIGNER.token('open', 7)}.gif" in html


async def test_links_that_are_counted_lead_over_our_page_in_the_html_alone() -> None:
    text = f"[url={LINK}]a[/url] [url=https://b.example]b[/url] [url={LINK}]again[/url]"
    message = await sent(mail(text=text, links=("https://other.example", LINK)))
    page = f"https://crm.example/mail/link/{SIGNER.token('click', 7, 1)}"
    html = part(message, "html")
    assert f'<a href="{page}">a</a> <a href="https://b.example">b</a> <a href="{page}">again</a>' in html
    assert LINK in part(message, "plain")


async def test_html_is_cleaned() -> None:
    html = (
        "<title>t</title><script>alert(1)</script><p onclick='x' style='color:red;position:fixed'>Dear <b>Jo</b></p>"
        "<img src=x onerror=alert(1)><a href='javascript:alert(1)'>go</a><iframe src=https://e.example></iframe>"
        "<svg><script>alert(1)</script></svg><form action=https://e.example><input name=x></form>"
        f"<a href='{LINK}'>look</a>"
    )
    message = await sent(mail(text=html, text_type="html", links=(LINK,)))
    said = part(message, "html")
    assert '<p style="color:red">Dear <b>Jo</b></p>' in said
    assert "/mail/link/" in said
    for gone in (
        "script",
        "alert",
        "onclick",
        "onerror",
        "javascript",
        "iframe",
        "form",
        "<input",
        "position",
        "title",
    ):
        assert gone not in said
    assert part(message, "plain") == "Dear Jo\ngolook (https://a.example/?x=1&y=2)\n"


async def test_texts_names_and_domains_of_all_the_world() -> None:
    given = mail(
        sender="Ünal, Ada 🍵 <ada@bücher.example>",
        recipient="jo@i❤.ws",
        message_id="0123@bücher.example",
        subject="Thé à Lyon 🍵" + " très" * 60,
        text="Où? 🍵\n.\n.a dot\n" + "long " * 500,
        reply_to=("ada@bücher.example", "sales@firm.example"),
    )
    letters = Letters()
    async with sending(letters) as channel:
        await channel.send(given, "key")
    [envelope] = letters.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("ada@xn--bcher-kva.example", ["jo@xn--i-7iq.ws"])
    assert cast("bytes", envelope.content).isascii()
    message = read(envelope)
    assert message["From"] == '"Ünal, Ada 🍵" <ada@xn--bcher-kva.example>'
    assert message["Subject"] == given.subject
    assert message["Reply-To"] == "ada@xn--bcher-kva.example, sales@firm.example"
    assert part(message, "plain").startswith("Où? 🍵\n.\n.a dot\nlong long ")


async def test_an_address_with_letters_of_all_the_world_needs_a_server_that_takes_them() -> None:
    letters = Letters()
    async with mail_server(letters, enable_SMTPUTF8=True) as port:
        await channel(port).send(mail(recipient="jörg@client.example"), "key")
    assert letters.taken[0].rcpt_tos == ["jörg@client.example"]
    async with mail_server(letters, enable_SMTPUTF8=False) as port:
        with pytest.raises(SendRefused, match="jörg"):
            await channel(port).send(mail(recipient="jörg@client.example"), "key")
    assert len(letters.taken) == 1


async def test_files_go_along_whatever_they_are_called() -> None:
    files = MemoryFiles()
    content = bytes(range(256)) * 9
    sha256, size = await files.put(content)
    attached = [
        Attachment(name, media_type, size, sha256)
        for name, media_type in [
            ("tea.pdf", "application/pdf"),
            ("Thé 🍵.txt", "text/plain"),
            ('a"b\r\nX: y', "multipart/mixed"),
            ("mail", "message/rfc822"),
            ("odd", "no media type\r\nX: y"),
        ]
    ]
    message = await sent(mail(attachments=tuple(attached)), files=files)
    found = [(each.get_filename(), each.get_content_type()) for each in message.iter_attachments()]
    assert found == [
        ("tea.pdf", "application/pdf"),
        ("Thé 🍵.txt", "text/plain"),
        ('a"b__X: y', "application/octet-stream"),
        ("mail", "application/octet-stream"),
        ("odd", "application/octet-stream"),
    ]
    assert all(each.get_payload(decode=True) == content for each in message.iter_attachments())
    assert "X" not in message


async def test_a_content_that_is_not_there_is_refused_before_anybody_is_asked() -> None:
    gone = Attachment("tea", "text/plain", 3, "0" * 64)
    with pytest.raises(SendRefused, match="0000"):
        await channel(1).send(mail(attachments=(gone,)), "key")


@pytest.mark.parametrize(
    "given",
    [
        {"subject": "Tea\r\nBcc: eve@evil.example"},
        {"recipient": "jo@client.example\r\nX: y"},
        {"sender": "Ada\n<a@b.c>"},
    ],
)
async def test_what_would_break_a_header_is_refused(given: dict[str, Any]) -> None:
    letters = Letters()
    async with sending(letters) as channel:
        with pytest.raises(SendRefused):
            await channel.send(mail(**given), "key")
    assert letters.taken == []


# -- what each end of the talk comes to --------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["MAIL", "RCPT", "TEXT"])
@pytest.mark.parametrize(("plan", "error"), [("refuse", SendRefused), ("delay", SendDelayed)])
async def test_the_server_says_no_for_good_or_for_now(where: str, plan: Plan, error: type[Exception]) -> None:
    letters = Letters(where=where)
    letters.plans.append(plan)
    async with sending(letters) as channel:
        with pytest.raises(error, match=r"550 no such box|451 come back later"):
            await channel.send(mail(), "key")
        await channel.send(mail(), "key")
    assert len(letters.taken) == 1


@pytest.mark.parametrize("where", ["MAIL", "RCPT"])
async def test_a_server_that_hangs_up_before_the_text_has_sent_nothing(where: str) -> None:
    letters = Letters(where=where)
    letters.plans.append("die before")
    async with sending(letters) as channel:
        with pytest.raises(SendDelayed):
            await channel.send(mail(), "key")
    assert letters.taken == []


class _HangsUpAtData(SMTP):
    """It hangs up when it is asked whether it takes the text."""

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802  as aiosmtpd has it
        hang_up(self)


async def test_a_server_that_hangs_up_when_asked_for_the_text_has_sent_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tests.contract.outsiders.SMTP", _HangsUpAtData)
    async with sending(Letters()) as channel:
        with pytest.raises(SendDelayed):
            await channel.send(mail(), "key")


@pytest.mark.parametrize("plan", ["die before", "die after"])
async def test_of_a_server_that_hangs_up_after_the_text_nobody_knows(plan: Plan) -> None:
    letters = Letters(where="TEXT")
    letters.plans.append(plan)
    async with sending(letters) as channel:
        with pytest.raises(ConnectionError) as raised:
            await channel.send(mail(), "key")
    assert not isinstance(raised.value, SendRefused | SendDelayed)
    assert len(letters.taken) == (plan == "die after")


async def test_where_nobody_listens_it_is_tried_later() -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        with pytest.raises(SendDelayed, match=LOOPBACK):
            await channel(taken.getsockname()[1]).send(mail(), "key")


async def test_a_mail_that_is_larger_than_the_server_says_is_refused() -> None:
    letters = Letters()
    async with mail_server(letters, data_size_limit=1000) as port:
        with pytest.raises(SendRefused):
            await channel(port).send(mail(text="x" * 2000), "key")
    assert letters.taken == []


# -- security ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", path, "-out", path.with_suffix(".crt")], check=True, capture_output=True)
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def trust(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))


async def test_starttls(context: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trust(certificate, monkeypatch)
    letters = Letters()
    async with mail_server(letters, tls_context=context, require_starttls=True) as port:
        await channel(port, security="starttls").send(mail(), "key")
    assert len(letters.taken) == 1


async def test_tls_from_the_beginning(
    context: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(certificate, monkeypatch)
    letters = Letters()
    async with mail_server(letters, implicit_tls=context) as port:
        await channel(port, security="tls").send(mail(), "key")
    assert len(letters.taken) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_that_cannot_show_who_it_is_gets_nothing(context: ssl.SSLContext, security: str) -> None:
    letters = Letters()
    options = {"tls_context": context} if security == "starttls" else {"implicit_tls": context}
    async with mail_server(letters, **options) as port:
        with pytest.raises(SendRefused, match="who it is"):
            await channel(port, security=security).send(mail(), "key")
    assert letters.taken == []


async def test_a_server_without_starttls_gets_nothing_in_the_clear() -> None:
    letters = Letters()
    async with sending(letters, security="starttls") as channel:
        with pytest.raises(SendRefused, match="STARTTLS"):
            await channel.send(mail(), "key")
    assert letters.taken == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("password", ["right", "wrong"])
async def test_user_name_and_password(password: str) -> None:
    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"ada", b"right"), handled=False)

    letters = Letters()
    async with mail_server(letters, authenticator=check, auth_require_tls=False, auth_required=True) as port:
        ours = channel(port, username="ada", password=password)
        if password == "right":
            await ours.send(mail(), "key")
        else:
            with pytest.raises(SendRefused, match="user name and password") as raised:
                await ours.send(mail(), "key")
            assert "wrong" not in str(raised.value)
    assert len(letters.taken) == (password == "right")


def test_without_a_host_there_is_no_mail_server() -> None:
    assert outside_of(Settings(), MemoryFiles(), signer) == Outside()
    made = outside_of(Settings(mail=MailSettings(host="mail.example")), MemoryFiles(), signer)
    assert list(made.channels) == ["mail"]
