"""."""

queues = None
