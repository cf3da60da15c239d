"""Laws are about what is right. How long an example takes on a busy machine is no law, so Hypothesis does not ask."""

from hypothesis import settings

settings.register_profile("laws", deadline=None)
settings.load_profile("laws")
