"""Properties here: a busy machine is no failure, and examples can be replayed."""

from hypothesis import settings

settings.register_profile("gateway", deadline=None, print_blob=True)
settings.load_profile("gateway")
