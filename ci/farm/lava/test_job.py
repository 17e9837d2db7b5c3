"""A job under the real lava-run boots an emulated board and runs a shard there."""

import json
import subprocess
import unittest

import farm

from shards import Run

BOARD = "debian-amd64-7.3"


class Job(unittest.TestCase):
    maxDiff = None

    def test_each_cell_of_a_shard_is_a_test_case_and_an_event_of_the_journal(self):
        where = farm.folder(self)
        run = Run(farm.about(BOARD), farm.serve(where, BOARD), farm.program(), where / "results")
        # The eighth that a desk's `--shard 1/8` runs.
        shard = run.shards(8)[0]
        log, complete = farm.Local(where, BOARD).log(run.job(shard))
        self.assertTrue(complete)
        self.assertFalse(run.take(shard, log))
        self.assertEqual(shard.stopped, "")

        cases = farm.results(log)
        self.assertEqual(cases.pop()["case"], "run")
        cells = farm.cells(shard.folder / "run.jsonl")
        self.assertGreater(len(cells), 200)
        self.assertEqual([case["case"] for case in cases], list(cells), "each once, in the same order")
        for case in cases:
            cell = cells[case["case"]]
            self.assertEqual((case["result"], float(case["measurement"])), (farm.word(cell), cell["ms"]), cell)
        # As good as the journal is, nothing was lost of it on its way.
        said = subprocess.run([run.program, "report", shard.folder], capture_output=True, text=True, check=False)
        self.assertEqual((said.returncode, said.stderr), (0, ""), said.stdout)
        self.assertIn(f"{len(cells)} of {len(cells)} cells", said.stdout)
        planned = json.loads((shard.folder / "run.jsonl").read_text().splitlines()[0])
        self.assertEqual((planned["cells"], planned["part"]["shard"]), (len(cells), {"number": 1, "of": 8}))


if __name__ == "__main__":
    unittest.main()
