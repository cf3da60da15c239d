"""From an event to the keys under which instances wait for it, or to new instances. Pure; the engine has the SQL."""
