"""A plugin of pytest: any example that breaks a law is enough. To make it a small one takes minutes."""

from hypothesis import Phase, settings

settings.register_profile("without_shrinking", phases=[Phase.explicit, Phase.generate])
settings.load_profile("without_shrinking")
