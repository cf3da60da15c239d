"""A server on this machine that answers as Stripe's public interface does: prices, payment links, idempotency keys."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from attrs import define, field

KEY = "sk_test_1"
SECRET = "whsec_1"


@define(eq=False)
class StripeStandIn:
    """
    What it has, and how it is to answer next.

    Attributes:
        answers: Statuses of the next answers, in place of doing what is asked; `cut` breaks the connection off, after
            it was done.
        prices, links: What was made, in order.
        asked: All requests: path, form, headers.
    """

    url: str = ""
    answers: list[Any] = field(factory=list)
    prices: list[dict[str, str]] = field(factory=list)
    links: list[dict[str, str]] = field(factory=list)
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(factory=list)
    _done: dict[str, tuple[dict[str, str], dict[str, Any]]] = field(factory=dict)

    def do(self, path: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, Any]:
        """One request."""
        self.asked.append((path, form, headers))
        if headers.get("authorization") != f"Bearer {KEY}":
            return 401, {"error": {"message": "Invalid API Key provided: sk_****"}}
        key = headers["idempotency-key"]
        if key in self._done:
            earlier, made = self._done[key]
            return (
                (200, made) if earlier == form else (400, {"error": {"type": "idempotency_error", "message": "other"}})
            )
        if int(form.get("unit_amount", "100")) < 50:
            return 400, {"error": {"message": "Amount must be at least 50 cents"}}
        made = self._make(path, form)
        self._done[key] = form, made
        return 200, made

    def _make(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        if path == "/v1/prices":
            self.prices.append(form)
            return {"id": f"price_{len(self.prices)}", "object": "price"}
        self.links.append(form)
        return {"id": f"plink_{len(self.links)}", "url": f"https://buy.stripe.test/{len(self.links)}"}


@contextmanager
def stripe_stand_in() -> Iterator[StripeStandIn]:
    """A stand-in that answers while the block lasts."""
    stripe = StripeStandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            planned = stripe.answers.pop(0) if stripe.answers else None
            if isinstance(planned, int):
                self._answer(planned, {"error": {"message": f"planned {planned}"}})
                return
            status, found = stripe.do(self.path, form, headers)
            if planned == "cut":
                self.close_connection = True
                self.connection.close()
                return
            self._answer(status, planned if planned is not None else found)

        def _answer(self, status: int, found: Any) -> None:
            body = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def finish(self) -> None:
            with suppress(OSError, ValueError):  # broken off on purpose
                super().finish()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # broken off on purpose
    stripe.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield stripe
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def event(token: str | None, *, created: int, kind: str = "checkout.session.completed", **session: Any) -> bytes:
    """News of Stripe about a checkout."""
    metadata = {} if token is None else {"bizproc_payment": token}
    about = {
        "id": "cs_1",
        "object": "checkout.session",
        "payment_status": "paid",
        "payment_intent": "pi_1",
        "amount_total": 14500,
        "currency": "eur",
        "metadata": metadata,
    }
    return json.dumps(
        {"id": "evt_1", "type": kind, "created": created, "data": {"object": {**about, **session}}}
    ).encode()


def signed(body: bytes, at: int, secret: str = SECRET) -> dict[str, str]:
    """The header with which Stripe signs."""
    signature = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"stripe-signature": f"t={at},v1={signature},v0=old"}
