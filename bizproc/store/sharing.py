"""
SQLAlchemy over a connection that is ours: its statements run in our transaction. It opens, commits and closes nothing.

AUTOCOMMIT is not enough for that: SQLAlchemy sets it through the driver's `isolation_level`, and the driver commits
what is open whenever that is set. So the dialect itself leaves transactions alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import sqlalchemy
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.pool import StaticPool

from bizproc.store.sqlite import driver

if TYPE_CHECKING:
    from sqlite3 import Connection


class BorrowedSQLite(SQLiteDialect_pysqlite):
    """SQLite through a connection whose transactions belong to somebody else."""

    driver = "borrowed"
    supports_statement_cache = True

    def do_begin(self, dbapi_connection: Any) -> None:
        """Begins nothing."""

    def do_commit(self, dbapi_connection: Any) -> None:
        """Commits nothing."""

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Undoes nothing."""

    def do_close(self, dbapi_connection: Any) -> None:
        """Closes nothing."""

    def do_terminate(self, dbapi_connection: Any) -> None:
        """Closes nothing."""


registry.register("sqlite.borrowed", __name__, BorrowedSQLite.__name__)


def borrow(connection: Connection) -> sqlalchemy.Connection:
    """SQLAlchemy's view of this connection; make it once and keep it."""
    engine = sqlalchemy.create_engine(
        "sqlite+borrowed://", module=driver(), creator=lambda: cast("Any", connection), poolclass=StaticPool
    )
    return engine.connect()
