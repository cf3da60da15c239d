"""Tokens in links."""

from hypothesis import given
from hypothesis import strategies as st

from bizproc.model.tokens import Signer

SIGNER = Signer(bytes(range(32)))
numbers = st.lists(st.integers(0, 2**62), min_size=1, max_size=4)


@given(numbers)
def test_a_token_gives_back_what_it_is_about(about: list[int]) -> None:
    token = SIGNER.token("open", *about)
    assert SIGNER.read("open", token) == tuple(about)
    assert token.replace("-", "").replace("_", "").isalnum()


@given(numbers)
def test_a_token_of_another_purpose_or_secret_is_none(about: list[int]) -> None:
    token = SIGNER.token("open", *about)
    assert SIGNER.read("click", token) is None
    assert Signer(bytes(32)).read("open", token) is None


@given(numbers, st.integers(0, 10_000), st.characters(codec="utf-8"))
def test_no_other_text_is_the_same_token(about: list[int], place: int, char: str) -> None:
    token = SIGNER.token("open", *about)
    place %= len(token)
    changed = token[:place] + char + token[place + 1 :]
    assert (SIGNER.read("open", changed) is None) == (changed != token)
    assert SIGNER.read("open", token + char) is None


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert SIGNER.read("open", text) is None


def test_the_secret_is_not_shown() -> None:
    assert "secret" not in repr(SIGNER)
