"""Describes where a run happens: code version, interpreter, packages, machine."""

import importlib.metadata
import os
import platform
import socket
import subprocess
import sys

DIFF_CHARS = 1_000_000


def environment(diff=False):
    """A JSON object; parts that cannot be found out are left out."""
    found = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "hostname": socket.gethostname(),
        "executable": sys.executable,
        "argv": list(sys.argv),
        "cwd": os.getcwd(),
        "pid": os.getpid(),
        "cpu_count": os.cpu_count(),
        "git": git(diff),
        "gpus": gpu_names(),
        "packages": packages(),
    }
    return {key: value for key, value in found.items() if value not in (None, [], {})}


def git(diff=False):
    commit = output("git", "rev-parse", "HEAD")
    if not commit:
        return None
    found = {
        "commit": commit,
        "branch": output("git", "rev-parse", "--abbrev-ref", "HEAD"),
        "dirty": bool(output("git", "--no-optional-locks", "status", "--porcelain", "-uno")),
    }
    if diff and found["dirty"]:
        found["diff"] = (output("git", "diff", "HEAD") or "")[:DIFF_CHARS]
    return found


def gpu_names():
    return (output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader") or "").splitlines()


def packages():
    found = {}
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            found[name] = distribution.version
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def output(*command):
    """What a program prints, or None when it is missing, fails or takes too long."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=5,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None
