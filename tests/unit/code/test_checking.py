"""Files: which are read, what hostile ones come to, and which lines are silenced."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bizproc.code.checking import check_paths, check_text
from bizproc.code.files import LARGEST
from bizproc.code.report import as_json, lines

FAULT = "import time\nfrom bizproc import process\n\n@process('p')\nasync def p():\n    return time.time(){}\n"


def rules(text: str) -> list[str]:
    return [finding.rule for finding in check_text(text)[1]]


def test_a_comment_with_a_reason_silences_its_line() -> None:
    assert rules(FAULT.format("")) == ["clock"]
    assert rules(FAULT.format("  # bizproc: ok (a test of clocks)")) == []
    assert rules(FAULT.format("  # noqa # bizproc: ok (why not)")) == []
    assert rules(FAULT.format("").replace("import time", "import time  # bizproc: ok (another line)")) == ["clock"]
    assert rules(FAULT.format(" + len('# bizproc: ok (a text)')")) == ["clock"]


@pytest.mark.parametrize(
    "comment", ["# bizproc: ok", "# bizproc: ok ()", "# bizproc: ok (  )", "# bizproc: ok because"]
)
def test_a_comment_without_a_reason_silences_nothing_and_is_reported(comment: str) -> None:
    assert sorted(rules(FAULT.format(f"  {comment}"))) == ["clock", "ok-without-reason"]


def test_a_finding_says_where_in_characters_and_what_to_write() -> None:
    text = FAULT.format("").replace("return time", "return 'é…' and time")
    (finding,) = check_text(text, "sales.py")[1]
    assert (finding.path, finding.line, finding.column) == ("sales.py", 6, 21)
    assert "now()" in finding.cure


HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "no Python": b"x = = 1",
    "binary": bytes(range(256)),
    "not UTF-8": b"x = '\xff\xfe'",
    "unknown encoding": b"# coding: nonsense\nx = 1\n",
    "parentheses": b"(" * 100_000,
    "signs": b"-" * 100_000 + b"1",
    "attributes": b"a" + b".b" * 100_000,
    "sums": b"1" + b"+1" * 100_000,
    "calls": b"f" + b"()" * 3_000,
    "elifs": b"if a: pass\n" + b"elif a: pass\n" * 20_000,
    "indents": b"".join(b" " * n + b"if a:\n" for n in range(300)),
    "woven names": b"".join(f"a{n} = a{n + 1}; a{n} = a{n + 1}.b\n".encode() for n in range(2_000)),
    "names of themselves": b"a = b\nb = a\nc = c.d\nd = d()\n",
    "woven helpers": b"from bizproc import process\n@process('p')\nasync def p():\n"
    b"    try: await h0()\n    finally: await h0()\n"
    + b"".join(f"async def h{n}():\n    await h{n + 1}(); await h{n + 1}()\n".encode() for n in range(60)),
    "one name many times": b"from bizproc import note, process\n@process('p')\nasync def p():\n"
    + b"    x = note('a')\n    x\n" * 5_000,
    "one function, many globals": b"from bizproc import process\n@process('p')\nasync def p():\n"
    + b"".join(f"    global g{n}\n".encode() for n in range(15_000)),
    "codec without text": b"# coding: punycode\na-" + b"x = 1 > 2\n" * 10,
    "codec of nothing": b"# coding: undefined\nx = 1\n",
    "huge": b"x = 1\n" * LARGEST,
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_neither_hang_nor_raise(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file.py").write_bytes(content)
    report = check_paths([tmp_path / "file.py"])
    assert {finding.rule for finding in report.findings} <= {"unreadable", "not-awaited"}
    assert all("\n" not in line for line in lines(report))


@pytest.mark.parametrize(
    "name",
    [
        "no Python",
        "binary",
        "not UTF-8",
        "unknown encoding",
        "codec without text",
        "codec of nothing",
        "parentheses",
        "sums",
        "huge",
    ],
)
def test_what_cannot_be_read_is_reported(name: str, tmp_path: Path) -> None:
    (tmp_path / "file.py").write_bytes(HOSTILE[name])
    (finding,) = check_paths([tmp_path]).findings
    assert finding.rule == "unreadable"


def test_a_folder_is_searched_without_going_in_circles(tmp_path: Path) -> None:
    (tmp_path / "sub" / ".hidden").mkdir(parents=True)
    (tmp_path / "sub" / "circle").symlink_to(tmp_path)
    (tmp_path / "self.py").symlink_to(tmp_path / "self.py")
    (tmp_path / "sub" / ".hidden" / "no.py").write_text(FAULT.format(""))
    (tmp_path / "sub" / "b.py").write_text(FAULT.format(""))
    (tmp_path / "a.py").write_text(FAULT.format(""))
    report = check_paths([tmp_path, tmp_path / "a.py"])
    found = [(Path(finding.path).name, finding.rule) for finding in report.findings]
    assert found == [("a.py", "clock"), ("self.py", "unreadable"), ("b.py", "clock")]
    assert (report.files, report.processes) == (3, 2)
    assert len(as_json(report)["findings"]) == 3


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    (finding,) = check_paths([tmp_path]).findings
    assert "not a file" in finding.what
