"""Classes by the names under which a text has them."""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any


def label_of(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def class_called(label: str) -> type | None:
    """
    The class of a label, or None.

    A store may come from anywhere: nothing is imported but modules of packages that are in use already.
    """
    module_name, _, qualname = label.partition(":")
    found: Any = sys.modules.get(module_name) or _submodule(module_name)
    for name in qualname.split("."):
        found = getattr(found, "__dict__", {}).get(name)
    return found if isinstance(found, type) else None


def _submodule(name: str) -> types.ModuleType | None:
    if not hasattr(sys.modules.get(name.partition(".")[0]), "__path__"):
        return None
    try:
        return importlib.import_module(name)
    except Exception:  # noqa: BLE001 - it is gone, or fails as it is imported
        return None
