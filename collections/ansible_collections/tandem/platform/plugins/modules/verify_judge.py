#!/usr/bin/python
"""Compares everything that was seen of a deployment with what was promised."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_judge
short_description: Judge what was seen of a deployment
description:
  - Takes what the account says, what the hosts say and the answers of all probes, and compares them with the access
    matrix and the promises of the deployment. It looks at nothing itself and changes nothing.
  - In place of M(ansible.builtin.assert), which ends at the first promise that is broken. The report needs all of them.
options:
  wanted: {description: What was promised., type: dict, required: true}
  found: {description: "Result of the module M(tandem.platform.survey), with C(volumes).", type: dict, required: true}
  hosts: {description: What was seen on each host., type: dict, required: true}
  operator: {description: What was probed from the operator's machine., type: dict, required: true}
  title: {description: First line of the text., type: str, default: Verification}
author: Tandem (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Judge
  tandem.platform.verify_judge: {wanted: "{{ wanted }}", found: "{{ found }}", hosts: "{{ hosts }}", operator: "{{ operator }}"}
"""

RETURN = r"""
claims:
  description: Every promise, with what was seen, the problems and the evidence.
  returned: always
  type: list
  elements: dict
cells:
  description: Every probed connection.
  returned: always
  type: list
  elements: dict
problems:
  description: Everything that differs, a line each.
  returned: always
  type: list
  elements: str
text: {description: The judgement for a terminal., returned: always, type: str}
picture: {description: The topology as SVG., returned: always, type: str}
"""

from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tandem.platform.plugins.module_utils.verification import judge, picture, text
from ansible_collections.tandem.platform.plugins.module_utils.verification.model import SECTIONS, Observation


def main() -> None:
    everything = {name: {"type": "dict", "required": True} for name in ("wanted", "found", "hosts", "operator")}
    module = AnsibleModule(
        argument_spec={**everything, "title": {"type": "str", "default": "Verification"}}, supports_check_mode=True
    )
    given = module.params
    claims, cells = judge(Observation(given["wanted"], given["found"], given["hosts"], given["operator"]))
    module.exit_json(
        changed=False,
        sections=SECTIONS,
        claims=[{**asdict(claim), "ok": claim.ok} for claim in claims],
        cells=[{**asdict(cell), "problem": "" if cell.ok else cell.problem} for cell in cells],
        columns=text.columns(cells),
        problems=list(dict.fromkeys(problem for claim in claims for problem in claim.problems)),
        text=text.render(given["title"], claims, cells),
        verdict=text.verdict(claims, cells),
        picture=picture.draw(given["found"], given["wanted"]),
    )


if __name__ == "__main__":
    main()
