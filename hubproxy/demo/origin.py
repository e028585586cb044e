"""A small stand-in for tfhub.dev: it serves archives, can be changed, and can be stopped."""

from pathlib import Path
from typing import Self

from aiohttp import web


class DemoOrigin:
    """Serves `FOLDER/<path>.tar.gz` at `/<path>`, as tfhub.dev does; counts what it is asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runner: web.ServerRunner | None = None
        self.asked: list[str] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._answer, access_log=None))
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Close the port: from now on nobody answers."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def tamper(self, path: str) -> None:
        """Change one byte early in an archive, as a hostile mirror would."""
        archive = self.archive(path)
        content = bytearray(archive.read_bytes())
        content[len(content) // 4] ^= 1
        archive.write_bytes(content)

    def archive(self, path: str) -> Path:
        return self._folder / f"{path.strip('/')}.tar.gz"

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request.path)
        archive = self.archive(request.path)
        if not archive.resolve().is_relative_to(self._folder.resolve()) or not archive.is_file():
            return web.Response(status=404)
        return web.FileResponse(archive, headers={"Content-Type": "application/gzip"})
