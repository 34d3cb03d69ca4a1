"""dbt's models as assets and its tests as asset checks, in one ``dbt build`` per run."""

import json
import logging
from importlib import metadata
from collections.abc import Iterator, Mapping
from typing import Any

from dagster import AssetExecutionContext, AssetsDefinition, Config
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, dbt_assets
from packaging.version import Version

from orchestration import settings, transformation
from orchestration.defs.resources import Home
from orchestration.settings import ROOT, Settings

log = logging.getLogger(__name__)


class Building(Config):
    """How to build."""

    full_refresh: bool = False


class Translator(DagsterDbtTranslator):
    """Descriptions as the YAML has them; groups by the room a model stands in."""

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The YAML's description only: the SQL is in the repository."""
        return str(dbt_resource_props.get("description") or "")

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """``staging_git``, ``core``, ``marts_dora``: the folder it stands in."""
        return "_".join(dbt_resource_props["fqn"][1:-1]) or dbt_resource_props["resource_type"]


class Dbt(DbtCliResource):
    """dbt as a program. Two things that Dagster does before each start of it take seconds and are
    left out: a handle of its own on the warehouse (what it would fetch is asked in one query,
    ``row_counts``), and running dbt once more to learn its version."""

    def _initialize_dbt_core_adapter(self, args: Any) -> Any:
        return None

    @property
    def _cli_version(self) -> Version:
        return Version(metadata.version("dbt-core"))


def assets(current: Settings) -> list[AssetsDefinition]:
    """All models, seeds and tests of the project."""
    manifest = json.loads(transformation.manifest(current).read_text(encoding="utf-8"))

    @dbt_assets(manifest=manifest, dagster_dbt_translator=Translator(), name="build_models")
    def build_models(
        context: AssetExecutionContext, config: Building, dbt: Dbt, home: Home
    ) -> Iterator[Any]:
        now = settings.load()
        transformation.before_build(now)
        arguments = transformation.build_arguments(now, full_refresh=config.full_refresh)
        target = transformation.target_path(now)
        built = dbt.cli(arguments, context=context, target_path=target, raise_on_error=False)
        events = [event for event in built.stream() if _is_told(event)]
        counts = transformation.row_counts(now, manifest["nodes"])
        yield from (_counted(event, counts) for event in events)
        transformation.raise_on_failure(now, built.get_error())

    return [build_models]


def resources() -> dict[str, object]:
    """The dbt that is installed beside the running Python, and the home."""
    folder = str(ROOT)
    dbt = Dbt(project_dir=folder, profiles_dir=folder, dbt_executable=transformation.DBT)
    return {"dbt": dbt, "home": Home()}


def _is_told(event: Any) -> bool:
    """Says which table is done, for whoever watches; always true."""
    name = event.metadata.get("unique_id")
    if name is not None and name.text.startswith("model."):
        log.info("built %s", name.text.rsplit(".", 1)[-1])
    return True


def _counted(event: Any, counts: Mapping[str, int]) -> Any:
    unique_id = event.metadata.get("unique_id")
    if unique_id is None or unique_id.text not in counts:
        return event
    rows = {"dagster/row_count": counts[unique_id.text]}
    return event.with_metadata({**event.metadata, **rows})
