-- One row per scope and calendar month: the five DORA metrics. Dense, so a scope that
-- did nothing has a row of zeros. Deployments count on the day they finished, merges on
-- the day they merged.
{{ dora_periods('month') }}
