"""A program is killed when the mail server has its mail and has not answered: nobody knows, and a person settles it."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from bizproc.cli import main
from tests.crash.harness import BOUND, Programs, url
from tests.crash.mail_program import INSTANCE


class SilentServer:
    """
    A mail server that takes a text and says nothing, until it is told to answer.

    Attributes:
        taken: The texts that it has.
        has_one: Set when a text has come.
        answers: Set when it is to answer from here on.
    """

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.has_one = threading.Event()
        self.answers = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        # A thread that waits in accept hears of it by a last caller.
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            self._closing = True
        self._thread.join(BOUND)
        self._socket.close()

    _closing = False

    def _serve(self) -> None:
        while not self._closing:
            caller, _ = self._socket.accept()
            with caller, suppress(OSError), caller.makefile("rb") as lines:
                self._talk(caller, lines)

    def _talk(self, caller: socket.socket, lines: object) -> None:
        caller.sendall(b"220 here\r\n")
        for line in lines:  # type: ignore[attr-defined]
            word = line[:4].upper()
            caller.sendall({b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}.get(word, b"250 OK\r\n"))
            if word == b"DATA":
                self.taken.append(b"".join(iter(lambda: next(lines), b".\r\n")))  # type: ignore[call-overload]
                self.has_one.set()
                if self.answers.is_set():
                    caller.sendall(b"250 taken\r\n")


@pytest.fixture
def server() -> Iterator[SilentServer]:
    server = SilentServer()
    yield server
    server.close()


def bizproc(store: Path, *arguments: str) -> str:
    ran = CliRunner().invoke(main, [*arguments, "--store", url(store)], terminal_width=300)
    assert ran.exit_code == 0, ran.output
    return ran.output


def message_id(text: bytes) -> bytes:
    found = re.search(rb"^Message-ID: <(.*)>\r$", text, re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("how", ["--sent", "--again"])
def test_a_mail_whose_program_dies_after_the_text_is_settled_by_a_person(
    programs: Programs, store: Path, server: SilentServer, how: str
) -> None:
    first = programs.begin("mail_program", store, server.port)
    assert first.hears() == ["open"]
    assert server.has_one.wait(BOUND), first.complaint()
    first.kill()

    server.answers.set()
    second = programs.begin("mail_program", store, server.port)
    assert second.hears() == ["open"], second.complaint()
    assert second.does("status") == ["failed", "DeliveryUnknown", None]
    assert len(server.taken) == 1  # it was not sent again by itself
    shown = bizproc(store, "show", INSTANCE)
    assert "whether mail has sent it is unknown" in shown
    assert f"bizproc settle {INSTANCE} 0 --sent" in shown

    assert INSTANCE in bizproc(store, "settle", INSTANCE, "0", how)
    state, error, result = second.does("status")
    assert (state, error) == ("completed", None)
    assert len(server.taken) == (2 if how == "--again" else 1)
    assert {f"sent {message_id(text).decode()}" for text in server.taken} == {result}
    second.tell("close")
    assert second.hears() == ["closed"]
    assert second.ends() == 0, second.complaint()
