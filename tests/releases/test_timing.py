"""Where the time of a roll-out went, by the lines of a run and when they came."""

from __future__ import annotations

from tests.releases.timing import Timing

LINES = [
    (1.0, "PLAY [Read the state] ****\n"),
    (1.0, "TASK [release : Read] ****\n"),
    (3.0, "ok: [localhost]\n"),
    (3.5, "PLAY [Roll over the backends] ****\n"),
    (3.5, "TASK [Roll] ****\n"),
    (4.0, "included: roll for backend-1\n"),
    (4.0, "TASK [release : Start the container] ****\n"),
    (6.0, "changed: [backend-1]\n"),
    (6.0, "TASK [release : Take the host into the load balancer and wait until it is healthy] ***\n"),
    (6.5, "TASK [release : Wait for the load balancer] ***\n"),
    (11.0, "changed: [backend-1 -> localhost]\n"),
    (11.0, "TASK [release : Start the container] ****\n"),
    (11.5, "skipping: [backend-2]\n"),
    (12.0, "PLAY RECAP ****\n"),
    (12.0, "backend-1 : ok=1\n"),
]


def test_time_is_counted_from_a_tasks_beginning() -> None:
    timing = Timing(LINES)
    assert timing.plays() == {"start": 1.0, "Read the state": 2.5, "Roll over the backends": 8.5}
    assert timing.hosts() == {"backend-1": {"replace": 2.0, "healthy": 5.0}, "backend-2": {"replace": 1.0}}
