"""The HTML of mails with hostile text, as it came to a mail server, in a real browser: nothing runs or breaks out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import pytest

from bizproc import crm
from bizproc.adapters.file_folder import MemoryFiles
from bizproc.adapters.smtp import SmtpChannel
from bizproc.model import MultiField
from bizproc.model.tokens import Signer
from bizproc.settings import MailSettings
from bizproc.testing import World
from tests.contract.outsiders import LOOPBACK, Letters, Pages, mail_server, web_server
from tests.contract.test_smtp import part, read
from tests.unit.web.test_in_a_browser import BROWSERS, looked_at

pytestmark = pytest.mark.no_crash("a mail server and a browser are outside")
in_a_browser = pytest.mark.needs(*BROWSERS)

BEGIN, END, SIGNED = "Dear Jo, this is the beginning", "this is the end", "Ada of Tea Traders"
RUN: Final = "document.title='owned';new Image().src='{url}/ran'"

WAYS: Final = (
    "<script>{run}</script>",
    "<scr<script>ipt>{run}</script>",
    '<img src=x onerror="{run}">',
    '<svg/onload="{run}"><svg><script>{run}</script></svg>',
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={run}&gt;">',
    '<iframe srcdoc="<script>parent.document.title=1;{run}</script>" src="{url}/ran"></iframe>',
    '<object data="{url}/ran"></object><embed src="{url}/ran">',
    '<link rel=stylesheet href="{url}/ran"><style>@import "{url}/ran";*{{display:none}}</style>',
    '<meta http-equiv=refresh content="0;url={url}/ran"><base href="{url}/ran/">',
    '<form action="{url}/ran"><input autofocus onfocus="{run}"><button>x</button></form>',
    '<details open ontoggle="{run}"><summary>x</summary></details><video><source onerror="{run}"></video>',
    '<p style="position:fixed;top:0;left:0;width:100%;height:100%;background:url({url}/ran)">over</p>',
    '<a href="java&#10;script:{run}">x</a><a href="data:text/html,<script>{run}</script>">y</a>',
    '<body onload="{run}"></body></html><script>{run}</script><!-- <plaintext> <!--[if IE]><script>{run}</script>',
    '<template><script>{run}</script></template><noscript><p title="</noscript><img src=x onerror={run}>">',
    '[url=javascript:{run}]x[/url][img]javascript:{run}[/img][img]x" onerror="{run}[/img]',
    '[url=https://a.example/" onmouseover="{run}]x[/url][color=red;position:fixed" onclick="{run}]y[/color]',
)
NEVER: Final = {
    *("script", "style", "iframe", "object", "embed", "link", "base", "form", "input", "button", "svg", "math"),
    *("template", "noscript", "video", "audio", "source", "plaintext", "textarea", "frame", "frameset"),
}
SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*:")
SCHEMES: Final = ("http:", "https:", "mailto:", "tel:")


class Found(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def wrong(self) -> Iterator[str]:
        """What could run, load by itself, or lie over the rest."""
        for tag, attributes in self.elements:
            if tag in NEVER or (tag == "meta" and set(attributes) != {"charset"}):
                yield tag
            for name, value in attributes.items():
                # As a browser reads it: blanks and control characters are not there.
                scheme = SCHEME.match("".join(value.lower().split()))
                led = name in ("href", "src", "action", "background") and scheme and scheme[0] not in SCHEMES
                styled = name == "style" and any(word in value for word in ("position", "url(", "display"))
                if name.startswith("on") or name == "srcdoc" or led or styled:
                    yield f"{tag} {name}={value}"


async def html_of(text: str, text_type: Any, url: str) -> str:
    """The HTML of a mail with this text, sent by the CRM over a mail server."""
    letters = Letters()

    async def signer() -> Signer:
        return Signer(bytes(32))

    async with mail_server(letters) as port:
        settings = MailSettings(host=LOOPBACK, port=port, security="none", timeout=20, signature=SIGNED)
        async with World.open(channels=[SmtpChannel(settings, url, MemoryFiles(), signer)]) as world:
            user = await world.user(email="ada@firm.example")
            contact = await world.contact(emails=[MultiField("jo@client.example")])
            deal = await world.deal(responsible_id=user.id, contact_ids=[contact.id])
            await world.perform(crm.deal(deal).send_email(text, text, text_type=text_type))
    [envelope] = letters.taken
    return part(read(envelope), "html")


async def seen(page: str, pages: Pages, folder: Path) -> tuple[str, bool]:
    """The page as a browser has it at last; and whether something of it ran, or was loaded by itself."""
    before = len(pages.requests)
    file = folder / "mail.html"
    file.write_text(page, "utf-8")
    dom = await looked_at(file.as_uri(), folder)
    asked = [each.line for each in pages.requests[before:]]
    return dom, ">owned<" in dom or any("/ran" in line for line in asked)


def elsewhere() -> Pages:
    return Pages(lambda _plan, _request: (200, {"Content-Type": "text/html"}, b"<p>elsewhere</p>"))


@in_a_browser
@pytest.mark.parametrize("text_type", ["html", "bbcode"])
async def test_a_mail_with_hostile_text_runs_nothing_and_stays_where_it_is(text_type: str, tmp_path: Path) -> None:
    pages = elsewhere()
    async with web_server(pages) as url:
        run = RUN.format(url=url)
        hostile = "\n".join(way.format(run=run, url=url) for way in WAYS)
        page = await html_of(f"{BEGIN}\n{hostile}\n<p>{END}</p>", text_type, url)
        dom, ran = await seen(page, pages, tmp_path)
        opened = [each.line for each in pages.requests if "/mail/open/" in each.line]
    assert not ran
    assert len(opened) == 1  # the picture at the end is loaded: the browser came that far
    assert list(Found(page).wrong()) == list(Found(dom).wrong()) == []
    assert dom.index(BEGIN) < dom.index(SIGNED) < dom.index("/mail/open/")
    if text_type == "bbcode":
        assert (
            dom.index(BEGIN) < dom.index("&lt;script&gt;") < dom.index(f"&lt;p&gt;{END}&lt;/p&gt;") < dom.index(SIGNED)
        )


@pytest.mark.parametrize("way", range(len(WAYS)))
async def test_each_way_alone_leaves_the_rest_of_a_mail_as_it_is(way: int) -> None:
    url = "http://127.0.0.1:9"
    text = f"{BEGIN}{WAYS[way].format(run=RUN.format(url=url), url=url)}"
    for text_type in ("html", "bbcode"):
        page = await html_of(text, text_type, url)
        assert list(Found(page).wrong()) == []
        assert page.index(BEGIN) < page.index(SIGNED)
        assert page.rstrip().endswith("</html>")
        assert page.count("</body>") == page.count("<body>") == 1


@in_a_browser
async def test_a_browser_would_run_what_is_not_cleaned(tmp_path: Path) -> None:
    pages = elsewhere()
    async with web_server(pages) as url:
        for way in (WAYS[0], WAYS[2], WAYS[6], WAYS[8]):
            page = f"<!DOCTYPE html><title>mail</title><body>{way.format(run=RUN.format(url=url), url=url)}</body>"
            _dom, ran = await seen(page, pages, tmp_path)
            assert ran, way
            assert list(Found(page).wrong())
