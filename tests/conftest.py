"""
What all tests share: the switch for the long ones, and what may not be installed.

Worlds, clocks and fakes come from `bizproc.testing`.
"""

import gc
from shutil import which

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the tests that take minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for marker in item.iter_markers("needs"):
            if not any(which(program) for program in marker.args):
                item.add_marker(pytest.mark.skip(reason=f"needs {' or '.join(marker.args)}, which is not installed"))
        if item.get_closest_marker("long") and not config.getoption("--long"):
            item.add_marker(pytest.mark.skip(reason="takes minutes: run with --long"))


def pytest_collection_finish() -> None:
    """
    What is there now stays: it is looked at no more.

    Tests that collect garbage, to see what is finalised, would go through all tests and all libraries each time.
    """
    gc.collect()
    gc.freeze()
