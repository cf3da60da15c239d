"""
The engine's tables. No CRM table (the adapter of the CRM brings its own) and no statement.

    store_owner     who may commit: one row, checked by every commit
    instance        what runs, waits or has ended; `only` is the overlap key while it lives, `queue` while it waits for
                    its turn
    journal         what happened to an instance, in order; only ever appended to
    timer           when a wait is due
    subscription    the keys of events a wait listens to
    arrival         what has arrived for an instance that has not yet taken it
    signal          what was sent to an instance, waited for or not
    attempt         how often the body of a step was begun, and whether it is running
    outbox          what is to be sent to the outside, and what became of it
    inbox           what programs beside the owner ask of it
    removal         instances that are gone, and whose other rows are still to go
    instance_log    what a process wrote down with `log`
    refusal         what would have started by itself and did not, and why
    paused          the processes whose triggers start nothing
    timetable       when a schedule is due next

Moments are fixed-width UTC text, JSON is text (`store/types.py`). The hot tables have no foreign keys: their rows are
written by the thousand, and what an instance leaves is removed with it (`removal.py`).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint, text

from bizproc.store.types import Json, Moment

SCHEMA: Final = 1
"""The number of this schema, kept in `PRAGMA user_version`; the newest migration bears it."""

metadata = MetaData()

# Instances, arrivals and signals are recognised by their number after they are gone: never_again.


def _table(
    name: str, *parts: Column[object] | Index | UniqueConstraint, clustered: bool = False, never_again: bool = False
) -> Table:
    """
    A STRICT table.

    `clustered` ones are stored in the order of their primary key, without a rowid. In `never_again` ones no number is
    given out twice, not even when the newest row is deleted.
    """
    return Table(
        name,
        metadata,
        *parts,
        sqlite_strict=True,
        sqlite_with_rowid=not clustered,
        sqlite_autoincrement=never_again,
    )


store_owner = _table(
    "store_owner",
    Column("id", Integer, primary_key=True),  # always 1
    Column("epoch", Integer, nullable=False),  # one more with every owner
    Column("pid", Integer, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("closed", Integer, nullable=False, server_default=text("0")),  # the owner left in an orderly way
)

instance = _table(
    "instance",
    Column("key", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("process", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("run", Integer, nullable=False, server_default=text("0")),
    Column("document_type", Text),
    Column("document_id", Integer),
    Column("arguments", Json, nullable=False),
    Column("first_arguments", Json),  # those it was started with, where it has begun anew with others
    Column("state", Text, nullable=False),
    Column("waits_for", Text),
    Column("until", Moment),
    Column("ended_by", Text),
    Column("outcome", Json),
    Column("error", Text),
    Column("only", Text),
    Column("queue", Text),
    Column("while_in", Json),  # the stages it lives in: it ends when its document leaves them
    Column("parent_key", Integer),
    Column("parent_address", Text),
    Column("cause", Json),  # what led to its start, the first cause first; empty where a person started it
    Column("failed_at", Text),  # the address of the step at which `retry` goes on
    Column("crashes", Integer, nullable=False, server_default=text("0")),  # in a row, with no commit of its own since
    Column("alone", Integer, nullable=False, server_default=text("0")),  # how often it was run alone because of them
    Column("printed_in", Text),  # language and zone of what it has printed, where it has: a replay prints the same
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    never_again=True,
)
Index("instance_only", instance.c.only, unique=True, sqlite_where=instance.c.only.is_not(None))
Index("instance_queue", instance.c.queue, instance.c.key, sqlite_where=instance.c.queue.is_not(None))
# Partial: recovery reads the running ones, and costs nothing for those that wait or have ended.
Index("instance_running", instance.c.state, sqlite_where=text("state = 'running'"))
# The words of its condition are those of the statement that asks, or SQLite does not see that it serves.
Index("instance_suspect", instance.c.crashes, sqlite_where=text("crashes >= 2"))
Index("instance_parent", instance.c.parent_key, sqlite_where=instance.c.parent_key.is_not(None))
Index("instance_stuck", instance.c.state, sqlite_where=text("state = 'stuck'"))
Index("instance_document", instance.c.document_type, instance.c.document_id)
Index(
    "instance_while_in",
    instance.c.document_type,
    instance.c.document_id,
    sqlite_where=text("while_in IS NOT NULL AND ended_at IS NULL"),
)
# With the moment of the end: what ended longest ago is looked for by process, for each has its own retention.
Index("instance_process", instance.c.process, instance.c.state, instance.c.ended_at)
Index("instance_ended", instance.c.ended_at, sqlite_where=instance.c.ended_at.is_not(None))

# A rowid in the order of writing and a unique index: appending to it was up to four times faster than to a table
# clustered by (instance, position), see performance.md.
journal = _table(
    "journal",
    Column("lsn", Integer, primary_key=True),
    Column("instance", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("address", Text),
    Column("event", Text, nullable=False),  # began, returned, raised, cancelled
    Column("kind", Text),
    Column("name", Text),
    Column("arguments", Text),
    Column("hash", LargeBinary),
    Column("outcome", Text),
    Column("attempts", Integer),
    Column("started_at", Moment),
    Column("at", Moment, nullable=False),
    Column("crc", Integer, nullable=False),
    UniqueConstraint("instance", "position", name="journal_position"),
)

timer = _table(
    "timer",
    Column("instance", Integer, primary_key=True, autoincrement=False),
    Column("address", Text, primary_key=True),
    Column("deadline", Moment, nullable=False),
    Column("purpose", Text),
    clustered=True,
)
Index("timer_deadline", timer.c.deadline, timer.c.instance, timer.c.address)

subscription = _table(
    "subscription",
    Column("key", Text, primary_key=True),
    Column("instance", Integer, primary_key=True, autoincrement=False),
    Column("address", Text, primary_key=True),
    Column("trigger", Text),  # what an event must fit besides, where its key does not say it all
    clustered=True,
)
Index("subscription_instance", subscription.c.instance, subscription.c.address)

arrival = _table(
    "arrival",
    Column("id", Integer, primary_key=True),
    Column("instance", Integer, nullable=False),
    Column("address", Text),
    Column("kind", Text, nullable=False),
    Column("payload", Text),
    never_again=True,
)
Index("arrival_instance", arrival.c.instance, arrival.c.id)

signal = _table(
    "signal",
    Column("id", Integer, primary_key=True),
    Column("instance", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Text),
    Column("key", Text),
    Column("consumed", Integer, nullable=False, server_default=text("0")),
    Column("at", Moment, nullable=False),
    never_again=True,
)
Index("signal_key", signal.c.instance, signal.c.key, unique=True, sqlite_where=signal.c.key.is_not(None))
Index("signal_unread", signal.c.instance, signal.c.name, signal.c.id, sqlite_where=text("consumed = 0"))

attempt = _table(
    "attempt",
    Column("instance", Integer, primary_key=True, autoincrement=False),
    Column("address", Text, primary_key=True),
    Column("count", Integer, nullable=False, server_default=text("0")),
    Column("started", Integer, nullable=False, server_default=text("0")),
    Column("error", Text),
    clustered=True,
)

outbox = _table(
    "outbox",
    Column("id", Integer, primary_key=True),
    Column("instance", Integer),
    Column("address", Text),
    Column("waits", Integer, nullable=False),
    Column("channel", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),
    Column("payload", Text, nullable=False),
    Column("settling", Text, nullable=False),
    Column("document_type", Text),
    Column("document_id", Integer),
    Column("state", Text, nullable=False),  # ready, sending, accepted, refused, unknown, withdrawn
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("again_at", Moment),
    Column("verdict", Text),
    Column("posted_at", Moment, nullable=False),
    Column("settled_at", Moment),
    never_again=True,
)
Index("outbox_open", outbox.c.id, sqlite_where=text("state IN ('ready', 'sending') AND again_at IS NULL"))
Index("outbox_later", outbox.c.again_at, sqlite_where=text("state = 'ready' AND again_at IS NOT NULL"))
Index("outbox_instance", outbox.c.instance, outbox.c.address)
Index("outbox_settled", outbox.c.settled_at, sqlite_where=text("instance IS NULL"))

inbox = _table(
    "inbox",
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("posted_at", Moment, nullable=False),
    Column("done_at", Moment),
    Column("value", Text),
    Column("error", Text),
    never_again=True,
)
Index("inbox_open", inbox.c.id, sqlite_where=text("done_at IS NULL"))

removal = _table("removal", Column("instance", Integer, primary_key=True, autoincrement=False), clustered=True)

instance_log = _table(
    "instance_log",
    Column("id", Integer, primary_key=True),
    Column("instance", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("text", Text, nullable=False),
    Column("facts", Json),
)
Index("instance_log_instance", instance_log.c.instance, instance_log.c.id)

refusal = _table(
    "refusal",
    Column("id", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("process", Text, nullable=False),
    Column("document_type", Text),
    Column("document_id", Integer),
    Column("event", Text, nullable=False),
    Column("reason", Text, nullable=False),  # overlap, loop, error
    Column("existing", Text),
    Column("text", Text, nullable=False),
    never_again=True,
)
Index("refusal_process", refusal.c.process, refusal.c.id)
Index("refusal_document", refusal.c.document_type, refusal.c.document_id, refusal.c.id)

paused = _table(
    "paused",
    Column("process", Text, primary_key=True),
    Column("at", Moment, nullable=False),
    clustered=True,
)

timetable = _table(
    "timetable",
    Column("process", Text, primary_key=True),
    Column("expression", Text, primary_key=True),
    Column("zone", Text, primary_key=True),
    Column("next", Moment, nullable=False),
    clustered=True,
)
