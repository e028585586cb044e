"""The words of this package that commands take: ways in, and shells."""

from typing import Literal, get_args

Way = Literal["proxy", "hook"]
"""Those that variables point to."""

WayIn = Literal["reverse", "hook", "proxy"]
WAYS_IN: tuple[WayIn, ...] = get_args(WayIn)
"""Those and the reverse route, which stands in the handle itself."""

Shell = Literal["bash", "fish", "powershell", "dotenv", "docker", "k8s"]
SHELLS: tuple[Shell, ...] = get_args(Shell)
CONTAINERS: tuple[Shell, ...] = ("docker", "k8s")
"""Those whose jobs see another disk, and another loopback."""
