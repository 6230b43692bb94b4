#!/usr/bin/python
"""Build a Docker image once for each content of its build context."""

from __future__ import annotations

DOCUMENTATION = r"""
module: content_image
short_description: Build a Docker image named after what it is made of
description:
  - The tag is a hash of the build context (as C(.dockerignore) leaves it) and of the build arguments,
    so what a tag names never changes, and an image that exists is never built again.
  - In check mode nothing is built.
  - In place of M(community.docker.docker_image_build), whose image is named by hand and which asks Docker at each run. By a
    name made of the content, a run finds out that the hosts have the image already, on a machine without Docker too.
options:
  repository: {description: Name of the image without a tag., type: str, required: true}
  context: {description: Folder with the Dockerfile., type: path, required: true}
  build_args: {description: Build arguments; they are part of the tag., type: dict, default: {}}
  secrets:
    description: Build secrets, each as C(docker build --secret) takes it. They are not part of the tag.
    type: list
    elements: str
    default: []
  platform:
    description: What the image runs on, as C(docker build --platform) takes it; part of the tag.
    type: str
    default: linux/amd64
  network: {description: Network of the build's own commands., type: str, default: default}
  build:
    description: Build the image if it is missing; otherwise only say what its name is.
    type: bool
    default: true
  docker: {description: "Docker's command line; by default the first on PATH that has BuildKit.", type: str}
requirements: [docker (Python), Docker Engine with BuildKit]
author: Tandem (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Build the backend's image, unless there is one of the same content
  tandem.platform.content_image:
    repository: tandem/backend
    context: apps/backend
    build_args: {BASE: "debian:trixie-slim"}
"""

RETURN = r"""
image: {description: Repository and tag., type: str, returned: always}
id: {description: "The image's ID on this machine, empty if it is not there.", type: str, returned: always}
"""

import hashlib
import os

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.tandem.platform.plugins.module_utils.docker_client import clients, has_buildkit, how_to_install
from ansible_collections.tandem.platform.plugins.module_utils.programs import run

try:
    from docker.utils.build import exclude_paths
except ImportError:
    exclude_paths = None


def content_hash(context: str, build_args: dict, platform: str) -> str:
    """The first 16 hex digits of SHA-256 over every file that the build can see, its mode, the arguments, the platform."""
    ignore = os.path.join(context, ".dockerignore")
    patterns = []
    if os.path.exists(ignore):
        with open(ignore, encoding="utf-8") as stream:
            patterns = [line.strip() for line in stream if line.strip() and not line.startswith("#")]
    digest = hashlib.sha256()
    for path in sorted(exclude_paths(context, patterns)):
        full = os.path.join(context, path)
        if os.path.isdir(full) and not os.path.islink(full):
            continue
        content = os.readlink(full).encode() if os.path.islink(full) else read(full)
        executable = os.access(full, os.X_OK)
        digest.update(f"{path}\0{executable:d}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    for name, value in sorted(build_args.items()):
        digest.update(f"{name}={value}\n".encode())
    digest.update(f"{platform}\n".encode())
    return digest.hexdigest()[:16]


def read(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()


def image_id(docker: str, image: str) -> str:
    command = [docker, "image", "inspect", "--format", "{{.Id}}", image]
    return run(command).stdout.strip()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "repository": {"type": "str", "required": True},
            "context": {"type": "path", "required": True},
            "build_args": {"type": "dict", "default": {}},
            "secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "platform": {"type": "str", "default": "linux/amd64"},
            "network": {"type": "str", "default": "default"},
            "build": {"type": "bool", "default": True},
            "docker": {"type": "str"},
        },
        supports_check_mode=True,
    )
    if exclude_paths is None:
        module.fail_json(msg=missing_required_lib("docker"))
    wanted = module.params
    if not os.path.exists(os.path.join(wanted["context"], "Dockerfile")):
        module.fail_json(msg=f"context={wanted['context']}: no Dockerfile there; want the folder that holds it")
    tag = content_hash(wanted["context"], wanted["build_args"], wanted["platform"])
    image = f"{wanted['repository']}:{tag}"
    found = [wanted["docker"]] if wanted["docker"] else clients()
    if not found:
        module.fail_json(msg="no `docker` on PATH; install Docker Engine (on Debian: apt install docker.io docker-cli)")
    existing = image_id(found[0], image)
    if existing or not wanted["build"] or module.check_mode:
        missing = wanted["build"] and not existing
        module.exit_json(changed=missing, image=image, id=existing)
    builder = next((docker for docker in found if has_buildkit(docker)), None)
    if builder is None:
        module.fail_json(msg=f"no Docker client with BuildKit among {', '.join(found)}; {how_to_install()}")
    command = [builder, "build", "--tag", image, "--network", wanted["network"], "--platform", wanted["platform"]]
    command += [part for name, value in wanted["build_args"].items() for part in ("--build-arg", f"{name}={value}")]
    command += [part for secret in wanted["secrets"] for part in ("--secret", secret)]
    environment = os.environ | {"DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"}
    done = run([*command, wanted["context"]], together=True, env=environment)
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-30:])
        module.fail_json(msg=f"building {image} from {wanted['context']} failed:\n{last}")
    module.exit_json(changed=True, image=image, id=image_id(found[0], image))


if __name__ == "__main__":
    main()
