"""A visitor of the pages: asks the application as a browser would, and holds every answer to what holds for all."""

from __future__ import annotations

from typing import Any

import httpx
from attrs import define

from bizproc.settings import PaymentSettings, Settings, WebSettings
from bizproc.testing import World
from bizproc.web.app import application

PUBLIC = "http://crm.test"
WEBHOOK_SECRET = "whsec_test"


def settings(**more: Any) -> Settings:
    return Settings(
        web=WebSettings(public_url=PUBLIC),
        payments=PaymentSettings(stripe_key="sk_test", stripe_webhook_secret=WEBHOOK_SECRET),
        **more,
    )


@define
class Visitor:
    """Asks for pages of a world."""

    world: World
    language: str = "en"

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.ask("GET", path, **more)

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        runtime = self.world.runtime
        app = application(runtime, await runtime.signer(), settings(language=self.language), now=self.world.clock.now)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=PUBLIC) as client:
            answer = await client.request(method, path.removeprefix(PUBLIC), **more)
        await self.world.run_until_idle()
        self._check(answer)
        return answer

    @staticmethod
    def _check(answer: httpx.Response) -> None:
        assert answer.status_code < 500, answer.text
        assert "script" not in answer.headers["content-security-policy"]
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "cache-control" in answer.headers

    async def is_not_here(self, path: str, method: str = "GET", **more: Any) -> bool:
        """Whether the answer is the one page for all that is wrong, and nothing was changed."""
        before = await everything(self.world)
        answer = await self.ask(method, path, **more)
        nowhere = await self.get("/nowhere")
        assert await everything(self.world) == before
        return answer.status_code == 404 and (method == "HEAD" or answer.text == nowhere.text)


async def everything(world: World) -> list[tuple[Any, ...]]:
    """All rows of the CRM."""
    from bizproc.adapters import sql_crm

    def read(connection: Any) -> list[tuple[Any, ...]]:
        return [
            (table.name, *row)
            for table in sql_crm.metadata.sorted_tables
            for row in connection.execute(f"SELECT * FROM {table.name}").fetchall()
        ]

    return await world.runtime.read(read)
