"""
The program that fills templates: `python -m bizproc.adapters.documents.filling FOLDER`.

It finds `job.json` and `template` in the folder and leaves `filled.docx` or `made.pdf` there, or `refused.txt`, which
says to people why not. It limits itself before it looks at the template; who runs it limits its time.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from bizproc.ports.documents import PICTURES

MEMORY: Final = 2 << 30
"""Bytes of address space: compilers map much and touch little."""

LARGEST_PART: Final = 100 << 20
"""Bytes that all parts of a .docx may have together, unpacked."""

PICTURE_HEIGHT: Final = 25
"""Millimetres."""

REFUSED: Final = "refused.txt"


class Refused(Exception):
    """The template cannot be filled; says why."""


def main(folder: Path) -> int:
    """Do the job of a folder."""
    _limit_itself()
    try:
        job = json.loads((folder / "job.json").read_text("utf-8"))
        job["values"] = clean(job["values"])
        {"docx": fill_docx, "typst": compile_typst}[job["form"]](folder, job)
    except Refused as refused:
        (folder / REFUSED).write_text(str(refused), "utf-8")
        return 1
    return 0


# What XML cannot hold, and what turns the direction of all text that follows.
_UNWANTED: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def clean(value: Any) -> Any:
    """The values without characters that would do more than stand on paper."""
    match value:
        case str():
            return _UNWANTED.sub("", value)
        case dict():
            return {name: clean(each) for name, each in value.items()}
        case list():
            return [clean(each) for each in value]
        case _:
            return value


def _limit_itself() -> None:
    with suppress(ImportError, ValueError, OSError):  # not on every system
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


# -- .docx -------------------------------------------------------------------------------------------------------------


def fill_docx(folder: Path, job: Mapping[str, Any]) -> None:
    """Fill a template for Word through Jinja, in its sandbox and escaped."""
    template = folder / "template"
    _check_docx(template)
    try:
        from docx.opc.exceptions import PackageNotFoundError
        from docx.shared import Mm
        from docxtpl import DocxTemplate, InlineImage
        from jinja2 import StrictUndefined, TemplateError
        from jinja2.sandbox import SandboxedEnvironment
    except ImportError as error:
        raise Refused(_missing(error)) from None

    try:
        document = DocxTemplate(str(template))
        pictures = {
            name: InlineImage(document, str(folder / file), height=Mm(PICTURE_HEIGHT))
            for name, file in job["pictures"].items()
        }
        values = {**job["values"], **dict.fromkeys(PICTURES, ""), **pictures}
        environment = SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
        document.render(values, environment, autoescape=True)
        document.save(str(folder / "saved.docx"))
    except TemplateError as error:
        raise Refused(_in_words(error)) from None
    except MemoryError:
        raise Refused("it takes too much memory") from None
    except (PackageNotFoundError, KeyError, ValueError, TypeError, AttributeError, ArithmeticError, OSError) as error:
        raise Refused(f"the .docx cannot be filled: {type(error).__name__}: {error}") from None
    _pack_again(folder / "saved.docx", folder / "filled.docx")


def _in_words(error: Any) -> str:
    line = getattr(error, "lineno", None)
    message = re.sub(r"\s+", " ", str(error))[:300]
    if type(error).__name__ == "UndefinedError":
        return f"the template names a value that there is not: {message}"
    return f"{type(error).__name__}: {message}" + (f" (line {line} of a part of it)" if line else "")


def _check_docx(template: Path) -> None:
    """It is a .docx, it does not unpack to more than it may, and needs nothing from outside itself."""
    try:
        with zipfile.ZipFile(template) as parts:
            if sum(part.file_size for part in parts.infolist()) > LARGEST_PART:
                raise Refused("it is too large when it is unpacked")
            for part in parts.infolist():
                if part.filename.lower().endswith(".rels"):
                    _check_relations(part.filename, parts.read(part))
    # The last three: a compression that zipfile does not know, a file that is encrypted, one that is cut off.
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        raise Refused(f"it is no .docx: {error}") from None


def _check_relations(name: str, content: bytes) -> None:
    """What a part refers to. Read as XML: what a word of it looks like can be written in many ways."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise Refused(f"its part {name[:100]!r} cannot be read: {error}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Refused(f"its part {name[:100]!r} declares things of its own")
    for each in root.iter("{*}Relationship"):
        given = {etree.QName(attribute).localname.lower(): value for attribute, value in each.attrib.items()}
        is_outside = given.get("targetmode", "").strip().lower() == "external"
        if is_outside and not given.get("type", "").endswith("/hyperlink"):
            raise Refused("it refers to a file outside itself: put pictures into it, not links to them")


def _pack_again(saved: Path, filled: Path) -> None:
    """Without the time of day in it: the same values make the same file."""
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(filled, "w", zipfile.ZIP_DEFLATED) as target:
        for part in sorted(source.infolist(), key=lambda each: (each.filename != "[Content_Types].xml", each.filename)):
            plain = zipfile.ZipInfo(part.filename, (1980, 1, 1, 0, 0, 0))
            plain.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(plain, source.read(part))


# -- Typst -------------------------------------------------------------------------------------------------------------


def compile_typst(folder: Path, job: Mapping[str, Any]) -> None:
    """
    Compile a Typst template to PDF.

    Its values are `json(bytes(sys.inputs.values))`: they never become source. It sees the pictures beside it, and
    nothing else; packages are not fetched.
    """
    try:
        import typst
    except ImportError as error:
        raise Refused(_missing(error)) from None

    root = folder / "root"
    root.mkdir()
    for file in job["pictures"].values():
        (folder / file).rename(root / file)
    # A picture is its name there, or none.
    values = {**dict.fromkeys(PICTURES), **job["values"], **job["pictures"]}
    source = root / "main.typ"
    source.write_bytes((folder / "template").read_bytes())
    compiler = typst.Compiler(
        source,
        root=root,
        sys_inputs={"values": json.dumps(values, ensure_ascii=False)},
        package_path=folder / "packages",
        package_cache_path=folder / "packages",
    )
    try:
        made = compiler.compile(format="pdf", timestamp=int(job["made_at"]))
    except typst.TypstError as error:
        raise Refused(_typst_in_words(error)) from None
    assert isinstance(made, bytes)
    (folder / "made.pdf").write_bytes(made)


def _typst_in_words(error: Any) -> str:
    message = re.sub(r"\s+", " ", error.message)[:300]
    hints = "".join(f" ({hint})" for hint in error.hints[:2])
    place = next((f", line {line}" for line in re.findall(r"main\.typ:(\d+)", error.diagnostic)), "")
    return f"{message}{hints}{place}"


def _missing(error: ImportError) -> str:
    return f"the package {error.name} is not installed: pip install 'bizproc[documents]'"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
