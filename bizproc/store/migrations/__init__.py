"""
How a store of an older schema becomes one of today's, in steps: `versions/NNNN_what.py`. Not how a new one is made.

A new store is made from the tables as the code has them, so a change of a table is written twice: there, and here
for the stores that exist. The steps, for a change to schema 2:

1. Change the table in its room, and set `SCHEMA = 2` in `store/schema.py`.
2. Write `versions/0002_what.py`: `revision = "0002"`, `down_revision = "0001"`, and `upgrade()` with alembic's `op`.
   Speak of tables by name; do not import them, for they will change again.

There is no way down: the copy that is put aside before a migration is the way back.
"""
