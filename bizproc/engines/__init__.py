"""Engines: what runs instances. One is here, the embedded one; another may stand beside it, on the same driver."""
