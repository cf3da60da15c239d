"""
Pipelines and stages.

Exactly one stage of a pipeline is its success; of its failures the first is the main one, and those after it are
called apology.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal, TypeAlias, TypedDict

from attrs import frozen

from bizproc.model.references import DERIVED

Semantics: TypeAlias = Literal["process", "success", "failure", "apology"]

GENERAL: Final = 0
"""The id of the deals' general pipeline."""


@frozen(kw_only=True)
class Pipeline:
    """
    A way that items of one kind go.

    Attributes:
        kind: Of which items.
        sort: Its place among the pipelines.
    """

    item_type: ClassVar[str] = "pipeline"

    id: Annotated[int, DERIVED]
    kind: str = "deal"
    name: str = ""
    sort: int = 0


class PipelineFields(TypedDict, total=False):
    """What may be written of a pipeline."""

    kind: str
    name: str
    sort: int


@frozen(kw_only=True)
class Stage:
    """
    A stage of a pipeline.

    Attributes:
        kind: Of which items.
        pipeline: Its pipeline's id; 0 where the kind has but one.
        code: What an item's `stage` holds: `NEW` in the general pipeline, `C1:NEW` in pipeline 1.
        sort: Its place in the pipeline.
        semantics: Whether work goes on in it (`process`) or has ended.
    """

    item_type: ClassVar[str] = "stage"

    id: Annotated[int, DERIVED]
    kind: str = "deal"
    pipeline: int = GENERAL
    code: str
    name: str = ""
    sort: int = 0
    semantics: Semantics = "process"

    @property
    def is_final(self) -> bool:
        """Whether work on an item ends here."""
        return self.semantics != "process"


class StageFields(TypedDict, total=False):
    """What may be written of a stage."""

    kind: str
    pipeline: int
    code: str
    name: str
    sort: int
    semantics: Semantics


@frozen(kw_only=True)
class StageReached:
    """
    How waiting for a stage ended.

    Attributes:
        stage: The stage the item was in at that moment.
        semantics: That stage's.
        matched: Whether it is one of those waited for; a final stage ends the wait though it is not.
        timed_out: The time ran out before; `stage` is empty then.
        deleted: The item was deleted; `stage` is the last it was in.
    """

    stage: str = ""
    semantics: Semantics | None = None
    matched: bool = False
    timed_out: bool = False
    deleted: bool = False


@frozen
class StageTemplate:
    """A stage that every new pipeline of a kind gets."""

    code: str
    name: str
    semantics: Semantics = "process"


DEFAULT_STAGES: Final[dict[str, tuple[StageTemplate, ...]]] = {
    "deal": (
        StageTemplate("NEW", "New"),
        StageTemplate("PREPARATION", "Preparing documents"),
        StageTemplate("PREPAYMENT_INVOICE", "Prepayment invoice"),
        StageTemplate("EXECUTING", "In progress"),
        StageTemplate("FINAL_INVOICE", "Final invoice"),
        StageTemplate("WON", "Won", "success"),
        StageTemplate("LOSE", "Lost", "failure"),
        StageTemplate("APOLOGY", "Analysis of failure", "apology"),
    ),
    "lead": (
        StageTemplate("NEW", "Unassigned"),
        StageTemplate("IN_PROCESS", "In progress"),
        StageTemplate("PROCESSED", "Processed"),
        StageTemplate("CONVERTED", "Good lead", "success"),
        StageTemplate("JUNK", "Junk lead", "failure"),
    ),
    "quote": (
        StageTemplate("DRAFT", "Draft"),
        StageTemplate("SENT", "Sent to the client"),
        StageTemplate("APPROVED", "Accepted", "success"),
        StageTemplate("DECLAINED", "Declined", "failure"),
        StageTemplate("APOLOGY", "Analysis of failure", "apology"),
    ),
    "invoice": (
        StageTemplate("NEW", "New"),
        StageTemplate("SENT", "Sent to the client"),
        StageTemplate("PAID", "Paid", "success"),
        StageTemplate("UNPAID", "Unpaid", "failure"),
    ),
}
"""By kind of item. Whoever runs a CRM may rename and add."""

SMART_STAGES: Final = (
    StageTemplate("NEW", "Start"),
    StageTemplate("PREPARATION", "Preparation"),
    StageTemplate("CLIENT", "With the client"),
    StageTemplate("SUCCESS", "Success", "success"),
    StageTemplate("FAIL", "Failure", "failure"),
)
"""Those of a smart type."""


def code_in(pipeline: int, code: str) -> str:
    """A stage's code in a pipeline: `NEW` in the general one, `C1:NEW` in pipeline 1."""
    if pipeline == GENERAL or code.startswith(f"C{pipeline}:"):
        return code
    return f"C{pipeline}:{code}"
