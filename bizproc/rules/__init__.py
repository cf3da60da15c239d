"""Filters, assignment queues, working calendars: pure functions with laws."""
