"""The one error of this package."""


class VirtualError(Exception):
    """A virtual terminal that cannot be made as asked; the words say what to change."""
