"""The journal: what is compared on replay, and the checksums that chain its rows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from bizproc.core.codec import Codec
from bizproc.core.commands import Command
from bizproc.core.errors import NotJournallable, ReplayMismatch, StoreDamaged
from bizproc.engines.embedded.journal import (
    MAIN,
    Chain,
    Entry,
    Recorded,
    checksum,
    entry,
    signature,
    unwritten,
    verified,
)
from bizproc.engines.embedded.progress import compare

AT = "2030-01-07T09:00:00.000000Z"
CODEC = Codec()


@frozen(eq=False)
class Say(Command[Any]):
    kind = "say"
    name: str
    given: dict[str, Any]

    def arguments(self) -> dict[str, Any]:
        return self.given


def say(name: str = "hello", **given: Any) -> Say:
    return Say(name, given)


def written(instance: int = 7, count: int = 4) -> list[tuple[Any, ...]]:
    chain = Chain()
    asked = signature(say(x=1), CODEC)
    entries = [entry(str(number), "returned", asked, f"{number}", 1, AT) for number in range(count - 1)]
    return [chain.row(instance, one, AT)[1:] for one in (*entries, Entry(MAIN, "cancelled"))]


# -- the chain ---------------------------------------------------------------------------------------------------------


def test_rows_are_read_as_they_were_written_and_the_chain_goes_on_behind_them() -> None:
    rows, chain = verified(7, "w", "store", written())
    assert [row.address for row in rows] == ["0", "1", "2", MAIN]
    assert (chain.position, chain.crc) == (4, rows[-1].crc)


def test_a_journal_without_rows_is_whole() -> None:
    rows, chain = verified(7, "w", "store", [])
    assert (rows, chain.position, chain.crc) == ([], 0, 0)


@pytest.mark.parametrize("column", range(10))
@pytest.mark.parametrize("row", [0, 2])
def test_a_change_in_any_column_is_found_and_names_the_instance(row: int, column: int) -> None:
    rows = written()
    damaged = list(rows[row])
    damaged[column] = {0: 17, 8: 17}.get(column, b"\x00" if column == 6 else "?")
    rows[row] = tuple(damaged)
    with pytest.raises(StoreDamaged, match="instance w"):
        verified(7, "w", "store", rows)


def test_a_changed_checksum_is_found() -> None:
    rows = written()
    rows[1] = (*rows[1][:-1], rows[1][-1] ^ 1)
    with pytest.raises(StoreDamaged, match="row 1"):
        verified(7, "w", "store", rows)


def test_a_row_that_is_gone_doubled_or_in_another_place_is_found() -> None:
    rows = written()
    for wrong in (rows[1:], [rows[0], *rows[2:]], [rows[0], rows[0], *rows[1:]], [rows[1], rows[0], *rows[2:]]):
        with pytest.raises(StoreDamaged):
            verified(7, "w", "store", wrong)


def test_rows_of_another_instance_are_found() -> None:
    with pytest.raises(StoreDamaged):
        verified(8, "w", "store", written(instance=7))


def test_rows_that_were_cut_off_at_the_end_are_a_shorter_journal() -> None:
    """That is what `retry` leaves: the chain goes on from there."""
    rows, chain = verified(7, "w", "store", written()[:2])
    assert (len(rows), chain.position) == (2, 2)


def test_the_same_entry_has_another_checksum_in_another_place() -> None:
    one = Entry("0", "returned")
    sums = {checksum(0, 7, 0, one), checksum(0, 7, 1, one), checksum(0, 8, 0, one), checksum(1, 7, 0, one)}
    assert len(sums) == 4


def test_a_copy_of_a_chain_goes_its_own_way() -> None:
    chain = Chain()
    chain.row(7, Entry("0", "returned"), AT)
    copy = chain.copy()
    copy.row(7, Entry("1", "returned"), AT)
    assert (chain.position, copy.position) == (1, 2)


texts = st.text(max_size=12)


events = st.sampled_from(["returned", "raised", "began"])


@given(st.lists(st.tuples(texts, events, texts, st.none() | texts), max_size=6))
def test_whatever_is_written_is_verified(given_rows: list[tuple[str, Any, str, str | None]]) -> None:
    chain = Chain()
    entries = [Entry(address, event, name=name, outcome=outcome) for address, event, name, outcome in given_rows]
    rows = [chain.row(7, one, AT)[1:] for one in entries]
    read, behind = verified(7, "w", "store", rows)
    assert [row.outcome for row in read] == [one.outcome for one in entries]
    assert (behind.position, behind.crc) == (chain.position, chain.crc)


# -- comparing ---------------------------------------------------------------------------------------------------------


def recorded(command: Command[Any], address: str = "3") -> Recorded:
    asked = signature(command, CODEC)
    return Recorded(0, address, "returned", *asked, None, None, None, AT, 0)


def test_the_same_command_compares_equal_however_its_arguments_were_spelled() -> None:
    compare("w", recorded(say(x=Decimal("7.0"), y={1, 2})), signature(say(y={2, 1}, x=Decimal(7)), CODEC))


@pytest.mark.parametrize("now", [say(x=2), say("bye", x=1), say(), say(x=1, y=None)])
def test_another_command_is_a_mismatch_with_both_sides_shown(now: Say) -> None:
    with pytest.raises(ReplayMismatch) as mismatch:
        compare("w", recorded(say(x=1)), signature(now, CODEC))
    assert (mismatch.value.instance, mismatch.value.step) == ("w", "3")
    assert "hello" in mismatch.value.recorded
    assert now.name in mismatch.value.asked


def test_code_that_asks_for_nothing_there_is_a_mismatch() -> None:
    with pytest.raises(ReplayMismatch, match="nothing there"):
        compare("w", recorded(say()), None)


def test_a_command_that_cannot_be_written_has_a_signature_of_its_own() -> None:
    bad = say(x=object())
    with pytest.raises(NotJournallable):
        signature(bad, CODEC)
    stands_for = unwritten(bad)
    assert (stands_for.kind, stands_for.name) == ("say", "hello")
    assert stands_for.hash != signature(say(), CODEC).hash
