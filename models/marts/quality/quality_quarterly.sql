-- One row per scope and fiscal quarter. Dense: a scope that did nothing has a row of
-- zeros. Merges count on the day they merged, issues and incidents on the day they were
-- opened.
{{ quality_periods('quarter') }}
