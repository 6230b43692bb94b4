"""Runs on a host: `docker run` like an existing container, with changes. Reads its order as JSON on standard input.

original, name: containers. environment: variables to change. user: another user. image: another image. read_only: false
for a writable disk. publish: other ports than the original's. options: more options of docker run.
"""

import json
import os
import subprocess
import sys
import tempfile

order = json.load(sys.stdin)
found = json.loads(subprocess.check_output(["docker", "inspect", order["original"]]))[0]
config, host = found["Config"], found["HostConfig"]
environment = dict(item.split("=", 1) for item in config["Env"]) | order.get("environment", {})
published = [f"{b['HostPort']}:{port}" for port, bindings in (host["PortBindings"] or {}).items() for b in bindings]

command = ["docker", "run", "--detach", "--name", order["name"], "--user", order.get("user", config["User"])]
if order.get("read_only", host["ReadonlyRootfs"]):
    command.append("--read-only")
for option, values in (
    ("--cap-drop", host["CapDrop"] or []),
    ("--security-opt", host["SecurityOpt"] or []),
    ("--tmpfs", list(host["Tmpfs"] or {})),
    ("--publish", order.get("publish", published)),
    ("--volume", [f"{m['Source']}:{m['Destination']}:ro" for m in found["Mounts"] if m["Type"] == "bind"]),
):
    for value in values:
        command += [option, value]

# Secrets are not for the command line.
with tempfile.NamedTemporaryFile("w", dir="/run", prefix="mutant-", delete=False) as file:
    file.writelines(f"{name}={value}\n" for name, value in environment.items())
try:
    command += ["--env-file", file.name, *order.get("options", []), order.get("image", found["Image"])]
    done = subprocess.run(command, capture_output=True, text=True)
finally:
    os.unlink(file.name)
sys.exit(done.stderr if done.returncode else 0)
