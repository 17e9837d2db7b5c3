"""KernelCI's job and GitLab's pipeline: they parse, and name what there is."""

from types import SimpleNamespace

import jinja2
import yaml

from conftest import DEFINITION, ROOT

KERNELCI = ROOT / "ci/kernelci"


def rendered(params):
    """The test action as KernelCI makes it for a job."""
    folder = KERNELCI / "config/runtime/tests"
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(folder), undefined=jinja2.StrictUndefined)
    template = environment.get_template(f"{params['test_method']}.jinja2")
    return yaml.safe_load(template.render(node=SimpleNamespace(name="prime-cts"), **params))


def test_every_job_is_a_test_action_of_the_definition():
    jobs = yaml.safe_load((KERNELCI / "config/jobs.yaml").read_text())["jobs"]
    definition = yaml.safe_load((DEFINITION / "prime-cts.yaml").read_text())
    for name, job in jobs.items():
        assert {"template", "kind", "params", "rules", "kcidb_test_suite"} <= set(job), name
        [action] = rendered(job["params"])
        [used] = action["test"]["definitions"]
        assert (KERNELCI / used["path"]).is_file(), used
        assert set(used["parameters"]) <= set(definition["params"])
        assert action["test"]["timeout"]["minutes"] == job["params"]["job_timeout"]
    [watched] = rendered(jobs["prime-cts-watchdog"]["params"])
    assert watched["test"]["definitions"][0]["parameters"]["WATCHDOG"] == "/dev/watchdog"


def test_the_pipeline_of_gitlab_keeps_what_it_finds():
    pipeline = yaml.safe_load((ROOT / "ci/gitlab.yml").read_text())
    jobs = {name: job for name, job in pipeline.items() if isinstance(job, dict) and "script" in job}
    assert set(jobs) == {"shard", "merge"}
    for job in jobs.values():
        assert job["stage"] in pipeline["stages"]
        assert job["extends"] in pipeline
        assert job["artifacts"]["when"] == "always", "a red run is the one to look at"
    assert jobs["merge"]["artifacts"]["reports"]["junit"] == "results/junit.xml"
    board = pipeline["variables"]["BOARD"]
    assert (ROOT / f"fixtures/boards/{board}.yaml").is_file()
