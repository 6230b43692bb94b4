"""Where the time of a playbook went, by its lines and when they came."""

from __future__ import annotations

import re

HEADER = re.compile(r"^(PLAY|TASK) \[(?:[\w.]+ : )?(.*?)\] \**$|^PLAY (RECAP)")
HOST = re.compile(r"^(?:ok|changed|fatal|skipping|unreachable): \[([^\] ]+)")
# A task of one that has included it, and has said what for.
INNER = "Wait for the load balancer"
# What is waited for on a host, by the task that does it. All other tasks on hosts are `other`.
STEPS = {
    "Take the second container into the load balancer and wait until it is healthy": "second in",
    "Take the host out of the load balancer and wait until it is drained": "drain",
    "Start the container": "replace",
    "Wait until the container can do its work": "ready",
    "Take the host into the load balancer and wait until it is healthy": "healthy",
    "Take the second container out of the load balancer and wait until it is drained": "second out",
    "": "other",
}


class Timing:
    """lines: (seconds since the run began, line), of Ansible's default output."""

    def __init__(self, lines: list[tuple[float, str]]) -> None:
        self.spans: list[tuple[str, str, str, float]] = []  # play, task, host that ended it, seconds
        play = task = host = ""
        since = 0.0
        for when, line in lines:
            if answered := HOST.match(line):
                host = answered[1]
            if (header := HEADER.match(line)) and header[2] != INNER:
                self.spans.append((play, task, host, when - since))
                since, host = when, ""
                play, task = (play, header[2]) if header[1] == "TASK" else (header[2] or "", "")

    def plays(self) -> dict[str, float]:
        """Seconds of each play, in their order; what came before the first is the start."""
        found: dict[str, float] = {}
        for play, _, _, seconds in self.spans:
            found[play or "start"] = round(found.get(play or "start", 0.0) + seconds, 1)
        return found

    def hosts(self) -> dict[str, dict[str, float]]:
        """Seconds of each step of each host that was rolled, one at a time."""
        found: dict[str, dict[str, float]] = {}
        for play, task, host, seconds in self.spans:
            if play.startswith("Roll ") and host and host != "localhost":
                steps, step = found.setdefault(host, {}), STEPS.get(task, STEPS[""])
                steps[step] = round(steps.get(step, 0.0) + seconds, 1)
        return found

    def text(self) -> str:
        hosts = [
            f"  {host}: {', '.join(f'{step} {seconds:.1f} s' for step, seconds in steps.items())}"
            for host, steps in self.hosts().items()
        ]
        return "\n".join([*hosts, *(f"  {seconds:6.1f} s  {play}" for play, seconds in self.plays().items())])
