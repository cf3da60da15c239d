"""Settings in, a running `Runtime` out; what doors and users speak to."""

from bizproc.adapters.sql_crm.exporting import ExportReport
from bizproc.engines.embedded.backfill import Backfill
from bizproc.engines.embedded.inspection import (
    JournalStep,
    News,
    Overview,
    Recording,
    Refusal,
    Retrying,
    Sent,
    Since,
    Status,
)
from bizproc.engines.embedded.rehearsal import Change, PreviewMessage, PreviewStep, PreviewStop, PreviewWait
from bizproc.engines.embedded.unread import UnreadSignal
from bizproc.engines.embedded.upgrade import Upgrade, UpgradeReport
from bizproc.runtime.instance import Instance
from bizproc.runtime.parts import open_database, refusals
from bizproc.runtime.previewing import Preview
from bizproc.runtime.runtime import Backup, Runtime, assemble

__all__ = [
    "Backfill",
    "Backup",
    "Change",
    "ExportReport",
    "Instance",
    "JournalStep",
    "News",
    "Overview",
    "Preview",
    "PreviewMessage",
    "PreviewStep",
    "PreviewStop",
    "PreviewWait",
    "Recording",
    "Refusal",
    "Retrying",
    "Runtime",
    "Sent",
    "Since",
    "Status",
    "UnreadSignal",
    "Upgrade",
    "UpgradeReport",
    "assemble",
    "open_database",
    "refusals",
]
