"""
A process as Mermaid: a flowchart's text, for pages that draw it.

Waits are hexagons, children have double sides, choices are diamonds, ends are round. Texts are quoted and escaped.
"""

from __future__ import annotations

from typing import Final

from attrs import define, field

from bizproc.code.flow import Act, Block, Choice, End, Flow, Group, Loop, Part, Several, Trying
from bizproc.code.marks import WORDS, Marks, said_of_outcomes

Exits = list[tuple[str, str]]
"""Nodes from which a road goes on, each with what is written on it."""

_SHAPES: Final = {
    "action": ('["', '"]'),
    "step": ('["', '"]'),
    "wait": ('{{"', '"}}'),
    "child": ('[["', '"]]'),
    "fact": ('("', '")'),
    "undo": ('>"', '"]'),
    "other": ('["', '"]'),
}
_SEVERAL: Final = {"gather": "all of these", "race": "the first of these wins", "for_each": "for each"}
_CLASSES: Final = (
    "classDef action fill:#e3f0ff,stroke:#2f6db5,color:#10253f",
    "classDef step fill:#ece7ff,stroke:#6650b8,color:#241a4d",
    "classDef wait fill:#fff3d6,stroke:#b98410,color:#402c00",
    "classDef child fill:#e2f5e6,stroke:#2e8b4a,color:#0f3319",
    "classDef fact fill:#f1f1f1,stroke:#777777,color:#222222",
    "classDef undo fill:#ffe9e4,stroke:#c0523a,color:#4a170b",
    "classDef other fill:#f1f1f1,stroke:#777777,color:#222222",
    "classDef here stroke-width:4px,stroke:#d0006f",
    "classDef maybe stroke-width:3px,stroke:#d0006f,stroke-dasharray:6 4",
    "classDef unseen stroke-width:2px,stroke:#b00020,stroke-dasharray:3 3",
)


def escaped(text: str) -> str:
    """A text inside quotes: nothing in it is markup or ends them."""
    safe = "".join(
        character if character.isalnum() or character in " _-.,:=()[]{}+*/%!?'…✓✗▶▷×→↻" else f"#{ord(character)};"
        for character in text.replace("\n", " ")
    )
    return safe or " "


def mermaid(flow: Flow, marks: Marks | None = None) -> str:
    """A process as the text of a Mermaid flowchart."""
    return _Writer(marks or Marks()).write(flow)


@define
class _Around:
    """Where roads that leave a block go."""

    loop: str | None = None
    breaks: Exits = field(factory=list)
    returns: Exits | None = None


@define(init=False)
class _Writer:
    marks: Marks
    lines: list[str]
    count: int

    def __init__(self, marks: Marks) -> None:
        self.marks, self.lines, self.count = marks, [], 0

    def write(self, flow: Flow) -> str:
        said = [f"{flow.name}, version {flow.version}"]
        said += [f"starts: {flow.starts}"] if flow.starts else []
        said += [f"on a {flow.document}"] if flow.document else []
        said += list(flow.parameters)
        begin = self.node('(["', "<br/>".join(map(escaped, said)), '"])')
        exits = self.block(flow.body, [(begin, "")], _Around())
        if exits:
            self.join(exits, self.node('(["', "done", '"])'))
        remarks = [f"%% {' '.join(text.split())}" for text in (self.marks.title, *self.marks.remarks) if text]
        return "\n".join(["flowchart TD", *remarks, *(f"    {line}" for line in (*self.lines, *_CLASSES))]) + "\n"

    # -- nodes and edges -----------------------------------------------------------------------------------------------

    def node(self, left: str, text: str, right: str, style: str = "") -> str:
        self.count += 1
        name = f"n{self.count}"
        self.lines.append(f"{name}{left}{text}{right}{style}")
        return name

    def join(self, exits: Exits, to: str) -> None:
        self.lines.extend(f'{name} -->|"{label}"| {to}' if label else f"{name} --> {to}" for name, label in exits)

    # -- parts ---------------------------------------------------------------------------------------------------------

    def block(self, block: Block, exits: Exits, around: _Around) -> Exits:
        for part in block:
            exits = self.part(part, exits, around)
        return exits

    def part(self, part: Part, exits: Exits, around: _Around) -> Exits:
        match part:
            case Act():
                return self.act(part, exits)
            case End():
                return self.end(part, exits, around)
            case Choice():
                return self.choice(part, exits, around)
            case Loop():
                return self.loop(part, exits, around)
            case Trying():
                return self.trying(part, exits, around)
            case Several():
                return self.several(part, exits)
            case Group():
                return self.group(part, exits, around)

    def act(self, part: Act, exits: Exits) -> Exits:
        mark = self.marks.of.get(part)
        said = [escaped(f"if it fails: {part.text}" if part.kind == "undo" else part.text)]
        said += [escaped(each) for each in said_of_outcomes(part.outcomes, self.marks.missing.get(part, ()))]
        said += [escaped(WORDS[mark])] if mark else []
        left, right = _SHAPES[part.kind]
        made = self.node(left, "<br/>".join(said), right, f":::{part.kind}")
        if mark in ("here", "maybe", "unseen"):
            self.lines.append(f"class {made} {mark}")
        self.join(exits, made)
        return [(made, "")]

    def end(self, part: End, exits: Exits, around: _Around) -> Exits:
        if part.kind == "break":
            around.breaks.extend(exits)
        elif part.kind == "continue" and around.loop is not None:
            self.join(exits, around.loop)
        else:
            text = escaped(f"{part.kind} {part.text}".strip() if part.kind in ("return", "raise") else part.text)
            unseen = self.marks.of.get(part) == "unseen"
            made = self.node('(["', f"{text}<br/>{escaped(WORDS['unseen'])}" if unseen else text, '"])')
            self.lines.extend([f"class {made} unseen"] if unseen else [])
            self.join(exits, made)
            if part.kind == "return" and around.returns is not None:
                around.returns.append((made, ""))
        return []

    def choice(self, part: Choice, exits: Exits, around: _Around) -> Exits:
        question = part.question or part.cases[0][0].removeprefix("if ") + "?"
        made = self.node('{"', escaped(question), '"}')
        self.join(exits, made)
        two = not part.question and len(part.cases) == 2
        left: Exits = []
        for place, (label, block) in enumerate(part.cases):
            said = ("yes", "no")[place] if two else escaped(label)
            left += self.block(block, [(made, said)], around)
        return left

    def loop(self, part: Loop, exits: Exits, outer: _Around) -> Exits:
        made = self.node('{{"', escaped(f"↻ {part.header}"), '"}}')
        self.join(exits, made)
        around = _Around(made, returns=outer.returns)
        self.join(self.block(part.body, [(made, "next")], around), made)
        over: Exits = [] if part.endless else self.block(part.otherwise, [(made, "over")], outer)
        return [*over, *around.breaks]

    def trying(self, part: Trying, exits: Exits, around: _Around) -> Exits:
        name, tried = self.frame("try", part.body, exits, around)
        left = self.block(part.otherwise, tried, around)
        for label, block in part.handlers:
            left += self.block(block, [(name, escaped(label))], around)
        if not part.finally_:
            return left
        made = self.node('("', "finally", '")')
        self.join([*left, *([(name, "in any case")] if not left else [])], made)
        return self.block(part.finally_, [(made, "")], around)

    def several(self, part: Several, exits: Exits) -> Exits:
        title = _SEVERAL[part.kind]
        made = self.node('[/"', escaped(title), '"\\]')
        self.join(exits, made)
        left = [
            each
            for label, block in part.branches
            for each in self.block(block, [(made, escaped(label) if label else "")], _Around())
        ]
        joined = self.node('[\\"', "the first is there" if part.kind == "race" else "all are there", '"/]')
        self.join(left or [(made, "")], joined)
        return [(joined, "")]

    def group(self, part: Group, exits: Exits, around: _Around) -> Exits:
        if not part.body:
            return exits
        inside = _Around(returns=[]) if part.kind == "helper" else around
        return [
            *self.frame(part.title, part.body, exits, inside)[1],
            *(inside.returns or () if inside is not around else ()),
        ]

    def frame(self, title: str, body: Block, exits: Exits, around: _Around) -> tuple[str, Exits]:
        """A block with a frame around it. What comes in goes to its first node."""
        self.count += 1
        name = f"f{self.count}"
        self.lines.append(f'subgraph {name}["{escaped(title)}"]')
        begin = self.node('(("', " ", '"))')
        left = self.block(body, [(begin, "")], around)
        self.lines.append("end")
        self.join(exits, begin)
        return name, left
