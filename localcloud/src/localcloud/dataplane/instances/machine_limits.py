"""Capabilities that the machine can grant to a host, and those that it withholds."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

STATUS = Path("/proc/self/status")
# In the kernel's order: the index is the bit in /proc/…/status.
CAPABILITIES = """
    CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
    NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
    SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
    MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ
"""

# Withheld: they affect what hosts share with the machine (kernel, clock, raw devices).
MACHINES_OWN = "SYS_MODULE SYS_RAWIO SYS_TIME SYSLOG WAKE_ALARM BLOCK_SUSPEND MAC_OVERRIDE MAC_ADMIN"


@cache
def granted_capabilities() -> tuple[str, ...]:
    """All capabilities that the machine has (Docker fails on others), except those that would affect the machine."""
    found = re.search(r"^CapBnd:\s*([0-9a-f]+)", STATUS.read_text(), re.MULTILINE)
    bits = int(found[1], 16) if found else 0
    own = MACHINES_OWN.split()
    return tuple(name for bit, name in enumerate(CAPABILITIES.split()) if name not in own and bits >> bit & 1)
