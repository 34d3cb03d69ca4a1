-- Without a price the cost is unknown, not 0; with one it is known, and 0 only where it
-- is free.
select
    vendor,
    model,
    token_class,
    usage_date,
    price_status,
    metered_cost_usd
from {{ ref('ai_cost_daily') }}
where
    (price_status = 'unpriced' and metered_cost_usd is not null)
    or (price_status <> 'unpriced' and metered_cost_usd is null)
    or (price_status = 'free' and metered_cost_usd <> 0)
