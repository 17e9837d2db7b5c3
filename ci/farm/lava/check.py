#!/usr/bin/env python3
"""Holds jobs against LAVA's own schema, as its server does: `check.py JOB...`, in `ci/farm/lava/engine`.

A line a job: its file, and what the schema says of it.
"""

import sys

import django.conf
import voluptuous
import yaml
from lava_common.schemas import validate

# It has one of its own for what it keeps of a job.
django.conf.settings.configure(EXTRA_CONTEXT_VARIABLES=[])
from lava_scheduler_app.schema import SubmissionException, validate_submission

faulty = 0
for path in sys.argv[1:]:
    try:
        with open(path, encoding="utf-8") as file:
            about = yaml.safe_load(file)
        validate(about, strict=True)
        validate_submission(about)
        print(f"{path}: sound")
    except (voluptuous.Invalid, SubmissionException, yaml.YAMLError) as error:
        faulty += 1
        where = ".".join(str(part) for part in getattr(error, "path", []))
        what = error.msg if where else " ".join(str(error).split())
        print(f"{path}: {what} at {where or 'the top'}")
sys.exit(1 if faulty else 0)
