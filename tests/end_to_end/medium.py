"""A medium that can be made read-only, for root and for everybody else.

Permission bits do not stop root, so the medium is mounted, in a mount namespace of its
own: the processes under test are started in it, and with its end every mount is gone.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Self

import pytest

_IMAGE_BYTES = 64 << 20


class Medium:
    """A file system on `folder` that only processes started with `inside` see.

    Args:
        folder: where it is mounted.
        image: None: in memory. Else a file that becomes an ext4 file system, the one
            kind that can be made read-only under a process that writes.
    """

    def __init__(self, folder: Path, image: Path | None = None) -> None:
        self._folder = folder
        self._image = image
        self._holder: subprocess.Popen[str] | None = None
        self.inside: list[str] = []

    def __enter__(self) -> Self:
        if shutil.which("unshare") is None or shutil.which("nsenter") is None:
            pytest.skip("unshare and nsenter are absent: apt-get install util-linux")
        self._folder.mkdir()
        holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", "echo ready; exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._holder = holder
        self.inside = ["nsenter", f"--mount=/proc/{holder.pid}/ns/mnt", "--"]
        assert holder.stdout is not None
        ready = holder.stdout.readline()
        if ready and self._image is not None:
            with self._image.open("wb") as file:
                file.truncate(_IMAGE_BYTES)
            ready = self._can("mkfs.ext4", "-q", "-F", str(self._image))
        if not ready or not self._mounted():
            self._end()
            what = "mounting in an own namespace"
            pytest.skip(f"{what} is not allowed here: run as root, with loop devices")
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def protect(self, path: Path | None = None) -> None:
        """Make it read-only, or one file of it. Nobody may be writing."""
        if path is None:
            self._do("mount", "-o", "remount,ro", str(self._folder))
        else:
            self._do("mount", "--bind", str(path), str(path))
            self._do("mount", "-o", "remount,ro,bind", str(path))

    def unprotect(self, path: Path | None = None) -> None:
        """Make it writable again."""
        if path is None:
            self._do("mount", "-o", "remount,rw", str(self._folder))
        else:
            self._do("umount", str(path))

    def fail(self) -> None:
        """Turn it read-only under whoever writes, as a kernel does with a bad card."""
        self._do("mount", "-o", "remount,abort", str(self._folder))

    def mend(self) -> None:
        """Check what failed and mount it again. Nobody may use it."""
        assert self._image is not None
        self._do("umount", str(self._folder))
        # e2fsck ends with 1 when it has mended something.
        subprocess.run(["e2fsck", "-fp", self._image], capture_output=True, check=False)
        assert self._mounted()

    def _mounted(self) -> str:
        if self._image is None:
            return self._can("mount", "-t", "tmpfs", "none", str(self._folder))
        return self._can("mount", "-o", "loop", str(self._image), str(self._folder))

    def _can(self, *command: str) -> str:
        """Run a command in the namespace; return a text when it went well."""
        try:
            done = subprocess.run(
                [*self.inside, *command], capture_output=True, check=False
            )
        except FileNotFoundError:
            return ""
        return "" if done.returncode else "done"

    def _do(self, *command: str) -> None:
        done = subprocess.run(
            [*self.inside, *command], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"

    def _end(self) -> None:
        if self._holder is None:
            return
        self._holder.communicate("")
        self._holder = None
