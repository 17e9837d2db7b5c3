#!/usr/bin/env python3
"""Prints the device type of an emulated board for LAVA: `ci/lava/device_type.py FOLDER`.

FOLDER is what `ci/board image BOARD --output FOLDER` wrote. A device of it is one line in its dictionary, `{% extends
'BOARD.jinja2' %}`: all of them are alike.
"""

import argparse
import json
import shlex
import sys
from pathlib import Path

# LAVA's own qemu.jinja2 knows the rest: how to fetch, boot and log in. Its options are those of another machine.
TEMPLATE = """{{# What {name} is emulated with. Never KVM. #}}
{{% extends 'qemu.jinja2' %}}
{{% block qemu_options %}}
{options}
{{% endblock qemu_options %}}
"""


def device_type(board):
    """The text of the device type."""
    words = [*board["options"], "-no-reboot", "-serial", "stdio"]
    # Which QEMU the farm has is not known here, and before 8.1 one with several threads loses track of changed code.
    words = ["tcg,thread=single" if word.startswith("tcg,") else word for word in words]
    options = "\n".join(f"          - {json.dumps(shlex.quote(word))}" for word in words)
    return TEMPLATE.format(name=board["name"], options=options)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="what `ci/board image` wrote")
    folder = parser.parse_args().folder
    try:
        board = json.loads((folder / "board.json").read_text())
    except (OSError, ValueError) as error:
        sys.exit(f"ci/lava/device_type.py: {error}; `ci/board image BOARD --output {folder}` makes it")
    sys.stdout.write(device_type(board))


if __name__ == "__main__":
    main()
