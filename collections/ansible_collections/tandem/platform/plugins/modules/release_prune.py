#!/usr/bin/python
"""Keep a host's last releases, and remove what none of them needs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_prune
short_description: Remove a host's old releases and the images that none of the others needs
description:
  - What a container uses is never removed.
  - In place of M(community.docker.docker_prune), which removes by age and label, and so would remove the images that a rollback
    needs, because no container uses them.
options:
  folder: {description: Folder of the releases; each is a folder named by its number., type: path, required: true}
  good: {description: Releases that worked., type: list, elements: int, required: true}
  lineage: {description: Those of them that led to the current release., type: list, elements: int, required: true}
  keep:
    description: How many of the lineage to keep, with what worked between them.
    type: int
    default: 5
  repository: {description: Name of the images without a tag., type: str, required: true}
author: Tandem (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Keep the last five releases
  tandem.platform.release_prune:
    folder: /opt/tandem/releases
    good: [3, 4, 5, 7]
    lineage: [3, 5, 7]
    keep: 5
    repository: tandem/backend
"""

RETURN = r"""
releases: {description: Releases that were removed., type: list, elements: int, returned: always}
images: {description: Images that were removed., type: list, elements: str, returned: always}
"""

import json
import shutil
import subprocess
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tandem.platform.plugins.module_utils.programs import run


def docker(*arguments: str) -> list[str]:
    return run(["docker", *arguments], check=True).stdout.split()


def old_releases(folder: Path, good: set[int], lineage: set[int], keep: int) -> list[int]:
    """Those that never worked, and those before the newest `keep` of the lineage."""
    found = sorted(int(entry.name) for entry in folder.iterdir() if entry.name.isdigit())
    oldest = min([number for number in found if number in lineage][-keep:], default=0)
    return [number for number in found if number not in good or number < oldest]


def unneeded_images(folder: Path, gone: list[int], repository: str) -> list[str]:
    """Images (repository:tag) of which no kept release and no container says that it needs them."""
    needed = set()
    for settings in folder.glob("*/container.json"):
        if int(settings.parent.name) not in gone:
            needed.add(json.loads(settings.read_text())["image_id"])
    containers = docker("container", "ls", "--all", "--quiet", "--no-trunc")
    if containers:
        needed.update(docker("container", "inspect", "--format", "{{.Image}}", *containers))
    images = docker("image", "ls", "--no-trunc", "--format", "{{.ID}}={{.Repository}}:{{.Tag}}", repository)
    return [name for image, _equals, name in (line.partition("=") for line in images) if image not in needed]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "folder": {"type": "path", "required": True},
            "good": {"type": "list", "elements": "int", "required": True},
            "lineage": {"type": "list", "elements": "int", "required": True},
            "keep": {"type": "int", "default": 5},
            "repository": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    if wanted["keep"] < 1:
        module.fail_json(msg=f"keep={wanted['keep']}: want 1 or more, for example 5")
    folder = Path(wanted["folder"])
    good, lineage = set(wanted["good"]), set(wanted["lineage"])
    try:
        gone = old_releases(folder, good, lineage, wanted["keep"]) if folder.is_dir() else []
        images = unneeded_images(folder, gone, wanted["repository"])
        if not module.check_mode:
            for number in gone:
                shutil.rmtree(folder / str(number))
            if images:
                docker("image", "rm", *images)
    except subprocess.CalledProcessError as error:
        module.fail_json(msg=f"{' '.join(error.cmd[:3])}: {error.stderr.strip()}")
    except (OSError, ValueError, KeyError) as error:
        module.fail_json(msg=f"releases in {folder}: {error!r}")
    module.exit_json(changed=bool(gone or images), releases=gone, images=images)


if __name__ == "__main__":
    main()
