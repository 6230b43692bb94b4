"""Commands of `exec` resolve names in the simulated internet, however the machine resolves its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.testing import Cloud

pytestmark = pytest.mark.cloud

NAME = "checkip.amazonaws.com"
ANSWER = "198.18.0.1"
EXEC = f"{sys.executable} -m localcloud.cli exec --"
# A private copy of the machine's /etc and /run, which tests may change.
MACHINE = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$FOLDER"
cp -a /etc "$FOLDER/etc"
mkdir "$FOLDER/run" "$FOLDER/upper" "$FOLDER/work"
mount --rbind /run "$FOLDER/run"
mount -t overlay -o "lowerdir=/run,upperdir=$FOLDER/upper,workdir=$FOLDER/work" overlay /run
mount --rbind "$FOLDER/run/netns" /run/netns
mount --bind "$FOLDER/etc" /etc
"""
LOOK_UP = 'python -c "$PROGRAM"'
PROGRAM = f"import socket; print(socket.getaddrinfo({NAME!r}, 80)[0][4][0])"
HOSTS = {
    "Debian": "hosts: files dns",
    "Debian 13 with all of systemd's": (
        "hosts:          files myhostname mdns4_minimal [NOTFOUND=return] resolve [!UNAVAIL=return] dns"
    ),
    "libnss-resolve": "hosts: files resolve [!UNAVAIL=return] dns",
    "systemd's own advice": "hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns",
    "Fedora": "hosts:      files myhostname resolve [!UNAVAIL=return] dns",
    "Ubuntu desktop": "hosts:\tfiles mdns4_minimal [NOTFOUND=return] dns mymachines",
    "files alone": "hosts: files",
    "files that answer for all": "hosts: files [NOTFOUND=return] dns",
    "no blank": "hosts:files",
    "blanks": "   hosts   :   files   ",
    "a comment behind": "hosts: files # dns",
    "twice": "hosts: dns\nhosts: files",
    "a word that begins alike": "hosts_of_mine: files\nhosts: files",
    "nothing said": "passwd: files systemd",
    "empty": "",
    "bytes that are no text": "# caf\\351\nhosts: files",
}
# Shell commands that create different kinds of /etc/resolv.conf.
RESOLV_CONF = {
    "a file": "echo nameserver 203.0.113.53 > /etc/resolv.conf",
    "systemd-resolved's": """ln -s ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
        mkdir -p /run/systemd/resolve; echo nameserver 127.0.0.53 > /run/systemd/resolve/stub-resolv.conf""",
    "NetworkManager's": """ln -s /run/NetworkManager/resolv.conf /etc/resolv.conf
        mkdir -p /run/NetworkManager; echo nameserver 203.0.113.53 > /run/NetworkManager/resolv.conf""",
}
NOT_THERE = {"not there": "true", "a link to nowhere": "ln -s ../run/nowhere/resolv.conf /etc/resolv.conf"}
# A fake nscd, which glibc asks before it reads nsswitch.conf; it knows no host.
NSCD = """
import socket, struct, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind("/run/nscd/socket")
listener.listen()
print("ready", flush=True)
while True:
    connection = listener.accept()[0]
    kind = struct.unpack("3i", connection.recv(12))[1]
    if kind == 14:  # getaddrinfo
        connection.sendall(struct.pack("6i", 2, 0, 0, 0, 0, 1))
    connection.close()
"""


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    made = Cloud("tnames")
    made.localcloud("down")
    try:
        made.localcloud("up")
        yield made
    finally:
        made.localcloud("down")


@pytest.fixture
def overlay(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the machine allows an overlay over /etc, by parameter."""
    if not request.param:
        (tmp_path / "bin").mkdir()
        program = tmp_path / "bin/mount"
        program.write_text('#!/bin/sh\ncase "$*" in *lowerdir=*:/etc*) exit 32 ;; esac\nexec /usr/bin/mount "$@"\n')
        program.chmod(0o755)
        monkeypatch.setenv("FAKES", f"{tmp_path}/bin:")


both_ways = pytest.mark.parametrize("overlay", [True, False], ids=["overlay", "no overlay"], indirect=True)


def on_a_machine(cloud: Cloud, folder: Path, script: str) -> str:
    """The script's output, run with a private /etc and /run."""
    private = folder / "machine"
    private.mkdir()
    fakes = os.environ.get("FAKES", "")
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f'{MACHINE}\nPATH="{fakes}$PATH"\n{script}'], timeout=120, check=False,
        env={**cloud.environment, "FOLDER": str(private), "PROGRAM": PROGRAM}, capture_output=True, text=True, errors="replace",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("hosts", HOSTS.values(), ids=HOSTS)
def test_whatever_nsswitch_says(cloud: Cloud, tmp_path: Path, hosts: str) -> None:
    script = f"""printf '{hosts}\\n' > /etc/nsswitch.conf
{EXEC} sh -c '{LOOK_UP}; cat /etc/nsswitch.conf'"""
    address, *lines = on_a_machine(cloud, tmp_path, script).splitlines()
    assert address == ANSWER
    assert [line for line in lines if line.split(":")[0].strip() == "hosts"] == ["hosts: files dns"]
    kept = [line for line in hosts.splitlines() if line.startswith(("passwd", "hosts_of_mine"))]
    assert [line for line in lines if line in kept] == kept, "the machine's users are found as ever"


@pytest.mark.usefixtures("overlay")
@both_ways
@pytest.mark.parametrize("nsswitch", ["echo hosts: files > /etc/nsswitch.conf", "rm /etc/nsswitch.conf"])
def test_with_an_overlay_and_without(cloud: Cloud, tmp_path: Path, nsswitch: str) -> None:
    assert on_a_machine(cloud, tmp_path, f"{nsswitch}; {EXEC} {LOOK_UP}") == f"{ANSWER}\n"


@pytest.mark.parametrize("resolv_conf", RESOLV_CONF.values(), ids=RESOLV_CONF)
@pytest.mark.usefixtures("overlay")
@both_ways
def test_whatever_resolv_conf_is(cloud: Cloud, tmp_path: Path, resolv_conf: str) -> None:
    assert on_a_machine(cloud, tmp_path, f"rm /etc/resolv.conf; {resolv_conf}; {EXEC} {LOOK_UP}") == f"{ANSWER}\n"


@pytest.mark.parametrize("resolv_conf", NOT_THERE.values(), ids=NOT_THERE)
def test_a_machine_without_resolv_conf(cloud: Cloud, tmp_path: Path, resolv_conf: str) -> None:
    assert on_a_machine(cloud, tmp_path, f"rm /etc/resolv.conf; {resolv_conf}; {EXEC} {LOOK_UP}") == f"{ANSWER}\n"


@pytest.mark.usefixtures("overlay")
@both_ways
def test_the_machines_resolvers_are_not_asked(cloud: Cloud, tmp_path: Path) -> None:
    (tmp_path / "nscd.py").write_text(NSCD)
    script = f"""mkdir -p /run/nscd /run/systemd/resolve
touch /run/systemd/resolve/io.systemd.Resolve
python {tmp_path}/nscd.py > {tmp_path}/nscd & nscd=$!
trap 'kill $nscd' EXIT
until grep -q ready {tmp_path}/nscd; do sleep 0.1; done
{LOOK_UP} 2>/dev/null && echo 'the twin: nscd was not asked'
{EXEC} {LOOK_UP}
{EXEC} ls /run/nscd /run/systemd/resolve"""
    assert on_a_machine(cloud, tmp_path, script).split() == [ANSWER, "/run/nscd:", "/run/systemd/resolve:"]


@pytest.mark.parametrize(
    "replaced",
    [
        "echo nameserver 203.0.113.1 > /etc/new; mv /etc/new /etc/resolv.conf",
        "ln -s /run/other.conf /etc/new; echo nameserver 203.0.113.1 > /run/other.conf; mv -T /etc/new /etc/resolv.conf",
        "rm /etc/resolv.conf",
        "echo 'hosts: files' > /etc/new; mv /etc/new /etc/nsswitch.conf",
    ],
    ids=["a lease renewed", "systemd-resolved installed", "removed", "nsswitch.conf"],
)
def test_a_command_keeps_its_resolver_when_the_machines_is_replaced(
    cloud: Cloud, tmp_path: Path, replaced: str
) -> None:
    """The second lookup happens after the change."""
    script = f"""
{EXEC} sh -c '{LOOK_UP}; touch {tmp_path}/asked; until [ -e {tmp_path}/replaced ]; do sleep 0.1; done
{LOOK_UP}' & command=$!
until [ -e {tmp_path}/asked ]; do sleep 0.1; done
{replaced}
touch {tmp_path}/replaced
wait $command"""
    assert on_a_machine(cloud, tmp_path, script).split() == [ANSWER, ANSWER]


def test_the_machines_etc_is_read_in_exec_and_not_written(cloud: Cloud, tmp_path: Path) -> None:
    """Writes to an overlay would be silently lost."""
    script = f"echo machine > /etc/own; {EXEC} cat /etc/own; {EXEC} sh -c 'echo command > /etc/own' || cat /etc/own"
    assert on_a_machine(cloud, tmp_path, script).split() == ["machine", "machine"]
