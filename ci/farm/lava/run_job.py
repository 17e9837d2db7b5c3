#!/usr/bin/env python3
"""Runs a job without a server, as `lava-run` does: `run_job.py JOB DEVICE-TYPE OUTPUT`, in `ci/farm/lava/engine`.

OUTPUT gets the job's log, `log.yaml`.
"""

import subprocess
import sys
from pathlib import Path

import jinja2
import yaml

TYPES = "/usr/share/lava-server/device-types"

job, device_type, output = (Path(word) for word in sys.argv[1:])
output.mkdir(parents=True, exist_ok=True)
about = yaml.safe_load(job.read_text())
loader = jinja2.ChoiceLoader([jinja2.FileSystemLoader([device_type.parent, TYPES])])
device = jinja2.Environment(loader=loader, trim_blocks=True).get_template(device_type.name)
# What a server would do before it gives the job to a worker.
(output / "device.yaml").write_text(device.render(**about["context"]))
(output / "dispatcher.yaml").write_text("dispatcher_ip: 127.0.0.1\n")
words = ["lava-run", "--job-id", "1", "--output-dir", str(output / "work"), "--device", str(output / "device.yaml")]
words += ["--dispatcher", str(output / "dispatcher.yaml"), str(job)]
with open(output / "log.yaml", "wb") as log:
    sys.exit(subprocess.run(words, stdout=log, stderr=log, check=False).returncode)
