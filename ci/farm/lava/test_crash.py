"""Boards that go down under LAVA: nothing that was finished is lost, the cell is named, and the rest runs."""

import json
import unittest

import farm

from shards import Run

# Its kernel dies of an import, in the first cell that makes it.
BOARD = "poison"
GUILTY = "identity.duplicate-handle.canary-poison.drm-prime_drm_shmem"
# The board file's own arguments.
CELLS = (
    "identity.*.canary-poison.drm-prime_drm_shmem",
    "pages.*.canary-decoy.drm-prime_drm_shmem",
    "coherence.*.canary-poison.canary-importer",
)


class Crash(unittest.TestCase):
    def run_to_its_end(self, run, shard, local):
        """The cases that each job has shown LAVA."""
        seen = []
        while True:
            log, complete = local.log(run.job(shard))
            seen.append((complete, farm.results(log)))
            if not run.take(shard, log):
                return seen

    def test_a_run_goes_on_behind_the_cell_that_brought_the_kernel_down(self):
        where = farm.folder(self)
        run = Run(farm.about(BOARD), farm.serve(where, BOARD), farm.program(), where / "results", arguments=CELLS)
        [shard] = run.shards(1)
        first, second = self.run_to_its_end(run, shard, farm.Local(where, BOARD))
        self.assertEqual((shard.crashed, shard.stopped), ([GUILTY], ""))
        # LAVA calls a job whose board goes away incomplete, and keeps what was told before.
        self.assertEqual((first[0], second[0]), (False, True))

        cells = farm.cells(shard.folder / "run.jsonl")
        guilty = cells[GUILTY]
        self.assertEqual((guilty["verdict"], guilty["outcome"]), ("crash", "expected"))
        self.assertIn("general protection fault", guilty["findings"][0]["seen"])
        told = {case["case"]: case["result"] for _, cases in (first, second) for case in cases}
        # What the jobs have told together is what the journal holds.
        self.assertEqual(told.pop("run"), "pass")
        self.assertEqual(told, {id: farm.word(cell) for id, cell in cells.items()})
        verdicts = {cell["verdict"] for cell in cells.values()}
        self.assertEqual(verdicts, {"crash", "blocked", "fail", "pass"})
        journal = [json.loads(line) for line in (shard.folder / "run.jsonl").read_text().splitlines()]
        self.assertEqual([event["event"] for event in journal].count("resumed"), 1)
        self.assertEqual(journal[0]["cells"], len(cells))

    def test_a_panic_at_any_time_loses_no_cell(self):
        board = "debian-amd64-7.3"
        where = farm.folder(self)
        cells = ("mapping.", "fd.")
        run = Run(farm.about(board), farm.serve(where, board), farm.program(), where / "results", arguments=cells)
        [shard] = run.shards(1)
        # When the journal says that this cell begins, from beside it: whichever is running then, is it.
        trigger = "(tail -n +1 -F /tmp/prime-cts/run.jsonl 2>/dev/null | grep -q -m1 fd.size.udmabuf"
        trigger += " && echo c >/proc/sysrq-trigger) &"
        begin = "          - code=0\n"

        def planted(job):
            self.assertIn(begin, job)
            # Only in the first.
            return job if "--crashed" in job else job.replace(begin, f"          - {json.dumps(trigger)}\n{begin}")

        first, second = self.run_to_its_end(run, shard, farm.Local(where, board, planted))
        self.assertEqual((first[0], second[0], shard.stopped), (False, True, ""))
        [guilty] = shard.crashed
        cells = farm.cells(shard.folder / "run.jsonl")
        crashed = [id for id, cell in cells.items() if cell["verdict"] == "crash"]
        self.assertEqual(crashed, [guilty])
        self.assertIn("sysrq triggered crash", json.dumps(cells[guilty]["findings"]))
        planned = json.loads((shard.folder / "run.jsonl").read_text().splitlines()[0])
        self.assertEqual(planned["cells"], len(cells))
        before = [case["case"] for case in first[1]]
        self.assertEqual(before, list(cells)[: len(before)])
        self.assertEqual(list(cells)[len(before)], guilty)
        # What had been told before the crash is told no other way behind it.
        for case in first[1]:
            self.assertEqual(case["result"], farm.word(cells[case["case"]]), case)


if __name__ == "__main__":
    unittest.main()
