"""A shard of a run on a reserved board. Its cells are in the folder of --output: run.jsonl, junit.xml, run.ktap."""


def test_shard(shard, record_property):
    code = shard.run()
    for number, crash in enumerate(shard.crashes, 1):
        record_property(f"crash {number}", crash)
    report = (shard.options.output / "report.txt").read_text(encoding="utf-8")
    assert code == 0, f"prime-cts: exit code {code}\n{report}"
