"""
The CRM in the store itself: what an action writes commits together with the journal's entry.

    tables.py      the tables, made from the model
    shapes.py      a noun and its row: statements, and both directions of coding
    reading.py     get and find, on any connection
    filtering.py   filters in SQL
    ordering.py    the order of what is found, and pages
    items.py       create, update, delete: history, events, derived fields
    matching.py    nouns by the exact values of their fields, and items by what they point at
    names.py       what things are called
    definitions.py which custom fields there are
    custom.py      custom fields are made, and what they hold is checked
    special.py     what only some nouns have
    rows.py        product rows: the hot path
    passing_on.py  what one item passes on to others: its timeline, its rows
    people.py      who is meant by a parameter that names users
    candidates.py  those among whom a queue picks: absences, hours, loads
    queues.py      assignment queues: facts in, a decision out, both written
    timeline.py    comments, activities, notifications
    history.py     lines of history, and events
    belongings.py  rows of what belongs to an item
    tasks.py       tasks, and the mark of the stage they were made in
    waits.py       wait cards
    bookings.py    bookings of people's time
    orders.py      orders and payments
    messages.py    messages of every channel: sent, reported on, received
    payments.py    payments that are asked for, and that come in
    papers.py      documents that are made for an item
    agendas.py     what calendars show of a user
    addresses.py   where a client can be reached
    stages.py      pipelines and their stages
    seeding.py     what a new store holds
    columns.py     which CSV files there are, and their columns
    bulk.py        import: files into rows, in one transaction
    bulk_nouns.py  what each noun needs while it is imported
    exporting.py   export: all rows into files
    crm.py         `SqlCrm`: the port
    watching.py    what changes in a transaction, for previews
"""

from bizproc.adapters.sql_crm.crm import SqlCrm
from bizproc.adapters.sql_crm.reading import SqlCrmReader
from bizproc.adapters.sql_crm.seeding import seed
from bizproc.adapters.sql_crm.tables import metadata
from bizproc.adapters.sql_crm.watching import SqlWatch

__all__ = ["SqlCrm", "SqlCrmReader", "SqlWatch", "metadata", "seed"]
