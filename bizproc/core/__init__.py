"""The language of processes: commands, the driver, outcomes, errors, codec, form. No I/O, no clock, no database."""
