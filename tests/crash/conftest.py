"""Programs that are ended with the test that began them."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.crash.harness import Board, Killer, Programs, running, seed


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    yield from running(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "crm.db"


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path / "board")


@pytest.fixture
def killer(board: Board) -> Killer:
    number = seed()
    print(f"\nBIZPROC_CRASH_SEED={number}")
    return Killer(board, Random(number))
