"""
A process as a picture: SVG, drawn here, for the structure of the code is a layout already.

What follows stands below; branches stand side by side; a loop, an attempt or a helper is a frame around what is in it.
Texts have letters of one width, so that their size is known without a font. Light or dark, as the viewer likes it.

The road not taken: a layout library. Those in pure Python that are maintained have another licence than this project or
need a program beside them, and what nests needs no general layout.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from attrs import frozen

from bizproc.code.flow import Act, Block, Choice, End, Flow, Group, Loop, Part, Several, Trying, falls_through
from bizproc.code.marks import WORDS, Marks, said_of_outcomes

LETTER: Final = 7.3
LINE: Final = 16.0
WIDEST: Final = 38
"""Letters in a line of a box."""

PAD: Final = 10.0
GAP: Final = 24.0
BETWEEN: Final = 22.0

_TITLES: Final = {
    "action": "action",
    "step": "step",
    "wait": "wait",
    "child": "child",
    "fact": "",
    "undo": "undo, if it fails",
    "other": "",
}
_SEVERAL: Final = {"gather": "all of these", "race": "the first of these wins", "for_each": "for each of these"}
_LIGHT: Final = {
    "bg": "#ffffff", "ink": "#1c2430", "soft": "#5b6675", "line": "#5b6675", "frame": "#9aa5b4", "head": "#eef1f5",
    "action": "#e3f0ff", "step": "#ece7ff", "wait": "#fff3d6", "child": "#e2f5e6", "fact": "#f3f4f6", "undo": "#ffe9e4",
    "other": "#f3f4f6", "end": "#1c2430", "endink": "#ffffff", "mark": "#c2005f",
}  # fmt: skip
_DARK: Final = {
    "bg": "#14181f", "ink": "#e8ecf2", "soft": "#a4afbd", "line": "#8d98a7", "frame": "#56606e", "head": "#222934",
    "action": "#1d3a5c", "step": "#362d66", "wait": "#54400f", "child": "#1d4a2b", "fact": "#2a313c", "undo": "#5c2a1f",
    "other": "#2a313c", "end": "#e8ecf2", "endink": "#14181f", "mark": "#ff7ab8",
}  # fmt: skip


@frozen
class Box:
    """Something drawn: its size, where the road runs through it, and its elements, from its upper left corner."""

    width: float
    height: float
    axis: float
    drawn: str
    open: bool = True


def svg(flow: Flow, marks: Marks | None = None) -> str:
    """A process as an SVG file."""
    return _Artist(marks or Marks()).draw(flow)


# -- texts -------------------------------------------------------------------------------------------------------------

# What XML does not allow at all, and what would reorder a line.
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)


def _safe(text: str) -> str:
    return escape(_UNSAFE.sub(" ", text))


def _letters(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def _wrapped(text: str, most: int = WIDEST) -> list[str]:
    """A text in lines: broken behind spaces; a word that is longer than a line, where code may be, or anywhere."""
    lines, line = [], ""
    for word in re.findall(r"\S+\s*|\s+", text):
        for piece in _pieces(word, most):
            if line and _letters(line + piece.rstrip()) > most:
                lines.append(line.rstrip())
                line = ""
            line += piece
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


# The better places first: behind what opens or parts, and before a call; before a point; behind an underscore.
_PLACES: Final = (
    re.compile(r"(?<=[(\[{,=:/|])(?!$)|(?<!^)(?=\.\w+\()"),
    re.compile(r"(?<!^)(?=\.\w)"),
    re.compile(r"(?<=_)(?=[^_\s])"),
)


def _pieces(word: str, most: int, places: Sequence[re.Pattern[str]] = _PLACES) -> list[str]:
    """A word in pieces that fit into a line."""
    if _letters(word.rstrip()) <= most:
        return [word]
    if places:
        return [piece for part in places[0].split(word) for piece in _pieces(part, most, places[1:])]
    pieces = [""]
    for letter in word:
        if _letters(pieces[-1] + letter.rstrip()) > most:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _text(x: float, y: float, text: str, style: str = "t", anchor: str = "middle") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} class="{style}" xml:space="preserve">{_safe(text)}</text>'


def _lines(x: float, y: float, lines: Sequence[str], style: str = "t") -> str:
    return "".join(_text(x, y + place * LINE, line, style) for place, line in enumerate(lines))


def _width(lines: Sequence[str]) -> float:
    return max((_letters(line) for line in lines), default=0) * LETTER


def _at(x: float, y: float, drawn: str) -> str:
    return f'<g transform="translate({x:.1f},{y:.1f})">{drawn}</g>' if drawn else ""


def _line(*points: tuple[float, float], arrow: bool = False) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" class="l"{" marker-end=" + chr(34) + "url(#a)" + chr(34) if arrow else ""}/>'


def _rectangle(width: float, height: float, style: str, round_: float = 4) -> str:
    return f'<rect width="{width:.1f}" height="{height:.1f}" rx="{round_:g}" class="{style}"/>'


# -- parts -------------------------------------------------------------------------------------------------------------


class _Artist:
    def __init__(self, marks: Marks) -> None:
        self.marks = marks

    def draw(self, flow: Flow) -> str:
        boxes = [self.beginning(flow), *map(self.part, flow.body)]
        boxes += [self.capsule("done")] if falls_through(flow.body) else []
        whole, margin = self.column(boxes), 20.0
        said = [each for text in (self.marks.title, *self.marks.remarks) if text for each in _wrapped(text, 76)]
        top = margin + len(said) * LINE + (8 if said else 0)
        width = max(whole.width, _width(said)) + 2 * margin
        left = (width - whole.width) / 2
        body = _lines(width / 2, margin + 12, said, "m") + _at(left, top, whole.drawn)
        height = top + whole.height + margin
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" role="img">'
            f"<title>{_safe(flow.name)}</title><style>{_style()}</style>"
            '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
            '<path d="M0,0 L8,4 L0,8 Z" class="h"/></marker></defs>'
            f'<rect width="100%" height="100%" class="bg"/>{body}</svg>\n'
        )

    def beginning(self, flow: Flow) -> Box:
        name = _wrapped(f"{flow.name}, version {flow.version}")
        said = [f"on a {flow.document}"] if flow.document else []
        said += [f"starts: {flow.starts}" if flow.starts else "started by hand"]
        said += list(flow.parameters)
        lines = [line for text in said for line in _wrapped(text)]
        width = max(_width(name), _width(lines)) + 4 * PAD
        height = (len(name) + len(lines)) * LINE + 2 * PAD
        drawn = _rectangle(width, height, "b begin", 16) + _lines(width / 2, PAD + 12, name, "t strong")
        return Box(width, height, width / 2, drawn + _lines(width / 2, PAD + 12 + len(name) * LINE, lines, "t soft"))

    def column(self, boxes: Sequence[Box]) -> Box:
        """Boxes below each other, on one road."""
        if not boxes:
            return Box(0, 0, 0, "")
        axis = max(box.axis for box in boxes)
        width = axis + max(box.width - box.axis for box in boxes)
        drawn, y = "", 0.0
        for place, box in enumerate(boxes):
            if place:
                drawn += _line((axis, y), (axis, y + GAP), arrow=True)
                y += GAP
            drawn += _at(axis - box.axis, y, box.drawn)
            y += box.height
        return Box(width, y, axis, drawn, boxes[-1].open)

    def block(self, block: Block) -> Box:
        column = self.column([self.part(part) for part in block])
        return Box(column.width, column.height, column.axis, column.drawn, falls_through(block))

    def part(self, part: Part) -> Box:
        match part:
            case Act():
                return self.act(part)
            case End():
                return self.end(part)
            case Choice():
                return self.choice(part)
            case Loop():
                return self.loop(part)
            case Trying():
                return self.trying(part)
            case Several():
                return self.several(part)
            case Group():
                dashed = "f dashed" if part.kind in ("saga", "shield", "attempt") else "f"
                box = self.frame([(part.title, self.block(part.body))], dashed)
                return Box(box.width, box.height, box.axis, box.drawn, falls_through((part,)))

    def act(self, part: Act) -> Box:
        mark = self.marks.of.get(part)
        lines = _wrapped(part.text)
        missing = self.marks.missing.get(part, ())
        ends = [line for said in said_of_outcomes(part.outcomes, missing) for line in _wrapped(said)]
        title = _TITLES[part.kind]
        head = [each for each in (title, WORDS[mark] if mark else "") if each]
        top = LINE if head else 0
        width = max(_width([*lines, *ends]), _width(["   ".join(head)])) + 2 * PAD + (12 if part.kind == "child" else 0)
        height = top + (len(lines) + len(ends)) * LINE + 2 * PAD - 4
        drawn = self._shape(part, width, height, f"b {part.kind}" + (f" {mark}" if mark else ""))
        drawn += _text(PAD, PAD + 8, title, "t soft small", "start") if title else ""
        drawn += _text(width - PAD, PAD + 8, WORDS[mark], "m small", "end") if mark else ""
        drawn += _lines(width / 2, top + PAD + 10, lines)
        drawn += _lines(width / 2, top + PAD + 10 + len(lines) * LINE, ends, "t soft")
        return Box(width, height, width / 2, drawn)

    def _shape(self, part: Act, width: float, height: float, style: str) -> str:
        drawn = _rectangle(width, height, style, 14 if part.kind in ("wait", "fact") else 3)
        if part.kind == "child":
            drawn += "".join(f'<path d="M{x:.1f},0 V{height:.1f}" class="l"/>' for x in (5.0, width - 5))
        return drawn

    def end(self, part: End) -> Box:
        words = {"return": "return", "raise": "raise", "again": "begin anew:"}
        quiet, unseen = part.kind in ("break", "continue"), self.marks.of.get(part) == "unseen"
        return self.capsule(f"{words.get(part.kind, '')} {part.text}".strip(), quiet=quiet, unseen=unseen)

    def capsule(self, text: str, *, quiet: bool = False, unseen: bool = False) -> Box:
        lines, below = _wrapped(text), [WORDS["unseen"]] if unseen else []
        width, inked = _width([*lines, *below]) + 3 * PAD, len(lines) * LINE + 10
        drawn = _rectangle(width, inked, ("b quiet" if quiet else "end") + (" unseen" if unseen else ""), 13)
        drawn += _lines(width / 2, 17, lines, "t" if quiet else "t endink")
        drawn += _lines(width / 2, inked + 12, below, "m small")
        return Box(width, inked + len(below) * LINE, width / 2, drawn, open=False)

    # -- side by side --------------------------------------------------------------------------------------------------

    def choice(self, part: Choice) -> Box:
        labels = [_wrapped(label, 26) for label, _ in part.cases]
        columns = [
            self._labelled(lines, self.block(block)) for lines, (_, block) in zip(labels, part.cases, strict=True)
        ]
        question = _wrapped(part.question) if part.question else []
        head = len(question) * LINE + (12 if question else 0) + 14
        beside = self._beside(columns, head + BETWEEN)
        shift = max(0.0, (_width(question) + 2 * PAD) / 2 - beside.axis)
        axis, width = beside.axis + shift, max(beside.width + shift, beside.axis + shift + _width(question) / 2 + PAD)
        drawn = _at(shift, 0, beside.drawn)
        if question:
            drawn += f'<rect x="{axis - _width(question) / 2 - PAD:.1f}" width="{_width(question) + 2 * PAD:.1f}" '
            drawn += f'height="{len(question) * LINE + 8:.1f}" rx="3" class="b quiet"/>' + _lines(axis, 16, question)
        y = head - 8
        drawn += f'<path d="M{axis:.1f},{y - 8:.1f} l10,8 l-10,8 l-10,-8 Z" class="b quiet"/>'
        return Box(width, beside.height, axis, drawn, beside.open)

    def _labelled(self, label: Sequence[str], box: Box) -> Box:
        """A branch with what is written over it."""
        if not any(label):
            return box
        wide = _width(label) + 2 * PAD
        axis = max(box.axis, wide / 2)
        width = axis + max(box.width - box.axis, wide / 2)
        high = len(label) * LINE + 4
        drawn = f'<rect x="{axis - wide / 2:.1f}" width="{wide:.1f}" height="{high:.1f}" class="bg"/>'
        drawn += _lines(axis, 14, label, "t label")
        body = _at(axis - box.axis, high + 16, box.drawn)
        arrow = _line((axis, high), (axis, high + 16), arrow=bool(box.drawn))
        return Box(width, high + 16 + box.height, axis, drawn + arrow + body, box.open)

    def _beside(self, columns: Sequence[Box], top: float) -> Box:
        """Branches side by side: one road goes in above, and one comes out below."""
        places, x = [], 0.0
        for box in columns:
            places.append(x)
            x += max(box.width, 16) + BETWEEN
        width, height = x - BETWEEN, max(box.height for box in columns)
        axes = [place + (box.axis or 8) for place, box in zip(places, columns, strict=True)]
        axis = (axes[0] + axes[-1]) / 2
        bottom = top + height + 14
        drawn = _line((axis, top - BETWEEN), (axis, top - 14)) + _line((axes[0], top - 14), (axes[-1], top - 14))
        for place, box, its_axis in zip(places, columns, axes, strict=True):
            drawn += _line((its_axis, top - 14), (its_axis, top)) + _at(place, top, box.drawn)
            if box.open:
                drawn += _line((its_axis, top + box.height), (its_axis, bottom))
        comes_out = [its_axis for its_axis, box in zip(axes, columns, strict=True) if box.open]
        if comes_out:
            ends = [*comes_out, axis]
            drawn += _line((min(ends), bottom), (max(ends), bottom))
        return Box(width, bottom + 2 if comes_out else top + height, axis, drawn, bool(comes_out))

    def several(self, part: Several) -> Box:
        columns = [
            self._labelled(_wrapped(label, 26) if label else [], self.block(block)) for label, block in part.branches
        ]
        inside = (
            self._beside([Box(b.width, b.height, b.axis, b.drawn) for b in columns], BETWEEN)
            if columns
            else Box(0, 0, 0, "")
        )
        return self.frame([(_SEVERAL[part.kind], inside)], "f")

    # -- frames --------------------------------------------------------------------------------------------------------

    def loop(self, part: Loop) -> Box:
        sections = [(f"↻ {part.header}", self.block(part.body))]
        sections += [("when it was not left by a break", self.block(part.otherwise))] if part.otherwise else []
        box = self.frame(sections, "f")
        return Box(box.width, box.height, box.axis, box.drawn, falls_through((part,)))

    def trying(self, part: Trying) -> Box:
        sections = [("try", self.block(part.body))]
        sections += [(label, self.block(block)) for label, block in part.handlers]
        sections += [("if it does not fail", self.block(part.otherwise))] if part.otherwise else []
        sections += [("finally, in any case", self.block(part.finally_))] if part.finally_ else []
        box = self.frame(sections, "f")
        return Box(box.width, box.height, box.axis, box.drawn, falls_through((part,)))

    def frame(self, sections: Sequence[tuple[str, Box]], style: str) -> Box:
        """Sections below each other, each with a head, in one frame."""
        heads = [_wrapped(head, 46) for head, _ in sections]
        left = max(box.axis for _, box in sections)
        inner = left + max(box.width - box.axis for _, box in sections)
        width = max([inner, *map(_width, heads)]) + 2 * PAD
        axis = left + (width - inner) / 2
        drawn, y = "", 0.0
        for head, (_, box) in zip(heads, sections, strict=True):
            high = len(head) * LINE + 6
            drawn += _at(0, y, _rectangle(width, high, "head", 3)) + _lines(PAD, y + 15, head, "t start")
            y += high
            if box.drawn:
                drawn += _line((axis, y), (axis, y + 14), arrow=True) + _at(axis - box.axis, y + 14, box.drawn)
                y += 14 + box.height
            y += 14
        return Box(width, y, axis, _rectangle(width, y, style) + drawn)


def _style() -> str:
    letters = "ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,'Liberation Mono',monospace"
    shapes = (
        f"text{{font:12px {letters}}}.small{{font-size:10px}}.strong{{font-weight:bold}}.start{{text-anchor:start}}"
        ".l,.f{fill:none}.l{stroke-width:1.2}.f{stroke-width:1.2}.dashed{stroke-dasharray:5 3}.b{stroke-width:1.2}"
        ".here{stroke-width:3.5}.maybe{stroke-width:2.5;stroke-dasharray:6 4}"
        ".unseen{stroke-width:2;stroke-dasharray:3 3}"
    )
    return f"{shapes}{_colours(_LIGHT)}@media (prefers-color-scheme: dark){{{_colours(_DARK)}}}"


def _colours(of: dict[str, str]) -> str:
    filled = "".join(
        f".{kind}{{fill:{of[kind]}}}" for kind in ("action", "step", "wait", "child", "fact", "undo", "other")
    )
    return (
        f".bg{{fill:{of['bg']}}}.t{{fill:{of['ink']}}}.soft{{fill:{of['soft']}}}.label{{fill:{of['ink']};font-style:italic}}"
        f".l,.b{{stroke:{of['line']}}}.h{{fill:{of['line']}}}.f{{stroke:{of['frame']}}}"
        f".head{{fill:{of['head']};stroke:{of['frame']}}}"
        f".begin,.quiet{{fill:{of['bg']}}}{filled}.end{{fill:{of['end']}}}.endink{{fill:{of['endink']}}}"
        f".m{{fill:{of['mark']};font-weight:bold}}.here,.maybe,.unseen{{stroke:{of['mark']}}}"
    )
