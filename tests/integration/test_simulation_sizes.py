"""A company of any size has a history: what has no month to happen in did not happen."""

import pytest

from orchestration.simulation import billing, organization, simulate, usage
from orchestration.simulation.worlds import WORLDS


@pytest.mark.parametrize("seed", [7, 20260701])
@pytest.mark.parametrize("teams", [1, 2, 5])
@pytest.mark.parametrize("months", range(1, 14))
def test_a_short_history_has_the_billing_faults_that_it_has_months_for(
    months: int, teams: int, seed: int
) -> None:
    found = organization.found(WORLDS["billing_faults"].resized(teams, months), seed)
    usage.use(found)
    billing.bill(found)
    faults = found.company.planted.faults
    assert len({fault.kind for fault in faults}) == len(faults)
    assert all(fault.amount for fault in faults)
    invoiced = {line.invoice_id for line in found.company.invoices}
    lines = {line.invoice_line_id for line in found.company.invoices}
    for fault in faults:
        if fault.kind == "missing_month":
            assert f"{fault.vendor}-{fault.month:%Y-%m}" not in invoiced
        else:
            assert fault.invoice_id in invoiced
        assert fault.invoice_line_id is None or fault.invoice_line_id in lines
    # The first month's invoice comes in the second; the unknown key's 40 requests a day are on one.
    kinds = {fault.kind for fault in faults}
    assert kinds == set() if months == 1 else kinds >= {"unknown_key", "fx_difference"}


@pytest.mark.parametrize("months", [1, 2, 3])
@pytest.mark.parametrize("teams", [1, 2])
@pytest.mark.parametrize("world", WORLDS)
def test_every_world_fits_the_smallest_company(world: str, teams: int, months: int) -> None:
    company = simulate(WORLDS[world], 7, teams=teams, months=months)
    assert company.team_memberships and company.pull_requests
