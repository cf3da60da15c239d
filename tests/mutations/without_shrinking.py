"""A plugin of pytest: an example that breaks a law is enough, it need not be small. Making it small takes minutes."""

from hypothesis import Phase, settings

settings.register_profile("without_shrinking", phases=[Phase.explicit, Phase.generate])
settings.load_profile("without_shrinking")
