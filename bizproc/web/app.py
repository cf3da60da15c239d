"""The application: which page is where. What is on a page stands in the file of its family."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib import resources
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bizproc.model.tokens import Signer
from bizproc.runtime import Runtime
from bizproc.settings import Settings
from bizproc.web import calendars, documents, files, payments
from bizproc.web.guarding import Guard, NotHere, body_of, log
from bizproc.web.showing import Pages

Endpoint = Callable[[Request], Awaitable[Response]]

GET: Final = ["GET"]  # and HEAD
POST: Final = ["POST"]


def _now() -> datetime:
    return datetime.now(UTC)


def application(
    runtime: Runtime, signer: Signer, settings: Settings, *, now: Callable[[], datetime] = _now
) -> Starlette:
    """
    The pages of one runtime.

    Args:
        runtime: Whose CRM is shown, and who performs what visitors bring about.
        signer: What its tokens are signed with.
        settings: The portal's language, and the secrets of providers.
        now: The time, by which links expire.
    """
    pages = Pages(settings.language)
    css = (resources.files("bizproc.web") / "templates" / "pages.css").read_bytes()

    async def stylesheet(_request: Request) -> Response:
        return Response(css, media_type="text/css", headers={"cache-control": "public, max-age=3600"})

    async def file(request: Request) -> Response:
        return await files.by_token(runtime, signer, request.path_params["token"], now())

    async def document(request: Request) -> Response:
        found = await documents.by_token(runtime, signer, request.path_params["token"])
        match request.path_params.get("form"):
            case None:
                return await documents.shown(runtime, found, pages)
            case "pdf" | "docx" as form:
                return await documents.saved(runtime, found, form)
            case _:
                raise NotHere

    async def payment(request: Request) -> Response:
        return await payments.by_token(runtime, signer, request.path_params["token"], pages)

    async def news(request: Request) -> Response:
        return await payments.heard(runtime, signer, request.headers, await body_of(request), now())

    async def calendar(request: Request) -> Response:
        return await calendars.by_token(runtime, signer, request.path_params["token"], now())

    routes = [
        Route("/pages.css", stylesheet, methods=GET),
        Route("/files/{token}", file, methods=GET),
        Route("/pay/{token}", payment, methods=GET),
        Route("/calendar/{token}.ics", calendar, methods=GET),
        Route("/hooks/payments", news, methods=POST),
        Route("/documents/{token}", document, methods=GET),
        Route("/documents/{token}/document.{form}", document, methods=GET),
    ]

    async def not_here(_request: Request, _error: Exception) -> Response:
        return pages.not_here()

    async def broken(request: Request, error: Exception) -> Response:
        # The path may hold a token: it is not written down.
        log.error("a page could not be shown: %s", request.url.path.split("/")[1][:20], exc_info=error)
        return Response("", 500)

    handlers = {NotHere: not_here, 404: not_here, 405: not_here, 400: not_here, Exception: broken}
    app = Starlette(routes=routes, exception_handlers=handlers, middleware=[Middleware(Guard)])
    app.router.redirect_slashes = False
    return app
