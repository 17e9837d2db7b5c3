"""Every job is one to LAVA's schema, and what is none is refused: with Debian's lava-common alone, in no time. What only
the server of LAVA looks at, ci/farm/lava/test_schema.py asks there.
"""

import sys
from pathlib import Path

import voluptuous
import yaml
from lava_common.schemas import validate

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lava"))

import test_schema


def said(text):
    """What the schema says of a job, and where."""
    try:
        validate(yaml.safe_load(text), strict=True)
        return "sound"
    except voluptuous.Invalid as error:
        return f"{error} {error.msg}"
    except yaml.YAMLError as error:
        return str(error)


class Offline(test_schema.Schema):
    broken = {what: how for what, how in test_schema.BROKEN.items() if what not in test_schema.SERVERS}

    def check(self, jobs):
        found = {name: said(text) for name, text in jobs.items()}
        return int(any(words != "sound" for words in found.values())), found
