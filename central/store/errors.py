"""What the central store raises."""


class StoreError(Exception):
    """The store cannot be trusted to keep an entry: stop, acknowledge nothing."""


class NewerStoreError(StoreError):
    """The store was written by a newer version; this one must not touch it."""
