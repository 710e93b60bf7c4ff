"""The command line: `python -m hearth sync [dir]` and `python -m hearth login`."""

import argparse
import getpass
import os
import socket
import sys

from . import credentials
from .client import Client, HearthError
from .sync import sync


def login(url=None, username=None, password=None, email=None):
    """Logs in (and registers first when an email is given), and keeps an API key for later runs."""
    username = username or input("User name: ")
    password = password or os.environ.get("HEARTH_PASSWORD") or getpass.getpass("Password: ")
    client = Client(url, None, username, password)
    if email:
        client.register(email)
    token = client.log_in()
    try:
        token = client.post("/auth/keys", {"name": f"hearth-client on {socket.gethostname()}"})[
            "key"
        ]
    except HearthError as error:
        if error.status not in (404, 405):
            raise
    finally:
        client.close()
    return credentials.save(client.url, token)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m hearth", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    syncing = commands.add_parser("sync", help="deliver what waits in the spool")
    syncing.add_argument("dir", nargs="?", help="a run's folder, or a folder of them")
    syncing.add_argument(
        "--url", help="server (default: HEARTH_URL, else the one the run was meant for)"
    )
    logging_in = commands.add_parser("login", help="obtain and keep an API key")
    logging_in.add_argument("--url", help="server (default: HEARTH_URL or http://127.0.0.1:8000)")
    logging_in.add_argument("--username")
    logging_in.add_argument("--register", metavar="EMAIL", help="create the user first")
    options = parser.parse_args(arguments)
    try:
        if options.command == "sync":
            return 1 if sync(options.dir, options.url or os.environ.get("HEARTH_URL")) else 0
        print(f"key kept in {login(options.url, options.username, email=options.register)}")
        return 0
    except HearthError as error:
        print(f"hearth: {error}", file=sys.stderr)
        return 1
