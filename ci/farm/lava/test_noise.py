"""A console drowned in kernel messages: every finished result gets through."""

import json
import unittest

import farm

from shards import Run

BOARD = "debian-amd64-7.3"
CELLS = ("fd.", "identity.")
# More than 60 lines a second, at the level that no console keeps to itself. A quiet board runs no test of this.
NOISE = "(while :; do echo '<0>noise: a driver with something to say, over and over' >/dev/kmsg; usleep 10000; done) &"


class Noise(unittest.TestCase):
    def test_no_finished_result_is_lost_in_what_the_kernel_says(self):
        where = farm.folder(self)
        run = Run(farm.about(BOARD), farm.serve(where, BOARD), farm.program(), where / "results", arguments=CELLS)
        [shard] = run.shards(1)
        begin = "          - code=0\n"

        def drowned(job):
            self.assertIn(begin, job)
            return job.replace(begin, f"          - {json.dumps(NOISE)}\n{begin}")

        log, complete = farm.Local(where, BOARD, drowned).log(run.job(shard))
        self.assertTrue(complete)
        said = [json.loads(line.decode()) for line in log.splitlines() if b'"lvl": "target"' in line]
        times = [line["dt"] for line in said if "noise: a driver" in line["msg"]]
        self.assertGreater(len(times), 300)
        self.assertFalse(run.take(shard, log))
        cells = farm.cells(shard.folder / "run.jsonl")
        cases = {case["case"]: case["result"] for case in farm.results(log)}
        self.assertEqual(cases.pop("run"), "pass")
        journal = [json.loads(line) for line in (shard.folder / "run.jsonl").read_text().splitlines()]
        planned = journal[0]["cells"]
        self.assertEqual(planned, len(cells))
        self.assertEqual(cases, {id: farm.word(cell) for id, cell in cells.items()})


if __name__ == "__main__":
    unittest.main()
