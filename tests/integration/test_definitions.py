"""Dagster's graph: from stream to publication without a hand-made mapping."""

import pytest
from dagster import AssetKey

from orchestration import inventory, ledger, running, settings
from orchestration.settings import ROOT
from orchestration.systems import files, git


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory):  # noqa: ANN201
    folder = tmp_path_factory.mktemp("graph")
    config = folder / "valuemaxx.yml"
    config.write_text("systems: {git: {repositories: [{path: repo}]}}\n")
    patch = pytest.MonkeyPatch()
    patch.setenv("VALUEMAXX_CONFIG", str(config))
    patch.setenv("VALUEMAXX_HOME", str(folder / "home"))
    running.prepare(settings.load())
    from orchestration.definitions import defs

    yield defs.resolve_asset_graph()
    patch.undo()


def test_every_stream_is_an_asset_of_its_systems_group(graph) -> None:  # noqa: ANN001
    for stream in (*files.STREAMS, *git.STREAMS, *inventory.STREAMS):
        assert graph.get(AssetKey([stream.system, stream.name])).group_name == stream.system


def test_lineage_runs_from_a_stream_to_the_publication(graph) -> None:  # noqa: ANN001
    reached = {AssetKey(["files", "deployments"])}
    waiting = list(reached)
    while waiting:
        for child in graph.get(waiting.pop()).child_keys - reached:
            reached.add(child)
            waiting.append(child)
    assert AssetKey(["dora", "fct_deployments"]) in reached
    assert AssetKey(["published"]) in reached


def test_every_dbt_source_is_a_stream_that_a_run_reads_or_the_close_ledger(graph) -> None:  # noqa: ANN001
    streams = {
        AssetKey([s.system, s.name]) for s in (*files.STREAMS, *git.STREAMS, *inventory.STREAMS)
    }
    external = {key for key in graph.get_all_asset_keys() if graph.get(key).is_external}
    assert external == {AssetKey([s.system, s.name]) for s in ledger.STREAMS}
    assert streams <= set(graph.get_all_asset_keys())


def test_every_asset_has_a_description(graph) -> None:  # noqa: ANN001
    bare = [
        key.to_user_string() for key in graph.get_all_asset_keys() if not graph.get(key).description
    ]
    assert bare == []


def test_definitions_stay_under_sixty_lines() -> None:
    text = (ROOT / "orchestration" / "definitions.py").read_text()
    assert len(text.splitlines()) < 60


def test_dagster_is_told_to_keep_quiet() -> None:
    assert running.INSTANCE["telemetry"] == {"enabled": False}
    assert running.INSTANCE["nux"] == {"enabled": False}
