# pyright: reportUnnecessaryTypeIgnoreComment=false
"""Commands that are made and not awaited do nothing. mypy sees it with `unused-awaitable`; other checkers do not."""

from __future__ import annotations

from datetime import timedelta

from bizproc import crm, gather, now, wait


async def forgotten() -> None:
    crm.deal.add_comment("x")  # type: ignore[unused-awaitable]
    crm.deal(42).update({"title": "Tea"})  # type: ignore[unused-awaitable]
    wait.sleep(timedelta(days=1))  # type: ignore[unused-awaitable]
    gather(now(), now())  # type: ignore[unused-awaitable]
