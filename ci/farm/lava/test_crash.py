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

# A board that lives, and where the commands of its job begin.
PLAIN = "debian-amd64-7.3"
BEGIN = "          - code=0\n"


class Crash(unittest.TestCase):
    def run_to_its_end(self, run, shard, local):
        """Whether each job was complete, the cases that it has shown LAVA, and the cell that its journal named last."""
        seen = []
        while True:
            log, complete = local.log(run.job(shard))
            seen.append((complete, farm.results(log), farm.last_cell(log)))
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
        told = {case["case"]: case["result"] for _, cases, _ in (first, second) for case in cases}
        # What the jobs have told together is what the journal holds.
        self.assertEqual(told.pop("run"), "pass")
        self.assertEqual(told, {id: farm.word(cell) for id, cell in cells.items()})
        verdicts = {cell["verdict"] for cell in cells.values()}
        self.assertEqual(verdicts, {"crash", "blocked", "fail", "pass"})
        journal = [json.loads(line) for line in (shard.folder / "run.jsonl").read_text().splitlines()]
        self.assertEqual([event["event"] for event in journal].count("resumed"), 1)
        self.assertEqual(journal[0]["cells"], len(cells))

    def crashed(self, minutes=20, during="", meanwhile=lambda log: None):
        """A run of some cells in one of which the board goes down, in the first of two jobs: that cell, if one was running.
        `during` is a command that the board makes when its journal says that a certain cell begins, `meanwhile` gets the
        log.
        """
        where = farm.folder(self)
        local = farm.Local(where, PLAIN)
        if during:
            trigger = "(tail -n +1 -F /tmp/prime-cts/run.jsonl 2>/dev/null | grep -q -m1 fd.size.udmabuf"
            trigger = json.dumps(f"{trigger} && {during}) &")

            def planted(job):
                self.assertIn(BEGIN, job)
                # Only in the first.
                return job.replace(BEGIN, f"          - {trigger}\n{BEGIN}") if local.jobs == 1 else job

            local.change = planted
        about, url = farm.about(PLAIN), farm.serve(where, PLAIN)
        run = Run(about, url, farm.program(), where / "results", minutes=minutes, arguments=("mapping.", "fd."))
        [shard] = run.shards(1)
        meanwhile(where / "job-1/log.yaml")
        first, second = self.run_to_its_end(run, shard, local)
        self.assertEqual((first[0], second[0], shard.stopped), (False, True, ""))
        return self.only_lost(shard, first[1], *first[2])

    def only_lost(self, shard, told, last, was_running):
        """The one cell in which the board went down: the `last` one that its journal names, nothing if that had ended. What
        had been `told` before is not lost.
        """
        cells = farm.cells(shard.folder / "run.jsonl")
        guilty = [last] if was_running else []
        self.assertEqual(shard.crashed, guilty)
        self.assertEqual([id for id, cell in cells.items() if cell["verdict"] == "crash"], guilty)
        planned = json.loads((shard.folder / "run.jsonl").read_text().splitlines()[0])
        self.assertEqual(planned["cells"], len(cells))
        before = [case["case"] for case in told]
        self.assertGreater(len(before), 0)
        self.assertEqual(before, list(cells)[: len(before)])
        # LAVA hears of an end just behind the journal.
        had_ended = list(cells).index(last) + (0 if was_running else 1)
        self.assertIn(had_ended - len(before), (0, 1))
        # What was reported before the crash is reported in the same way after it.
        for case in told:
            self.assertEqual(case["result"], farm.word(cells[case["case"]]), case)
        return cells[guilty[0]] if guilty else None

    def test_a_panic_at_any_time_loses_no_cell(self):
        guilty = self.crashed(during="echo c >/proc/sysrq-trigger")
        if guilty:
            self.assertIn("sysrq triggered crash", json.dumps(guilty["findings"]))

    def test_a_hang_ends_with_the_time_that_the_job_has(self):
        # Suspended, a machine that nothing wakes is as good as hung: no process runs, and its console is silent.
        guilty = self.crashed(minutes=4, during="echo freeze >/sys/power/state")
        if guilty:
            self.assertIn("it went down", json.dumps(guilty["findings"]))

    def test_a_power_cut_loses_no_cell(self):
        cut = farm.PowerCut(cells=20)
        guilty = self.crashed(meanwhile=cut.begin)
        self.assertTrue(cut.done, "the board was not switched off")
        if guilty:
            self.assertIn("it went down", json.dumps(guilty["findings"]))


if __name__ == "__main__":
    unittest.main()
