"""Work in a thread beside the loop, that is waited for also when its caller goes."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

_T = TypeVar("_T")


class Aside:
    """Does one thing after the other; the last one may outlive the task that asked."""

    def __init__(self) -> None:
        self._last: asyncio.Future[Any] | None = None

    async def do(self, work: Callable[[], _T]) -> _T:
        """Do something in a thread and return what comes of it."""
        thread = asyncio.get_running_loop().run_in_executor(None, work)
        self._last = thread
        return await asyncio.shield(thread)

    async def ended(self) -> None:
        """Return when the last one is done, whatever came of it."""
        if self._last is not None:
            await asyncio.wait([self._last])
