"""Every job that is made is one to LAVA, and what is none is refused."""

import json
import re
import subprocess
import unittest

import farm

from job import job

# LAVA's own words for what is planted.
BROKEN = {
    "an action that there is not": ("to: tmpfs", "to: tmpf", "unknown action type"),
    "a key that there is not": ("prompts:", "promts:", "extra keys not allowed"),
    "a part that takes longer than the whole": ("action: {minutes: 5}", "action: {minutes: 500}", "larger than job"),
    "a job without a name": ("job_name:", "# job_name:", "required key not provided"),
    "a word that the devices do not know": ('context: {arch:', 'context: {machine_arch:', "extra keys not allowed"),
    "a list where the server wants a word": ('metadata: {', 'metadata: {"cells": ["a.b.c"], ', "expected str"),
    "no YAML": ("actions:", "actions: [", "expected"),
}
# Those that the server alone looks at.
SERVERS = {"a list where the server wants a word"}


def board(path):
    """What is known of a board without making it."""
    text = path.read_text()
    name, architecture = (re.search(rf"^{key}: *(\S+)", text, re.M)[1] for key in ("name", "architecture"))
    append = 'console=ttyS0 vivid.n_devs=2 dyndbg="file drm_prime.c +p"'
    about = {"name": name, "architecture": architecture, "append": append, "options": ["-M", "q35"]}
    about |= {"kernel": "kernel", "initramfs": "initramfs.gz"}
    return about | ({"device_tree": "board.dtb"} if architecture == "armv7l" else {})


class Schema(unittest.TestCase):
    broken = BROKEN

    def check(self, jobs):
        """What LAVA says of each."""
        where = farm.folder(self)
        for name, text in jobs.items():
            (where / name).write_text(text)
        names = [f"{farm.INSIDE}/{name}" for name in jobs]
        said = farm.engine(where, f"{farm.SCRIPTS}/check.py", *names, stdout=subprocess.PIPE)
        lines = dict(line.split(": ", 1) for line in said.stdout.splitlines())
        return said.returncode, {name: lines[f"{farm.INSIDE}/{name}"] for name in jobs}

    def test_every_board_s_jobs_are_sound(self):
        jobs = {}
        boards = sorted((farm.ROOT / "fixtures/boards").glob("*.yaml"))
        for path in boards:
            about = board(path)
            jobs[f"{path.stem}-whole.yaml"] = job(about, "http://farm/images")
            jobs[f"{path.stem}-shard.yaml"] = job(about, "http://farm/images/", "2/3", arguments=["--skip", "a b'c\"$d"])
            jobs[f"{path.stem}-real.yaml"] = job(about, "http://farm", boot=farm.ROOT / "ci/lava/u-boot.yaml")
            jobs[f"{path.stem}-again.yaml"] = job(about, "file:///images", "2/3", ["a.b.c", "a.b.d"], "panic: '$a' {b}\n")
        code, said = self.check(jobs)
        self.assertEqual({name: words for name, words in said.items() if words != "sound"}, {})
        self.assertEqual((code, len(said)), (0, 4 * len(boards)))
        self.assertGreater(len(boards), 10)

    def test_broken_jobs_are_refused(self):
        sound = job(board(farm.ROOT / "fixtures/boards/debian-amd64-7.3.yaml"), "http://farm/images")
        jobs = {"sound.yaml": sound}
        for number, (whole, broken, _) in enumerate(self.broken.values()):
            self.assertIn(whole, sound)
            jobs[f"{number}.yaml"] = sound.replace(whole, broken, 1)
        code, said = self.check(jobs)
        self.assertEqual((code, said["sound.yaml"]), (1, "sound"))
        for number, (what, (_, _, words)) in enumerate(self.broken.items()):
            self.assertIn(words, said[f"{number}.yaml"], what)

    def test_what_is_no_shard_or_no_board_is_told(self):
        where = farm.folder(self)
        script = farm.ROOT / "ci/lava/job.py"

        def told(*words):
            said = subprocess.run([script, where, "--url", "http://farm", *words], capture_output=True, text=True)
            self.assertNotEqual(said.returncode, 0)
            return said.stderr

        self.assertIn("`ci/board image BOARD --output", told())
        (where / "board.json").write_text(json.dumps(board(farm.ROOT / "fixtures/boards/vexpress-a9.yaml")))
        self.assertIn("'4/3' is not a shard", told("--shard", "4/3"))


if __name__ == "__main__":
    unittest.main()
