"""Filters, assignment queues, working calendars: pure functions with laws. No I/O, no clock."""
