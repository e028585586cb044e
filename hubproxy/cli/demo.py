"""`hubproxy demo`."""

import asyncio

import click


@click.command("demo")
def command() -> None:
    """Show the whole story on this machine, without a network.

    In a temporary folder it makes a few small modules, an origin that serves them as tfhub.dev
    does, a trust list that names all but one, and a daemon; then a real `hub.load` in a child
    loads them cold, warm, through HTTPS_PROXY, unlisted, tampered with, and with the origin gone.
    """
    from hubproxy.demo.story import tell

    asyncio.run(tell())
