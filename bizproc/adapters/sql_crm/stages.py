"""Pipelines and their stages: which there are, and which one is meant."""


# ruff: noqa: S608 - the names in these texts are those of the model's tables; values are always parameters

from __future__ import annotations

from functools import cache
from typing import Any, Final

from bizproc.adapters.sql_crm.reading import Runs, is_id
from bizproc.adapters.sql_crm.shapes import SHAPES, shape_of
from bizproc.core.errors import AlreadyExists, ItemNotFound, UnknownItem, UnknownPipeline, UnknownStage, WrongFieldValue
from bizproc.model.pipelines import DEFAULT_STAGES, SMART_STAGES, Stage, StageTemplate, code_in
from bizproc.model.references import LARGEST_ID, ItemRef
from bizproc.model.smart_items import SMART_ITEM

_STAGE: Final = SHAPES["stage"]
_BY_CODE: Final = f"{_STAGE.select} WHERE kind = ? AND code = ?"
_OF_ITEM: Final = f"{_STAGE.select} WHERE kind = ? AND code = (SELECT stage FROM {{items}} WHERE id = ?)"
_CODES: Final = "SELECT code FROM stage WHERE kind = ? ORDER BY id"
STAGED: Final = tuple(kind for kind, shape in SHAPES.items() if shape.is_staged and kind != SMART_ITEM)
# A kind that has no pipelines has its stages under 0.
_IS_PIPELINE: Final = (
    "SELECT 1 FROM pipeline WHERE id = ? AND kind = ? "
    "UNION ALL SELECT 1 FROM stage WHERE kind = ? AND pipeline = ? LIMIT 1"
)
_OF_PIPELINE: Final = f"{_STAGE.select} WHERE kind = ? AND pipeline = ? ORDER BY sort, id"


def stage_called(connection: Runs, kind: str, code: str) -> Stage | None:
    """The stage of this code, in whatever pipeline."""
    row = connection.execute(_BY_CODE, (kind, code)).fetchone()
    return None if row is None else _STAGE.item(row)


def stage_of_kind(connection: Runs, kind: str, code: str) -> Stage:
    """The stage of this code, in whatever pipeline. Raises UnknownStage, with those of all pipelines."""
    found = stage_called(connection, kind, code)
    if found is None:
        known = ", ".join(each for (each,) in connection.execute(_CODES, (kind,)))
        raise UnknownStage(kind=kind, pipeline="any", stage=code, known=known)
    return found


def stage_of(connection: Runs, ref: ItemRef) -> Stage:
    """The stage an item is in. Raises ItemNotFound, and UnknownItem for what has no stages."""
    shape = shape_of(ref.kind)
    if not shape.is_staged:
        raise UnknownItem(kind=ref.kind, known=f"of those that have stages: {', '.join(STAGED)}")
    row = connection.execute(_of_item(shape.table.name), (ref.kind, ref.id)).fetchone() if is_id(ref.id) else None
    if row is None:
        raise ItemNotFound(kind=ref.kind, id=ref.id)
    stage: Stage = _STAGE.item(row)
    return stage


@cache
def _of_item(table: str) -> str:
    return _OF_ITEM.format(items=table)


def stages_of(connection: Runs, kind: str, pipeline: int) -> list[Stage]:
    """The stages of a pipeline, in order."""
    return [_STAGE.item(row) for row in connection.execute(_OF_PIPELINE, (kind, pipeline))]


def stage_in(connection: Runs, kind: str, pipeline: int, code: str) -> Stage:
    """The stage of this code, if it belongs to the pipeline. Raises UnknownStage, with those that do."""
    found = stage_called(connection, kind, code)
    if found is None or found.pipeline != pipeline:
        raise unknown_stage(connection, kind, pipeline, code)
    return found


def unknown_stage(connection: Runs, kind: str, pipeline: int, code: str) -> UnknownStage:
    """The error for a stage that a pipeline has not."""
    known = ", ".join(each.code for each in stages_of(connection, kind, pipeline)) or "none"
    return UnknownStage(kind=kind, pipeline=str(pipeline), stage=code, known=known)


def first_stage(connection: Runs, kind: str, pipeline: int) -> Stage:
    """Where an item begins in a pipeline: its first stage in which work goes on."""
    stages = stages_of(connection, kind, pipeline)
    for each in stages:
        if not each.is_final:
            return each
    if stages:
        return stages[0]
    raise unknown_pipeline(connection, kind, pipeline)


def check_pipeline(connection: Runs, kind: str, pipeline: int) -> None:
    """Raises UnknownPipeline if items of this kind have no such pipeline."""
    if (
        not 0 <= pipeline <= LARGEST_ID
        or not connection.execute(_IS_PIPELINE, (pipeline, kind, kind, pipeline)).fetchone()
    ):
        raise unknown_pipeline(connection, kind, pipeline)


def unknown_pipeline(connection: Runs, kind: str, pipeline: object) -> UnknownPipeline:
    """The error for a pipeline that is not there."""
    rows = connection.execute("SELECT id, name FROM pipeline WHERE kind = ? ORDER BY sort, id", (kind,))
    known = ", ".join(f"{id_} ({name})" for id_, name in rows) or "none"
    return UnknownPipeline(kind=kind, pipeline=pipeline, known=known)


def prepare_pipeline(connection: Runs, values: dict[str, Any]) -> None:
    """See that a pipeline that is about to be made is of a kind that can have several."""
    smart = [code for (code,) in connection.execute("SELECT code FROM smart_type WHERE has_pipelines ORDER BY id")]
    if values["kind"] not in (*STAGED, *smart):
        raise UnknownItem(
            kind=values["kind"], known=f"of those that can have pipelines: {', '.join((*STAGED, *smart))}"
        )


def add_default_stages(connection: Runs, kind: str, pipeline: int) -> None:
    """The stages that a new pipeline of this kind begins with."""
    for place, template in enumerate(DEFAULT_STAGES.get(kind, SMART_STAGES), start=1):
        _add(connection, kind, pipeline, place * 10, template)


def _add(connection: Runs, kind: str, pipeline: int, sort: int, template: StageTemplate) -> None:
    values = {
        "id": None,
        "kind": kind,
        "pipeline": pipeline,
        "code": code_in(pipeline, template.code),
        "name": template.name,
        "sort": sort,
        "semantics": template.semantics,
    }
    connection.execute(_STAGE.insert, _STAGE.row(values))


def prepare_stage(connection: Runs, values: dict[str, Any], given: dict[str, Any]) -> None:
    """Fill in a stage that is about to be made, and see that its pipeline may have it."""
    kind, pipeline = values["kind"], values["pipeline"]
    check_pipeline(connection, kind, pipeline)
    if not given.get("code", "").strip():
        raise WrongFieldValue(
            kind="stage", field="code", expected="a text that says something", got=repr(given.get("code", ""))
        )
    values["code"] = code_in(pipeline, values["code"])
    check_stage(connection, values)
    if "sort" not in given:
        values["sort"] = _next_sort(connection, kind, pipeline, values["semantics"])


def check_stage(connection: Runs, values: dict[str, Any]) -> None:
    """A code is used once; a pipeline has one success. Raises AlreadyExists."""
    kind, pipeline, own = values["kind"], values["pipeline"], values.get("id")
    same = stage_called(connection, kind, values["code"])
    if same is not None and same.id != own:
        raise AlreadyExists(kind=f"stage of {kind}", field="code", value=repr(same.code))
    if values["semantics"] == "success":
        for each in stages_of(connection, kind, pipeline):
            if each.semantics == "success" and each.id != own:
                where = f"'success' in pipeline {pipeline} ({each.code})"
                raise AlreadyExists(kind=f"stage of {kind}", field="semantics", value=where)


def _next_sort(connection: Runs, kind: str, pipeline: int, semantics: str) -> int:
    """After those that work goes on in, before the final ones; a final one comes last."""
    stages = stages_of(connection, kind, pipeline)
    open_ = [each.sort for each in stages if not each.is_final]
    final = [each.sort for each in stages if each.is_final]
    if semantics != "process" or not final:
        return max(open_ + final, default=0) + 10
    return max((sort for sort in open_ if sort < min(final)), default=min(final) - 2) + 1
