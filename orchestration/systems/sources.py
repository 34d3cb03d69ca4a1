"""Writes dbt's source files from the streams' declarations: one place says what a stream is.

Run: ``python -m orchestration.systems.sources`` (``--check`` only compares; ``make check`` does).
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from orchestration import inventory, ledger
from orchestration.lake import PLUMBING, Stream
from orchestration.systems import (
    anthropic,
    copilot,
    files,
    git,
    github,
    jira,
    openai,
    pagerduty,
    usage_logs,
)

STAGING = Path(__file__).resolve().parent.parent.parent / "models" / "staging"
SYSTEMS: dict[str, Sequence[Stream]] = {
    "anthropic": anthropic.STREAMS,
    "copilot": copilot.STREAMS,
    "files": files.STREAMS,
    "git": git.STREAMS,
    "github": github.STREAMS,
    "jira": jira.STREAMS,
    "openai": openai.STREAMS,
    "pagerduty": pagerduty.STREAMS,
    "usage_logs": usage_logs.STREAMS,
    "valuemaxx": (*inventory.STREAMS, *ledger.STREAMS),
}
ALWAYS_ON = ("files", "valuemaxx")
PLUMBING_DESCRIPTIONS = {
    "_scope": "The file, repository or account the row was read from",
    "_window_start": "Start of the stretch of time its batch covers (UTC); null = all of it",
    "_window_end": "End of it, exclusive (UTC)",
    "_batch_id": "The batch; newer ones sort later within a stream",
    "_extracted_at": "When it was read (UTC)",
    "_is_deleted": "Whether the row says that the record is gone",
}


def source_file(system: str, streams: Sequence[Stream]) -> str:
    """The YAML text of ``_<system>__sources.yml``."""
    home = "{{ env_var('VALUEMAXX_HOME', '.valuemaxx') }}"
    location = f"read_parquet('{home}/lake/{system}/{{name}}/*.parquet', union_by_name=true)"
    config: dict[str, object] = {"meta": {"external_location": location}}
    if system not in ALWAYS_ON:
        config["enabled"] = (
            f"{{{{ '{system}' in env_var('VALUEMAXX_SYSTEMS', 'files git').split() }}}}"
        )
    tables = [
        {
            "name": stream.name,
            "description": f"One row per {stream.grain}, per batch that held it.",
            "config": {"meta": {"key": list(stream.key), "fold": stream.fold}},
            "columns": [
                *({"name": f.name, "description": f.description} for f in stream.fields),
                *(
                    {"name": name, "description": PLUMBING_DESCRIPTIONS[name]}
                    for name in PLUMBING.names
                ),
            ],
        }
        for stream in streams
    ]
    document = {
        "sources": [
            {
                "name": system,
                "description": f"The lake's batches of {system}.",
                "schema": f"lake_{system}",
                "config": config,
                "tables": tables,
            }
        ]
    }
    head = (
        "# Written by `python -m orchestration.systems.sources` from the streams' declarations.\n"
    )
    return head + yaml.safe_dump(document, sort_keys=False, width=100, allow_unicode=True)


def main(arguments: Sequence[str]) -> int:
    """Writes or, with ``--check``, compares every source file; 1 if one is out of date. ``--list``
    names all systems, to enable them."""
    if "--list" in arguments:
        sys.stdout.write(" ".join(sorted(SYSTEMS.keys() - {"valuemaxx"})))
        return 0
    stale = 0
    for system, streams in SYSTEMS.items():
        path = STAGING / system / f"_{system}__sources.yml"
        text = source_file(system, streams)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in arguments:
            sys.stderr.write(f"{path.name} is out of date: run python -m {__spec__.name}\n")
            stale = 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
