"""A LAVA server gives three shards to three emulated boards; the user's token is seen by no one."""

import json
import subprocess
import unittest

import farm

from device_type import device_type
from test_crash import BOARD as POISON
from test_crash import CELLS as POISON_CELLS
from test_crash import GUILTY

BOARD = "debian-amd64-7.3"
# Some seconds of each of three boards.
CELLS = ("fd.", "identity.", "mapping.", "coherence.")


class Server(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.where = farm.folder(cls)
        for board in (BOARD, POISON):
            farm.serve(cls.where, board)
            (cls.where / f"{board}.jinja2").write_text(device_type(farm.about(board)))
        plan = {"whole": [BOARD, CELLS], "crashed": [POISON, POISON_CELLS]}
        (cls.where / "plan.json").write_text(json.dumps(plan))
        program = f"/prime-cts/{farm.Path(farm.program()).relative_to(farm.ROOT)}"
        words = ["env", "LAVA_TOKEN_FILE=/root/token", f"{farm.SCRIPTS}/serve", "3"]
        words += [f"{farm.SCRIPTS}/session.py", program]
        done = farm.engine(cls.where, *words, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise AssertionError(f"the session ended with {done.returncode}")
        cls.session = json.loads((cls.where / "session.json").read_text())

    def said(self, name):
        return (self.where / f"{name}.log").read_text()

    def test_three_shards_are_the_whole_run(self):
        self.assertEqual([self.session["codes"][name] for name in ("whole", "merged")], [0, 0], self.said("merged"))
        cells = {}
        for name in ("whole", "merged"):
            ended = farm.cells(self.where / name / "run.jsonl")
            cells[name] = {id: (cell["verdict"], cell["outcome"], cell["case"]) for id, cell in ended.items()}
        self.assertGreater(len(cells["whole"]), 300)
        self.assertEqual(cells["merged"], cells["whole"])
        shards = [farm.cells(path) for path in sorted((self.where / "merged").glob("shard-*/run.jsonl"))]
        self.assertEqual(len(shards), 3)
        self.assertEqual(sum(map(len, shards)), len(cells["whole"]))
        # Each of the devices had a job, the fourth waited for one.
        devices = [device for device in self.session["devices"] if device.startswith(BOARD)]
        self.assertEqual((len(devices), set(devices)), (4, {f"{BOARD}-{number}" for number in (1, 2, 3)}))

    def test_a_job_whose_board_goes_down_is_followed_by_one_behind_the_cell(self):
        self.assertEqual(self.session["codes"]["crashed"], 0, self.said("crashed"))
        self.assertIn("is Incomplete", self.said("crashed"))
        self.assertIn(f", behind {GUILTY}", self.said("crashed"))
        cells = farm.cells(self.where / "crashed/run.jsonl")
        crashed = [(id, cell["outcome"]) for id, cell in cells.items() if cell["verdict"] == "crash"]
        self.assertEqual(crashed, [(GUILTY, "expected")])
        self.assertEqual({cell["verdict"] for cell in cells.values()}, {"crash", "blocked", "fail", "pass"})

    def test_the_token_is_on_no_command_line_and_in_no_log(self):
        lines, files = self.session["planted"]
        self.assertEqual((lines > 0, files), (True, ["/farm/planted"]), "what is looked for is found where it is")
        self.assertGreater(self.session["looks"], 100)
        self.assertEqual((self.session["command_lines"], self.session["files"]), ([], []))

    def test_a_wrong_token_is_told_of_and_not_told(self):
        self.assertEqual(self.session["codes"]["wrong"], 2)
        self.assertIn("403 Forbidden", self.said("wrong"))


if __name__ == "__main__":
    unittest.main()
