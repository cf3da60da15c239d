"""The application: which page is where. What is on a page stands in the file of its family."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from importlib import resources
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bizproc.model.tokens import Signer
from bizproc.runtime import Runtime
from bizproc.settings import Settings
from bizproc.web import calendars, documents, files, messages, payments
from bizproc.web.guarding import Guard, NotHere, body_of, log
from bizproc.web.showing import Pages

GET: Final = ["GET"]  # and HEAD
POST: Final = ["POST"]


def _now() -> datetime:
    return datetime.now(UTC)


def application(runtime: Runtime, signer: Signer, settings: Settings, *, now: Callable[[], datetime] = _now) -> ASGIApp:
    """
    The pages of one runtime.

    Args:
        runtime: Whose CRM is shown, and who performs what visitors bring about.
        signer: What its tokens are signed with.
        settings: The portal's language.
        now: The time, by which links expire.
    """
    doors = _Doors(runtime, signer, Pages(settings.language), now)
    routes = [
        Route("/pages.css", doors.stylesheet, methods=GET),
        Route("/documents/{token}", doors.document, methods=GET),
        Route("/documents/{token}/document.{form}", doors.document, methods=GET),
        Route("/files/{token}", doors.file, methods=GET),
        Route("/pay/{token}", doors.payment, methods=GET),
        Route("/calendar/{token}.ics", doors.calendar, methods=GET),
        Route("/mail/open/{token}.gif", doors.pixel, methods=GET),
        Route("/mail/link/{token}", doors.link, methods=GET),
        Route("/sms/status/{token}", doors.report, methods=POST),
        Route("/hooks/payments", doors.news, methods=POST),
    ]
    wrong = (NotHere, 400, 404, 405)
    handlers = {**dict.fromkeys(wrong, doors.not_here), Exception: doors.broken}
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return Guard(app)


class _Doors:
    """One method a page."""

    def __init__(self, runtime: Runtime, signer: Signer, pages: Pages, now: Callable[[], datetime]) -> None:
        self._runtime = runtime
        self._signer = signer
        self._pages = pages
        self._now = now
        self._css = (resources.files("bizproc.web") / "templates" / "pages.css").read_bytes()

    async def stylesheet(self, _request: Request) -> Response:
        return Response(self._css, media_type="text/css", headers={"cache-control": "public, max-age=3600"})

    async def document(self, request: Request) -> Response:
        found = await documents.by_token(self._runtime, self._signer, _token(request))
        match request.path_params.get("form"):
            case None:
                return await documents.shown(self._runtime, found, self._pages)
            case "pdf" | "docx" as form:
                return await documents.saved(self._runtime, found, form)
            case _:
                raise NotHere

    async def file(self, request: Request) -> Response:
        return await files.by_token(self._runtime, self._signer, _token(request), self._now())

    async def payment(self, request: Request) -> Response:
        return await payments.by_token(self._runtime, self._signer, _token(request), self._pages)

    async def calendar(self, request: Request) -> Response:
        return await calendars.by_token(self._runtime, self._signer, _token(request), self._now())

    async def pixel(self, request: Request) -> Response:
        return await messages.opened(self._runtime, self._signer, _token(request), counts=_is_get(request))

    async def link(self, request: Request) -> Response:
        return await messages.followed(self._runtime, self._signer, _token(request), counts=_is_get(request))

    async def report(self, request: Request) -> Response:
        return await messages.reported(self._runtime, self._signer, _token(request), await body_of(request))

    async def news(self, request: Request) -> Response:
        return await payments.heard(self._runtime, self._signer, request.headers, await body_of(request), self._now())

    # -- all that is wrong

    async def not_here(self, _request: Request, _error: Exception) -> Response:
        return self._pages.not_here()

    async def broken(self, request: Request, error: Exception) -> Response:
        # The rest of the path may be a token: it is not written down.
        log.error("a page could not be shown: %s", request.url.path.split("/")[1][:20], exc_info=error)
        return Response("", 500)


def _token(request: Request) -> str:
    token: str = request.path_params["token"]
    return token


def _is_get(request: Request) -> bool:
    """Programs that only ask for the head look where a link leads: nobody has followed it."""
    return request.method == "GET"
