"""Variables as each shell, and each file of variables, wants them written."""

import json
import re
import shlex
from collections.abc import Callable, Iterator

from hubproxy.errors import UsageError
from hubproxy.pointing.variables import BUNDLES, Variables
from hubproxy.pointing.ways import Shell

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=~*\[\]-]*")
# PowerShell ends a quoted text at any of these.
_POWERSHELL_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")


def written(found: Variables, shell: Shell, *, bundle_here: str) -> str:
    """The variables as text, with a line break at its end.

    Args:
        found: the variables.
        shell: for which shell or kind of file.
        bundle_here: where the CA bundle lies on this machine; empty where none is needed.

    Raises:
        UsageError: a value cannot be written there.
    """
    for name, value in found.values.items():
        if "\n" in value or "\r" in value or "\0" in value:
            raise UsageError(f"{name} would have a line break in it: {value!r}")
    return "".join(f"{line}\n" for line in _WRITERS[shell](found, bundle_here))


def _bash(found: Variables, _: str) -> Iterator[str]:
    # Semicolons, so that an `eval` that forgot its quotes works too; no comments, which zsh
    # does not know at its prompt.
    for name, value in found.values.items():
        yield f"export {name}={shlex.quote(value)};"
    for name in found.unset:
        yield f"unset {name};"


def _fish(found: Variables, _: str) -> Iterator[str]:
    for name, value in found.values.items():
        quoted = value.replace("\\", "\\\\").replace("'", "\\'")
        yield f"set -gx {name} '{quoted}';"
    for name in found.unset:
        yield f"set -e {name};"


def _powershell(found: Variables, _: str) -> Iterator[str]:
    for name, value in found.values.items():
        quoted = _POWERSHELL_QUOTES.sub(r"\1\1", value)
        yield f"$env:{name} = '{quoted}'"
    for name in found.unset:
        yield f"Remove-Item Env:{name} -ErrorAction SilentlyContinue"


def _dotenv(found: Variables, _: str) -> Iterator[str]:
    for name, value in _for_files(found):
        if _PLAIN.fullmatch(value):
            yield f"{name}={value}"
        else:
            quoted = value.replace("\\", "\\\\").replace("'", "\\'")
            yield f"{name}='{quoted}'"


def _docker(found: Variables, bundle_here: str) -> Iterator[str]:
    """For `docker run --env-file`, which takes each line as it is."""
    if bundle_here:
        inside = found.values[BUNDLES[0]]
        mount = shlex.quote(f"{bundle_here}:{inside}:ro")
        yield f"# docker run --env-file THIS-FILE -v {mount} IMAGE"
    for name, value in _for_files(found):
        yield f"{name}={value}"


def _k8s(found: Variables, bundle_here: str) -> Iterator[str]:
    """The `env` of a container. What stands in $(…) there would be replaced."""
    if bundle_here:
        folder, _, name = found.values[BUNDLES[0]].rpartition("/")
        yield "# The bundle, once for each namespace:"
        source = shlex.quote(f"{name}={bundle_here}")
        yield f"#   kubectl create configmap hubproxy-ca --from-file={source}"
        yield "# In the pod's spec:"
        yield "#   volumes: [{name: hubproxy-ca, configMap: {name: hubproxy-ca}}]"
        yield "# In the container's:"
        mount = json.dumps(folder or "/")
        yield f"#   volumeMounts: [{{name: hubproxy-ca, mountPath: {mount}, readOnly: true}}]"
    yield "env:"
    for name, value in _for_files(found):
        yield f"  - name: {name}"
        yield f"    value: {json.dumps(value.replace('$', '$$'))}"


def _for_files(found: Variables) -> Iterator[tuple[str, str]]:
    """A file cannot unset: what is empty is as good to the hook."""
    yield from found.values.items()
    for name in found.unset:
        yield name, ""


_WRITERS: dict[Shell, Callable[[Variables, str], Iterator[str]]] = {
    "bash": _bash,
    "fish": _fish,
    "powershell": _powershell,
    "dotenv": _dotenv,
    "docker": _docker,
    "k8s": _k8s,
}
