"""Which counts of people may be shown, so that no sum gives a hidden one away."""

from collections.abc import Callable, Mapping

from orchestration.simulation.truth.directory import ORGANIZATION

Scope = tuple[str, str]  # scope type, scope id


def shown_counts(
    counts: Mapping[Scope, int], department_of: Callable[[str], str], minimum: int
) -> dict[Scope, int]:
    """Counts of enough people, less the smallest count beside hidden ones, where the sum above
    would tell; and nothing below a hidden sum."""
    shown = {scope: count for scope, count in counts.items() if count >= minimum}
    departments = sorted(scope for scope in counts if scope[0] == "department")
    _hide_beside(shown, counts, (ORGANIZATION, ORGANIZATION), departments, minimum)
    for department in departments:
        teams = sorted(
            scope
            for scope in counts
            if scope[0] == "team" and department_of(scope[1]) == department[1]
        )
        _hide_beside(shown, counts, department, teams, minimum)
    return shown


def _hide_beside(
    shown: dict[Scope, int],
    counts: Mapping[Scope, int],
    above: Scope,
    scopes: list[Scope],
    minimum: int,
) -> None:
    """Hides the smallest shown one of the scopes where the hidden ones together may be fewer
    than the minimum (who moved counts in two, so they may be no more than the largest of
    them), and all of them where the sum above them is hidden."""
    hidden = max((counts[scope] for scope in scopes if scope not in shown), default=0)
    others = sorted((s for s in scopes if s in shown), key=lambda s: (counts[s], s))
    is_sum_hidden = above not in shown and counts.get(above, 0) > 0
    is_told = 0 < hidden < minimum
    for scope in others if is_sum_hidden else others[:is_told]:
        del shown[scope]
