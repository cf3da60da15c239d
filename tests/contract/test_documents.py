"""
The channel `documents`: one suite for the fake and the real maker; then what the real one does with hostile input.

A PDF of a .docx needs LibreOffice, and looking at a page needs pdftoppm: tests that do are skipped where they are not.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from bizproc.adapters.documents import DocumentMaker
from bizproc.adapters.documents.libreoffice import program
from bizproc.adapters.file_folder import FolderFiles, MemoryFiles
from bizproc.core.errors import SendRefused
from bizproc.ports.channel import Channel
from bizproc.ports.documents import Content, Form, Made, Paper
from bizproc.ports.files import Files
from bizproc.settings import DocumentSettings
from bizproc.testing.papers import FakeDocuments
from tests.engine.paper_templates import OFFER, TYPST_OFFER, docx, png, text_of_docx

NOON = datetime(2030, 1, 7, 12, tzinfo=UTC)
NASTY = 'Ça <b>&amp;</b> "q" {{ number }} {% raw %} #eval("1") $x$ \\u{41} ]]> *b* _i_ @ref <w:t/>'

VALUES: dict[str, Any] = {
    "number": "7",
    "date": "1/7/2030",
    "company": {"title": NASTY},
    "contact": {"title": "Jo Doe", "phones": "+33 1"},
    "my_company": {"title": "Tea Traders"},
    "my_company_details": {"vat_id": "FR-1"},
    "my_company_bank": {"iban": "FR76-1"},
    "deal": {"amount": "€145.00"},
    "rows": [
        {"number": "1", "name": "Assam", "quantity": "10", "price": "€12.50", "sum": "€125.00"},
        {"number": "2", "name": "Darjeeling", "quantity": "1", "price": "€20.00", "sum": "€20.00"},
    ],
}


@pytest.fixture
def files() -> MemoryFiles:
    return MemoryFiles()


@pytest.fixture
def real(files: MemoryFiles) -> DocumentMaker:
    return DocumentMaker(files, DocumentSettings(timeout=30))


@pytest.fixture(params=["fake", "real"])
def maker(request: pytest.FixtureRequest, files: MemoryFiles) -> Channel:
    if request.param == "fake":
        return FakeDocuments(files=files)
    return DocumentMaker(files, DocumentSettings(timeout=30))


async def paper(
    files: Files,
    form: Form,
    template: bytes | str,
    *,
    values: Mapping[str, Any] = VALUES,
    pictures: Mapping[str, bytes] | None = None,
    pdf: bool = False,
) -> Paper:
    content = template.encode() if isinstance(template, str) else template
    sha256, _ = await files.put(content)
    kept = {name: (await files.put(picture))[0] for name, picture in (pictures or {}).items()}
    return Paper(form=form, template=sha256, values=values, pictures=kept, pdf=pdf, made_at=NOON)


async def got(files: MemoryFiles, content: Content | None) -> bytes:
    assert content is not None
    data = await files.get(content.sha256)
    assert len(data) == content.size
    return data


async def refusal(maker: Channel, asked: Paper) -> str:
    with pytest.raises(SendRefused) as raised:
        await maker.send(asked, "key")
    return raised.value.reason


# -- the contract ------------------------------------------------------------------------------------------------------


async def test_a_word_template_becomes_a_filled_document(maker: Channel, files: MemoryFiles) -> None:
    made: Made = await maker.send(await paper(files, "docx", docx(*OFFER)), "key")
    assert await got(files, made.filled)
    assert (made.pdf, made.reason) == (None, "")


async def test_a_typst_template_becomes_a_pdf_and_nothing_else(maker: Channel, files: MemoryFiles) -> None:
    made: Made = await maker.send(await paper(files, "typst", TYPST_OFFER), "key")
    assert (await got(files, made.pdf)).startswith(b"%PDF-")
    assert (made.filled, made.reason) == (None, "")


async def test_a_pdf_of_a_word_document_is_made_or_it_is_said_why_not(maker: Channel, files: MemoryFiles) -> None:
    made: Made = await maker.send(await paper(files, "docx", docx("Tea"), pdf=True), "key")
    assert made.filled is not None
    assert (made.pdf is None) == (made.reason != "")
    again: Made = await maker.send(await paper(files, "filled", await got(files, made.filled), pdf=True), "key")
    assert again.filled is None
    assert (again.pdf is None) == (again.reason != "")


@pytest.mark.parametrize("form", ["docx", "typst"])
async def test_the_same_paper_twice_is_the_same_document(maker: Channel, files: MemoryFiles, form: Form) -> None:
    assert maker.deduplicates
    asked = await paper(
        files, form, docx(*OFFER) if form == "docx" else TYPST_OFFER, pictures={"stamp": png((9, 9, 9))}
    )
    assert await maker.send(asked, "key") == await maker.send(asked, "key")


# -- what stands in it -------------------------------------------------------------------------------------------------


async def test_a_word_document_says_what_the_values_say(real: DocumentMaker, files: MemoryFiles) -> None:
    made = await real.send(await paper(files, "docx", docx(*OFFER)), "key")
    text = text_of_docx(await got(files, made.filled))
    assert "Offer 7 of 1/7/2030" in text
    assert f"For {NASTY}, Jo Doe (+33 1)" in text
    assert "From Tea Traders, VAT FR-1, IBAN FR76-1" in text
    assert "1. Assam: 10 × €12.50; 2. Darjeeling: 1 × €20.00; " in text


async def test_a_word_document_bears_its_pictures(real: DocumentMaker, files: MemoryFiles) -> None:
    pictures = {"stamp": png((200, 30, 30)), "signature": png((30, 30, 200))}
    stamped = await real.send(await paper(files, "docx", docx(*OFFER), pictures=pictures), "key")
    plain = await real.send(await paper(files, "docx", docx(*OFFER)), "key")

    async def media(made: Made) -> set[bytes]:
        with zipfile.ZipFile(io.BytesIO(await got(files, made.filled))) as parts:
            return {parts.read(name) for name in parts.namelist() if name.startswith("word/media/")}

    assert await media(stamped) == set(pictures.values())
    assert await media(plain) == set()


async def test_a_typst_pdf_says_what_the_values_say_and_bears_its_pictures(
    real: DocumentMaker, files: MemoryFiles
) -> None:
    pictures = {"stamp": png((200, 30, 30)), "signature": png((30, 30, 200))}
    made = await real.send(await paper(files, "typst", TYPST_OFFER, pictures=pictures), "key")
    (page,) = PdfReader(io.BytesIO(await got(files, made.pdf))).pages
    text = page.extract_text()
    for part in ("Offer 7 of 1/7/2030", "Jo Doe", "VAT FR-1", "IBAN FR76-1", "Darjeeling", "€20.00", "€145.00"):
        assert part in text, text
    for nasty in ("<b>&amp;</b>", "{{ number }}", '#eval("1")', "$x$", "*b*", "@ref"):
        assert nasty in text.replace("\n", " "), text
    assert len(page.images) == 2


@pytest.mark.needs("pdftoppm")
async def test_a_page_shows_stamp_and_signature_in_their_colours(
    real: DocumentMaker, files: MemoryFiles, tmp_path: Path
) -> None:
    pictures = {"stamp": png((200, 30, 30)), "signature": png((30, 30, 200))}
    made = await real.send(await paper(files, "typst", TYPST_OFFER, pictures=pictures), "key")
    pixels = seen(await got(files, made.pdf), tmp_path)
    for color in (b"\xc8\x1e\x1e", b"\x1e\x1e\xc8"):
        assert pixels.count(color) > 500
    assert pixels.count(b"\xff\xff\xff") > len(pixels) // 6


def seen(pdf: bytes, folder: Path) -> bytes:
    """The pixels of the first page."""
    (folder / "seen.pdf").write_bytes(pdf)
    subprocess.run(["pdftoppm", "-r", "60", "-singlefile", "seen.pdf", "seen"], cwd=folder, check=True, timeout=60)
    return (folder / "seen.ppm").read_bytes()


@pytest.mark.needs("soffice", "libreoffice")
async def test_libreoffice_makes_the_pdf_of_a_word_document(real: DocumentMaker, files: MemoryFiles) -> None:
    slow = DocumentMaker(files, DocumentSettings(timeout=120))
    pictures = {"stamp": png((200, 30, 30))}
    made = await slow.send(await paper(files, "docx", docx(*OFFER), pictures=pictures, pdf=True), "key")
    assert made.reason == ""
    (page,) = PdfReader(io.BytesIO(await got(files, made.pdf))).pages
    text = page.extract_text()
    for part in ("Offer 7 of 1/7/2030", "Jo Doe", "VAT FR-1", "Darjeeling"):
        assert part in text, text
    assert len(page.images) == 1
    again = await slow.send(await paper(files, "filled", await got(files, made.filled), pdf=True), "key")
    assert again.pdf is not None


@pytest.mark.skipif(program("") is not None, reason="LibreOffice is installed")
async def test_without_libreoffice_it_is_said_what_to_install(real: DocumentMaker, files: MemoryFiles) -> None:
    made = await real.send(await paper(files, "docx", docx("Tea"), pdf=True), "key")
    assert "LibreOffice is not installed" in made.reason


async def converted_by(files: MemoryFiles, tmp_path: Path, script: str, seconds: int = 30) -> Made:
    """What a program of these lines in place of LibreOffice comes to."""
    office = tmp_path / "office"
    office.write_text(f"#!/bin/sh\n{script}\n")
    office.chmod(0o755)
    maker = DocumentMaker(files, DocumentSettings(libreoffice=str(office), timeout=seconds))
    return await maker.send(await paper(files, "filled", docx("Tea"), pdf=True), "key")


async def test_the_converter_is_called_with_a_profile_of_its_own(files: MemoryFiles, tmp_path: Path) -> None:
    made = await converted_by(
        files, tmp_path, 'grep -rq BlockUntrustedRefererLinks profile && echo "$@" > filled.pdf; env >> filled.pdf'
    )
    said = (await got(files, made.pdf)).decode()
    assert "--headless --norestore" in said
    assert "--convert-to pdf" in said
    assert "-env:UserInstallation=file:///" in said
    assert "BIZPROC" not in said


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo broken; exit 77", "no PDF (it ended with 77): broken"),
        ("touch filled.pdf", "no PDF"),
        ("sleep 60", "longer than 1 seconds"),
        ("sleep 60 & sleep 60", "longer than 1 seconds"),
    ],
)
async def test_a_converter_that_fails_is_said_to(files: MemoryFiles, tmp_path: Path, script: str, why: str) -> None:
    made = await converted_by(files, tmp_path, script, seconds=1)
    assert made.pdf is None
    assert why in made.reason


async def test_a_converter_that_is_not_there_is_named(files: MemoryFiles) -> None:
    maker = DocumentMaker(files, DocumentSettings(libreoffice="/nowhere/soffice"))
    made = await maker.send(await paper(files, "filled", docx("Tea"), pdf=True), "key")
    assert "there is no program '/nowhere/soffice'" in made.reason


# -- templates that are wrong, and hostile ones ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["{{ nothing }}"], "names a value that there is not: 'nothing'"),
        (["{{ company.nothing }}"], "names a value that there is not"),
        (["{% for %}"], "TemplateSyntaxError"),
        (["{{ number.__class__.__mro__ }}"], "unsafe"),
        (["{{ ''.__class__ }}"], "unsafe"),
        (["{{ lipsum.__globals__ }}"], "unsafe"),
        (["{% include '/etc/passwd' %}"], "no loader"),
        (["{% for x in range(10 ** 9) %}x{% endfor %}"], "Range too big"),
        (["{{ 1 / 0 }}"], "division by zero"),
    ],
)
async def test_a_word_template_that_is_wrong_is_refused_with_why(
    real: DocumentMaker, files: MemoryFiles, lines: list[str], why: str
) -> None:
    reason = await refusal(real, await paper(files, "docx", docx(*lines)))
    assert why in reason
    assert len(reason) < 400


@pytest.mark.parametrize("content", [b"", b"tea", b"PK\x03\x04", b"PK\x05\x06" + b"\0" * 18])
async def test_what_is_no_word_document_is_refused(real: DocumentMaker, files: MemoryFiles, content: bytes) -> None:
    assert "docx" in await refusal(real, await paper(files, "docx", content))


async def test_a_word_template_that_unpacks_to_too_much_is_refused(real: DocumentMaker, files: MemoryFiles) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("word/document.xml", b"\0" * (101 << 20))
    assert "too large" in await refusal(real, await paper(files, "docx", bomb.getvalue()))


IMAGE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OUTSIDE = f'Type="{IMAGE}" Target="file:///etc/passwd"'


def with_relation(template: bytes, relation: str, *, encoding: str = "utf-8") -> bytes:
    """A .docx whose document refers to something more."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(template)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "word/_rels/document.xml.rels":
                text = data.decode().replace("</Relationships>", f"{relation}</Relationships>")
                data = text.replace("UTF-8", encoding).encode(encoding)
            target.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    "relation",
    [
        f'<Relationship Id="rIdX" {OUTSIDE} TargetMode="External"/>',
        f'<Relationship Id="rIdX" {OUTSIDE} TargetMode="external"/>',
        f'<Relationship Id="rIdX" {OUTSIDE} TargetMode="&#69;xternal"/>',
        f'<Relationship Id="a>b" {OUTSIDE} TargetMode="External"/>',
        f'<Relationship TargetMode="External" Id="rIdX" Type="{IMAGE}" Target="file:///x/hyperlink/../../etc/passwd"/>',
        f'<p:Relationship xmlns:p="{RELATIONS}" Id="rIdX" {OUTSIDE} TargetMode="External"/>',
    ],
)
async def test_a_word_template_that_refers_to_files_outside_itself_is_refused(
    real: DocumentMaker, files: MemoryFiles, relation: str, encoding: str
) -> None:
    template = with_relation(docx("Tea"), relation, encoding=encoding)
    assert "outside itself" in await refusal(real, await paper(files, "docx", template))


async def test_a_word_template_may_have_links_for_readers(real: DocumentMaker, files: MemoryFiles) -> None:
    link = IMAGE.replace("image", "hyperlink")
    relation = f'<Relationship Id="rIdX" Type="{link}" Target="https://tea.example" TargetMode="External"/>'
    made = await real.send(await paper(files, "docx", with_relation(docx("Tea"), relation)), "key")
    assert text_of_docx(await got(files, made.filled)) == "Tea"


async def test_relations_that_are_no_xml_are_refused(real: DocumentMaker, files: MemoryFiles) -> None:
    template = with_relation(docx("Tea"), "<Relationship")
    assert "cannot be read" in await refusal(real, await paper(files, "docx", template))


async def test_a_word_template_whose_entities_grow_without_end_is_refused(files: MemoryFiles) -> None:
    maker = DocumentMaker(files, DocumentSettings(timeout=20))
    entities = "".join(f'<!ENTITY {b} "{f"&{a};" * 20}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(docx("Tea"))) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            text = source.read(name).decode("utf-8", "surrogateescape")
            if name == "word/document.xml":
                start, rest = text.split("?>", 1)
                text = f'{start}?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">{entities}]>{rest.replace("Tea", "&i;")}'
            target.writestr(name, text.encode("utf-8", "surrogateescape"))
    assert await refusal(maker, await paper(files, "docx", out.getvalue()))


async def test_entities_of_a_word_template_are_not_resolved(real: DocumentMaker, files: MemoryFiles) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(docx("Tea"))) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "word/document.xml":
                start, rest = data.split(b"?>", 1)
                data = start + b'?><!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + rest
                data = data.replace(b"Tea", b"Tea &e;")
            target.writestr(name, data)
    asked = await paper(files, "docx", out.getvalue())
    try:
        made = await real.send(asked, "key")
    except SendRefused:
        return
    with zipfile.ZipFile(io.BytesIO(await got(files, made.filled))) as parts:
        assert b"root:" not in parts.read("word/document.xml")


async def test_a_word_template_that_repeats_without_end_is_stopped(files: MemoryFiles) -> None:
    maker = DocumentMaker(files, DocumentSettings(timeout=2))
    loop = "".join(f"{{% for {name} in range(9999) %}}" for name in "abc") + "{% endfor %}" * 3
    assert "longer than 2 seconds" in await refusal(maker, await paper(files, "docx", docx(loop)))


@pytest.mark.parametrize("value", ["\x00", "a\x01b", "\x1b[31m", "\ud800", "\ufffe", "x" * 200_000, "a\nb\tc"])
async def test_values_that_xml_cannot_hold_do_no_harm(real: DocumentMaker, files: MemoryFiles, value: str) -> None:
    made = await real.send(await paper(files, "docx", docx("[{{ x }}]"), values={"x": value}), "key")
    text = text_of_docx(await got(files, made.filled))
    assert (text[0], text[-1]) == ("[", "]")


async def test_values_do_not_turn_the_direction_of_what_follows(real: DocumentMaker, files: MemoryFiles) -> None:
    values = {"x": "evil\u202e\u2067"}
    made = await real.send(await paper(files, "docx", docx("{{ x }} pay 100"), values=values), "key")
    assert text_of_docx(await got(files, made.filled)) == "evil pay 100"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("#let v = json(bytes(sys.inputs.values))\n\n#v.nothing", "nothing"),
        ("#(", "unclosed"),
        ('#read("/etc/passwd")', "not found"),
        ('#read("../template")', "path"),
        ('#read("../../../../../../etc/passwd")', "path"),
        ('#image("../job.json")', "path"),
        ('#import "@preview/cetz:0.2.2"', "package"),
        ("#while true {}", "true"),
        ('#panic("stop")', "stop"),
    ],
)
async def test_a_typst_template_that_is_wrong_or_looks_outside_is_refused(
    real: DocumentMaker, files: MemoryFiles, source: str, why: str
) -> None:
    reason = await refusal(real, await paper(files, "typst", source))
    assert why in reason.lower()
    assert len(reason) < 1000


async def test_a_typst_template_that_computes_without_end_is_stopped(files: MemoryFiles) -> None:
    maker = DocumentMaker(files, DocumentSettings(timeout=2))
    source = "#for a in range(99999) { for b in range(99999) { for c in range(99999) { let d = a * b * c } } }"
    assert "longer than 2 seconds" in await refusal(maker, await paper(files, "typst", source))


async def test_a_template_that_takes_all_memory_is_stopped(files: MemoryFiles) -> None:
    maker = DocumentMaker(files, DocumentSettings(timeout=20))
    source = '#let s = "x" * 1000000\n#let a = ()\n#for i in range(100000) { a.push(s + str(i)) }'
    assert await refusal(maker, await paper(files, "typst", source))


async def test_a_stamp_that_is_no_picture_is_refused(real: DocumentMaker, files: MemoryFiles) -> None:
    asked = await paper(files, "typst", TYPST_OFFER, pictures={"stamp": b"<svg/>"})
    assert "the stamp is no picture" in await refusal(real, asked)


async def test_a_template_whose_content_is_lost_is_refused(real: DocumentMaker, files: MemoryFiles) -> None:
    asked = await paper(files, "typst", TYPST_OFFER)
    files.contents.clear()
    assert asked.template in await refusal(real, asked)


async def test_the_program_that_fills_knows_no_secret(
    real: DocumentMaker, files: MemoryFiles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from bizproc.adapters.documents.child import run

    monkeypatch.setenv("BIZPROC_PAYMENTS_STRIPE_KEY", "sk_live_1")
    ended = await run(["env"], tmp_path, 10)
    assert "sk_live_1" not in ended.said
    assert json.dumps(str(tmp_path))[1:-1] in ended.said


async def test_nothing_is_left_behind_in_the_machines_folder(
    real: DocumentMaker, files: MemoryFiles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    await real.send(await paper(files, "typst", TYPST_OFFER), "key")
    assert await refusal(real, await paper(files, "typst", "#("))
    assert not any(os.scandir(tmp_path))


async def test_documents_are_made_beside_the_contents_of_the_store(tmp_path: Path) -> None:
    """So a start finds what a killed program left; and nothing is left by one that was not killed."""
    seen: list[list[str]] = []

    class Watched(FolderFiles):
        async def get(self, sha256: str) -> bytes:
            seen.append([each.name[:8] for each in (tmp_path / "work").iterdir()])
            return await super().get(sha256)

    files = Watched(tmp_path)
    await DocumentMaker(files, DocumentSettings()).send(await paper(files, "typst", TYPST_OFFER), "key")
    assert seen == [["bizproc-"]] * len(seen) != []
    assert not any(os.scandir(tmp_path / "work"))
