"""Code survival of a company that has no git: the rows are there, and nothing is known."""

from datetime import date, timedelta

from orchestration.simulation.truth.directory import Directory, Row
from orchestration.simulation.truth.periods import midnight

CLASSES = ("ai_assisted", "no_evidence")
AGES = (14, 30, 90, 180, 365)  # days
FIGURES = (
    "change_count", "lines_added", "lines_observed", "lines_surviving", "survival_rate",
    "is_small_sample",
)  # fmt: skip


def code_survival(directory: Directory, unit_economics_monthly: list[Row]) -> list[Row]:
    """``quality.code_survival_monthly``: the scopes are those whose figures stand alone."""
    rows = []
    for line in unit_economics_monthly:
        if not line["is_reported"]:
            continue
        end = date.fromisoformat(str(line["period_end"]))
        for ai_assistance in CLASSES:
            for age in AGES:
                rows.append(
                    {
                        "scope_type": line["scope_type"],
                        "scope_id": line["scope_id"],
                        "period_start": line["period_start"],
                        "ai_assistance": ai_assistance,
                        "age_days": age,
                        "scope_name": line["scope_name"],
                        **dict.fromkeys(FIGURES),
                        "is_censored": midnight(end + timedelta(days=age)) > directory.as_of,
                        "is_reported": True,
                        "is_partial_period": line["is_partial_period"],
                        "period_end": end,
                    }
                )
    return rows
