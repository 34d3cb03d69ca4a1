-- One row per organization, department and team and fiscal quarter. Dense; a scope
-- too small to be shown has nulls, and its figures stand in the line that
-- reporting_scope_id names.
{{ unit_economics_periods('quarter') }}
