"""A simulated company with planted truth: the demo shows it, the tests check against it.

A seeded process, from raw events upward: `organization` founds the company, `delivery` lets it
work, `usage` and `billing` let it use AI and pay for it, `surveys` asks its people. `feeds` writes
what a user would drop in a folder; `truth` counts every published metric in plain Python that
shares nothing with the SQL.
"""

import gc

from orchestration.simulation import billing, delivery, feeds, organization, surveys, usage
from orchestration.simulation.records import Company
from orchestration.simulation.worlds import World


def simulate(
    world: World, seed: int, *, teams: int | None = None, months: int | None = None
) -> Company:
    """A company's history in a world: the same seed gives the same records. ``teams`` and
    ``months`` resize it."""
    # Nothing here goes in circles, and looking for circles among so many records, now and later,
    # would take as long as making them.
    gc.disable()
    try:
        founded = organization.found(world.resized(teams, months), seed)
        delivery.work(founded)
        usage.use(founded)
        billing.bill(founded)
        surveys.ask(founded)
        if world.messiness:
            feeds.half_empty(founded.company, world.messiness.half_empty)
    finally:
        gc.freeze()
        gc.enable()
    return founded.company
