"""The worlds: a company's size and its levers, each with its own size.

A lever is a number that the process of the simulation reads; what it does to a metric comes out
of the process (a review takes longer, a change breaks more often), never out of a table of results.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

STARTS_ON = date(2024, 7, 1)


def month_after(day: date, months: int = 1) -> date:
    """The first day of the month so many months after the day's."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


BillingFault = Literal[
    "line_twice",  # a usage line stands on the invoice twice
    "wrong_price",  # a model billed at another price than the list's
    "missing_month",  # no invoice came for a month
    "late_correction",  # an adjustment for an earlier month, invoiced two months later
    "unknown_key",  # usage of an API key that nobody knows
    "fx_difference",  # invoiced at another rate than the day's
]
BILLING_FAULTS: tuple[BillingFault, ...] = (
    "line_twice", "wrong_price", "missing_month", "late_correction", "unknown_key", "fx_difference",
)  # fmt: skip


@dataclass(frozen=True)
class Effect:
    """Factors on how a team works; 1 = none. ``throughput``: changes begun per person;
    ``defects``: chance that a change brings a bug; ``incidents``: that it breaks production;
    ``rework``: that it has to be done again; the others: on time or size."""

    throughput: float = 1.0
    coding_time: float = 1.0
    review_time: float = 1.0
    size: float = 1.0
    defects: float = 1.0
    rework: float = 1.0
    incidents: float = 1.0
    recovery_time: float = 1.0


OUTCOMES = tuple(Effect.__dataclass_fields__)


@dataclass(frozen=True)
class Ai:
    """What AI does to a team from the month it adopts. It grows over ``months_to_full``; with
    ``half_life_months`` it wears off again after that."""

    effect: Effect = Effect()
    months_to_full: int = 2
    half_life_months: float | None = None


@dataclass(frozen=True)
class Adoption:
    """Which teams take AI up, and when (months from the company's start).

    ``who``: ``random``; ``early_improvers`` (teams that were improving by ``prior_trend`` a month
    anyway); ``after_a_bad_month`` (in the month after one in which much broke).
    ``ceiling``: the share of a team's people who use it once it is established.
    """

    who: Literal["random", "early_improvers", "after_a_bad_month"] = "random"
    share_of_teams: float = 0.75
    first_month: int = 7
    last_month: int = 18
    ceiling: float = 0.85
    prior_trend: float = 1.0


@dataclass(frozen=True)
class Improvement:
    """Something else that changes how teams work: ``everybody`` at once in ``month``, each team in
    a month of its own (``own_times``), or ``with_ai``: in the month a team adopts.
    ``is_logged``: whether the initiatives feed tells of it."""

    when: Literal["everybody", "own_times", "with_ai"]
    effect: Effect
    month: int = 12
    kind: str = "platform"
    is_logged: bool = True


@dataclass(frozen=True)
class Pumping:
    """Tokens without work in a share of the adopting teams from ``month`` on: ``factor`` times the
    requests, each question split into many small ones, and daily use that stops just above
    ``daily_request_quota``. Days of use and work done stay as they were."""

    share_of_teams: float = 0.3
    month: int = 15
    factor: int = 10
    daily_request_quota: int = 100


@dataclass(frozen=True)
class Messiness:
    """How the records themselves go wrong: shares of all lines, and odd files."""

    duplicated: float = 0.02
    restated: float = 0.02
    half_empty: float = 0.05
    contradictory: float = 0.01
    late_days: int = 5


@dataclass(frozen=True)
class World:
    """A company to simulate. ``speed_over_substance``: share of the adopters' reviews that become
    rubber stamps; ``easy_work_drift``: share of their design, research and maintenance work that
    moves to small features."""

    name: str
    description: str
    teams: int = 120
    months: int = 24
    starts_on: date = STARTS_ON
    changes_per_person_month: float = 4.0
    ai: Ai = Ai()
    adoption: Adoption = Adoption()
    improvements: tuple[Improvement, ...] = ()
    pumping: Pumping | None = None
    speed_over_substance: float = 0.0
    easy_work_drift: float = 0.0
    messiness: Messiness | None = None
    billing_faults: tuple[BillingFault, ...] = field(default=())

    def resized(self, teams: int | None, months: int | None) -> "World":
        """The same levers on a company of another size; adoption moves with the months."""
        months = months or self.months
        scale = months / self.months
        adoption = replace(
            self.adoption,
            first_month=round(self.adoption.first_month * scale),
            last_month=round(self.adoption.last_month * scale),
        )
        improvements = tuple(
            replace(improvement, month=round(improvement.month * scale))
            for improvement in self.improvements
        )
        pumping = self.pumping and replace(self.pumping, month=round(self.pumping.month * scale))
        return replace(
            self,
            teams=teams or self.teams,
            months=months,
            adoption=adoption,
            improvements=improvements,
            pumping=pumping,
        )


FASTER = Effect(coding_time=0.75, throughput=1.15)
PLATFORM = Effect(coding_time=0.8, review_time=0.8, incidents=0.8)
MORE_AND_WORSE = Effect(
    throughput=1.34, size=1.5, review_time=1.8, defects=1.54, rework=1.6, incidents=1.4
)

WORLDS = {
    world.name: world
    for world in (
        World(
            "demo",
            "AI makes coding faster and reviews slower; more is merged, and more of it breaks. A "
            "platform team speeds up everybody's recovery half-way through, and two of ten "
            "adopting teams pump tokens.",
            changes_per_person_month=3.0,
            ai=Ai(
                Effect(
                    throughput=1.25,
                    coding_time=0.6,
                    review_time=1.7,
                    size=1.4,
                    defects=1.35,
                    rework=1.3,
                    incidents=1.25,
                ),
                months_to_full=3,
            ),
            improvements=(Improvement("everybody", Effect(recovery_time=0.8), month=12),),
            pumping=Pumping(share_of_teams=0.2, factor=4),
            speed_over_substance=0.05,
            easy_work_drift=0.2,
        ),
        World("nothing", "AI is used, and changes nothing."),
        World("helps", "AI makes coding faster and more gets done.", ai=Ai(FASTER)),
        World(
            "helps_then_erodes",
            "AI makes coding faster at first; it wears off.",
            ai=Ai(FASTER, half_life_months=3),
        ),
        World(
            "everybody_improves",
            "AI does nothing; a new platform makes everybody faster in one month.",
            improvements=(Improvement("everybody", PLATFORM),),
        ),
        World(
            "own_times",
            "AI does nothing; every team improves in a month of its own.",
            improvements=(Improvement("own_times", PLATFORM),),
        ),
        World(
            "rolled_out_together",
            "AI does nothing; another improvement came to each team with it, and was logged.",
            improvements=(Improvement("with_ai", PLATFORM),),
        ),
        World(
            "rolled_out_together_unlogged",
            "AI does nothing; another improvement came to each team with it; nobody wrote it down.",
            improvements=(Improvement("with_ai", PLATFORM, is_logged=False),),
        ),
        World(
            "after_a_dip",
            "AI does nothing; teams take it up after a bad month and then return to normal.",
            adoption=Adoption(who="after_a_bad_month"),
        ),
        World(
            "already_improving",
            "AI does nothing; the teams that take it up had been getting faster all along.",
            adoption=Adoption(who="early_improvers", prior_trend=0.97),
        ),
        World(
            "pumping",
            "AI does nothing; some teams burn ten times the tokens on the same work.",
            pumping=Pumping(),
        ),
        World(
            "volume_only",
            "More and larger changes, slower reviews, more bugs: volume without value.",
            ai=Ai(MORE_AND_WORSE),
            speed_over_substance=0.2,
        ),
        World("small_company", "Twelve teams: too few to tell.", teams=12, ai=Ai(FASTER)),
        World(
            "messy",
            "AI helps, and the records are late, doubled, reordered, restated, half-empty and "
            "contradictory, in odd encodings.",
            teams=24,
            months=12,
            ai=Ai(FASTER),
            messiness=Messiness(),
        ),
        World(
            "billing_faults",
            "AI helps, and the vendors' bills are wrong in every known way, once each.",
            teams=24,
            months=12,
            ai=Ai(FASTER),
            billing_faults=BILLING_FAULTS,
        ),
    )
}
