"""What the ports of a daemon share."""

from hubproxy.config import Config
from hubproxy.server.app import App
from hubproxy.server.connections import Connections, Patience
from hubproxy.server.frontend import Frontend
from hubproxy.server.handler import Handlers
from hubproxy.server.identity import Callers
from hubproxy.wiring.access import team_file


def open_connections(config: Config) -> Connections:
    """Who counts the connections and keeps their time."""
    server = config.server
    patience = Patience(
        head=server.header_seconds, idle=server.idle_seconds, stall=server.stall_seconds
    )
    return Connections(per_client=server.connections_per_client, patience=patience)


def open_frontend(config: Config, app: App, connections: Connections) -> Frontend:
    """What all connections of a daemon share."""
    access = config.access
    return Frontend(
        app=app,
        handlers=Handlers(app),
        connections=connections,
        callers=Callers(
            team_file(config).current, required=access.auth == "required", realm=access.realm
        ),
    )
