"""`tests/typing/every_action.py`: type checkers are asked about every name of the catalogue."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from bizproc.cli.catalogue import fluent_names

ROOT = Path(__file__).parents[3]
FILE = (ROOT / "tests" / "typing" / "every_action.py").read_text("utf-8")


def tool() -> Any:
    spec = spec_from_file_location("typing_of_actions", ROOT / "tools" / "typing_of_actions.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_file_is_what_the_code_says_now() -> None:
    assert tool().every_action() == FILE, "run `make reference`"


def test_no_action_is_forgotten() -> None:
    asked = re.findall(r"result\((crm|wait)(?:\.(\w+)(?:\([^()]*\))?)?\.(\w+)\)", FILE)
    assert {".".join(part for part in parts if part) for parts in asked} == set(fluent_names())
