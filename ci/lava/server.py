"""A LAVA server, over its REST interface."""

import json
import os
import urllib.error
import urllib.request
from pathlib import Path

# The version of the interface.
INTERFACE = "/api/v0.2"


class Refused(Exception):
    """The server said no, or nothing."""


def token(file):
    """The user's token: out of a file or of LAVA_TOKEN. On a command line everybody could read it."""
    if file:
        try:
            return Path(file).read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            raise Refused(f"no token: {error}") from error
    if not os.environ.get("LAVA_TOKEN"):
        raise Refused("no token: put it into LAVA_TOKEN, or into a file for --token-file")
    return os.environ["LAVA_TOKEN"]


class Server:
    """Takes jobs, and says what became of them."""

    def __init__(self, url, secret):
        self.url = url.rstrip("/") + INTERFACE
        self.secret = secret

    def ask(self, path, content=None):
        """What it answers."""
        request = urllib.request.Request(self.url + path)
        # Not with it when a proxy or another server is redirected to.
        request.add_unredirected_header("Authorization", f"Token {self.secret}")
        if content is not None:
            request.data = json.dumps(content).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace").strip()[:500]
            raise Refused(f"{self.url}{path}: {error.code} {error.reason}: {said}") from error
        except OSError as error:
            raise Refused(f"{self.url}{path}: {error}") from error

    def submit(self, job):
        """The number that the job has got."""
        return json.loads(self.ask("/jobs/", {"definition": job}))["job_ids"][0]

    def ended(self, number):
        """How it ended, in a word; nothing while it has not."""
        about = json.loads(self.ask(f"/jobs/{number}/"))
        return about["health"] if about["state"] == "Finished" else None

    def log(self, number):
        """Everything that was said."""
        return self.ask(f"/jobs/{number}/logs/")
