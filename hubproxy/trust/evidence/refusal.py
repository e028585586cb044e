"""How a publisher's signature is refused: HP-T12."""

from hubproxy.core.paths import shown
from hubproxy.errors import DeniedError

AGAIN = "Get the signature from the publisher again, as he publishes it."
RULE = (
    "If the publisher has a new key or certificate, officers put it into policy.json: "
    "`hubproxy trust policy`."
)


class UnmetRuleError(Exception):
    """A signature does not meet one rule. It may meet another one."""

    def __init__(self, why: str, *, remedy: str = RULE) -> None:
        super().__init__(why)
        self.remedy = remedy


class UnusableRuleError(Exception):
    """A rule's own key, certificates or trusted root cannot be read."""


def refused(why: str, *, remedy: str = AGAIN) -> DeniedError:
    """The error for a signature that no rule could save."""
    return DeniedError("HP-T12", 403, f"publisher signature: {why}", remedy=remedy)


def quoted(name: str) -> str:
    """A name out of a stranger's file: printable, short, in backquotes."""
    return f"`{shown(name)[1:-1]}`"
