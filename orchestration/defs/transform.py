"""dbt's models as assets and its tests as asset checks, in one ``dbt build`` per run."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetExecutionContext,
    AssetsDefinition,
    Config,
    Output,
)
from dagster_dbt import DagsterDbtTranslator, dbt_assets
from dagster_dbt.asset_utils import get_asset_check_key_for_test

from orchestration import settings, transformation
from orchestration.defs.resources import Home
from orchestration.settings import Settings
from orchestration.transformation import Built

DONE = ("success", "no-op")


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
        return "_".join(dbt_resource_props["fqn"][1:-1]) or str(dbt_resource_props["resource_type"])


def assets(current: Settings) -> list[AssetsDefinition]:
    """All models, seeds and tests of the project."""
    manifest = json.loads(transformation.manifest(current).read_text(encoding="utf-8"))
    translator = Translator()

    @dbt_assets(manifest=manifest, dagster_dbt_translator=translator, name="build_models")
    def build_models(
        context: AssetExecutionContext, config: Building, home: Home
    ) -> Iterator[Output[None] | AssetCheckResult]:
        now = settings.load()
        keys = {
            unique_id: translator.get_asset_key(node)
            for unique_id, node in manifest["nodes"].items()
            if node["resource_type"] in ("model", "seed")
        }
        wanted = [i for i, key in keys.items() if key in context.selected_asset_keys]
        names = [manifest["nodes"][i]["name"] for i in wanted] if context.is_subset else []
        for built in transformation.build(now, names, full_refresh=config.full_refresh):
            if built.unique_id in keys and built.status in DONE:
                yield _output(built, keys[built.unique_id].to_python_identifier())
            elif built.unique_id.startswith("test."):
                key = get_asset_check_key_for_test(manifest, translator, built.unique_id, None)
                if key in context.selected_asset_check_keys:
                    yield _check(built, key)
        transformation.raise_on_failure(now)

    return [build_models]


def _output(built: Built, name: str) -> Output[None]:
    rows = {} if built.row_count is None else {"dagster/row_count": built.row_count}
    return Output(None, name, metadata={"seconds": round(built.seconds, 3), **rows})


def _check(built: Built, key: Any) -> AssetCheckResult:
    severity = AssetCheckSeverity.WARN if built.status == "warn" else AssetCheckSeverity.ERROR
    return AssetCheckResult(
        check_name=key.name,
        asset_key=key.asset_key,
        passed=built.status == "pass",
        severity=severity,
        metadata={"failing_rows": built.failure_count, "seconds": round(built.seconds, 3)},
    )
