"""What the commands `bizproc recipes …` do; the commands themselves stand in `recipes_command.py`."""
