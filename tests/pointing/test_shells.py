import json
import shutil
import subprocess
import sys

import pytest

from hubproxy.errors import UsageError
from hubproxy.pointing.shells import written
from hubproxy.pointing.variables import Variables, variables
from hubproxy.pointing.ways import SHELLS, Shell
from tests.pointing.sites import site

VALUES = {
    "PLAIN": "http://h:8441",
    "EMPTY": "",
    "SPACE": " a  b ",
    "QUOTES": 'it\'s "so" `now`',
    "DOLLAR": "$HOME ${HOME} $(id) $$",
    "SLASHES": "\\ \\n \\' \\\\",
    "SIGNS": "# ! * ? ~ ; & | < > % {a,b} [x]",
    "LETTERS": "ä€ \u2018\u2019",
}
FOUND = Variables(VALUES, unset=("GONE",))
SHOW = "import json, os; print(json.dumps(dict(os.environ)))"


def run(shell: list[str], script: str) -> dict[str, str]:
    """What a child of the shell sees after the script."""
    ran = subprocess.run(
        [*shell, f"{script}\n{sys.executable} -c '{SHOW}'"],
        env={"GONE": "here", "HOME": "/h", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stderr == ""
    found: dict[str, str] = json.loads(ran.stdout)
    return found


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "dash", "busybox"])
@pytest.mark.parametrize("quoted", [True, False], ids=["quoted", "bare"])
def test_the_shells_of_the_bourne_family_take_it_back(shell: str, quoted: bool) -> None:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed")
    found = Variables({"A": "1", "B": "2"}, unset=("GONE",)) if not quoted else FOUND
    text = written(found, "bash", bundle_here="")
    evaluate = 'eval "$TEXT"' if quoted else "eval $TEXT"
    command = [path, *(["sh"] if shell == "busybox" else []), "-euc"]
    script = f"TEXT=$(cat <<'END-OF-IT'\n{text}END-OF-IT\n)\n{evaluate}"
    seen = run(command, script)
    assert {name: seen[name] for name in found.values} == dict(found.values)
    assert "GONE" not in seen


def test_no_comment_stands_in_what_a_prompt_evaluates() -> None:
    """zsh knows no comments at its prompt."""
    for shell in ("bash", "fish", "powershell"):
        text = written(variables(site(), "proxy", bundle="/b", environ={}), shell, bundle_here="/b")
        assert not any(line.lstrip().startswith("#") for line in text.splitlines())


@pytest.mark.parametrize(
    ("shell", "lines"),
    [
        ("fish", ["set -gx A 'it\\'s \\\\ $x';", "set -e GONE;"]),
        (
            "powershell",
            ["$env:A = 'it''s \\ $x'", "Remove-Item Env:GONE -ErrorAction SilentlyContinue"],
        ),
        ("dotenv", ["A='it\\'s \\\\ $x'", "GONE="]),
        ("docker", ["A=it's \\ $x", "GONE="]),
    ],
)
def test_others_are_written_in_their_own_way(shell: Shell, lines: list[str]) -> None:
    found = Variables({"A": "it's \\ $x"}, unset=("GONE",))
    assert written(found, shell, bundle_here="").splitlines() == lines


def test_fish_takes_it_back() -> None:
    path = shutil.which("fish")
    if path is None:
        pytest.skip("fish is not installed")
    seen = run([path, "-c"], written(FOUND, "fish", bundle_here=""))
    assert {name: seen[name] for name in VALUES} == VALUES
    assert "GONE" not in seen


def test_powershell_ends_no_text_at_a_typographic_quote() -> None:
    text = written(Variables({"A": "a\u2019b"}), "powershell", bundle_here="")
    assert text == "$env:A = 'a\u2019\u2019b'\n"


def test_a_plain_value_needs_no_quotes_in_dotenv() -> None:
    text = written(Variables({"A": "http://n:t%2F@[::1]:8441"}), "dotenv", bundle_here="")
    assert text == "A=http://n:t%2F@[::1]:8441\n"


def test_docker_is_told_to_mount_the_bundle() -> None:
    found = variables(site(), "proxy", bundle="/etc/hubproxy/ca-bundle.pem", environ={})
    first, *rest = written(found, "docker", bundle_here="/home/a b/ca.pem").splitlines()
    assert first == (
        "# docker run --env-file THIS-FILE "
        "-v '/home/a b/ca.pem:/etc/hubproxy/ca-bundle.pem:ro' IMAGE"
    )
    assert "SSL_CERT_FILE=/etc/hubproxy/ca-bundle.pem" in rest
    assert "HUBPROXY_URL=" in rest
    assert all(line.partition("=")[1] for line in rest)


def test_kubernetes_gets_a_list_and_the_way_to_mount_the_bundle() -> None:
    found = variables(site(), "proxy", bundle="/etc/hubproxy/ca-bundle.pem", environ={})
    lines = written(found, "k8s", bundle_here="/home/a/ca.pem").splitlines()
    comments = [line for line in lines if line.startswith("#")]
    assert (
        "#   kubectl create configmap hubproxy-ca --from-file=ca-bundle.pem=/home/a/ca.pem"
        in comments
    )
    assert any('mountPath: "/etc/hubproxy"' in line for line in comments)
    rest = lines[len(comments) :]
    assert rest[0] == "env:"
    pairs = dict(zip(rest[1::2], rest[2::2], strict=True))
    assert pairs["  - name: SSL_CERT_FILE"] == '    value: "/etc/hubproxy/ca-bundle.pem"'
    assert pairs["  - name: HUBPROXY_URL"] == '    value: ""'


def test_kubernetes_replaces_nothing_in_a_value() -> None:
    text = written(Variables({"A": '$(HOME) "x"'}), "k8s", bundle_here="")
    assert text == 'env:\n  - name: A\n    value: "$$(HOME) \\"x\\""\n'


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b"])
def test_a_value_with_a_line_break_is_refused(shell: Shell, value: str) -> None:
    with pytest.raises(UsageError, match="A would have a line break"):
        written(Variables({"A": value}), shell, bundle_here="")
