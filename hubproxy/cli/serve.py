"""`hubproxy serve`."""

import asyncio
import logging
from functools import partial

import click

from hubproxy.cli.keys import dump_no_core
from hubproxy.cli.options import configured, note
from hubproxy.config import Config


@click.command("serve")
@configured(
    click.option("--listen", "server__listen", help="HOST:PORT; port 0 lets the system choose."),
    click.option(
        "--offline", "network__offline", is_flag=True, default=None, help="Ask no upstream."
    ),
    click.option(
        "--mode",
        "trust__mode",
        type=click.Choice(["enforce", "quarantine", "first-use"]),
        help="What may enter.",
    ),
    click.option(
        "--lock", "trust__lock", metavar="FILE", help="Serve nothing but what this lock pins."
    ),
)
def command(config: Config) -> None:
    """Run the proxy until SIGTERM; SIGHUP reads the trust list and the CA again.

    Prints its URLs to standard output once it listens.
    """
    logging.basicConfig(
        level=config.log.level.upper(), format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("tuf").setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    _raise_file_limit()
    dump_no_core()  # it would hold the CA's key
    asyncio.run(_serve(config))


def _raise_file_limit() -> None:
    """A download takes three descriptors; what the service manager allows may be used."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(config: Config) -> None:
    from hubproxy import wiring
    from hubproxy.server.listen import until_told

    async with wiring.open_daemon(config) as daemon:
        refreshing = asyncio.create_task(
            daemon.trust.keep_fresh(max(1.0, config.trust.refresh_seconds))
        )
        try:
            async with wiring.open_ports(daemon, config) as addresses:
                print(f"listening on {addresses.hook}", flush=True)
                if addresses.proxy:
                    print(f"forward proxy on {addresses.proxy}", flush=True)
                if daemon.trust.error is not None:
                    note(f"hubproxy: {daemon.trust.error.code}: {daemon.trust.error}")
                await until_told(partial(daemon.reload, config), partial(daemon.minding, config))
        finally:
            refreshing.cancel()
            await asyncio.gather(refreshing, return_exceptions=True)
