-- One row per stream, column and value in it that names something nobody knows. What
-- hangs on it is kept (a service of an unknown team is unattributed), so this is where
-- to look.
{% set references = [
    ('teams', 'parent_team_id', union_systems('teams'), 'teams', 'team_id'),
    ('team_memberships', 'team_id', union_systems('team_memberships'), 'teams', 'team_id'),
    ('services', 'team_id', union_systems('services'), 'teams', 'team_id'),
    ('issues', 'team_id', ref('core_issues'), 'teams', 'team_id'),
    ('ai_usage', 'team_id', ref('core_ai_usage'), 'teams', 'team_id'),
    ('seats', 'team_id', ref('core_seats'), 'teams', 'team_id'),
    ('initiatives', 'team_id', ref('core_initiatives'), 'teams', 'team_id'),
    ('survey_responses', 'team_id', ref('core_survey_responses'), 'teams', 'team_id'),
    ('deployments', 'service_id', ref('core_deployments'), 'services', 'service_id'),
    ('incidents', 'service_id', ref('core_incidents'), 'services', 'service_id'),
    ('issues', 'service_id', ref('core_issues'), 'services', 'service_id'),
    ('reviews', 'pull_request_id', ref('core_reviews'),
        'pull_requests', 'pull_request_id'),
    ('pull_request_commits', 'pull_request_id', ref('core_pull_request_commits'),
        'pull_requests', 'pull_request_id'),
    ('issues', 'pull_request_ids', ref('core_issue_pull_requests'),
        'pull_requests', 'pull_request_id'),
    ('issues', 'parent_issue_id', ref('core_issues'), 'issues', 'issue_id'),
    ('deployment_commits', 'deployment_id', ref('core_deployment_commits'),
        'deployments', 'deployment_id'),
    ('incidents', 'caused_by_deployment_id', ref('core_incidents'),
        'deployments', 'deployment_id'),
    ('deployments', 'remediates_incident_id', ref('core_deployments'),
        'incidents', 'incident_id'),
] %}
with

final as (

    {% for stream, column, relation, entity, key in references %}
    {%- set value = key if column == 'pull_request_ids' else column -%}
    {%- if not loop.first %}
    union all

    {% endif -%}
    select
        '{{ stream }}' as stream,
        '{{ column }}' as column_name,
        '{{ entity }}' as referenced_entity,
        naming.unknown_value,
        count(*) as reference_count
    from (select {{ value }} as unknown_value from {{ relation }}) as naming
    left join (
        select {{ key }} as known_value
        from {{ union_systems(entity) }}
    ) as known
        on known.known_value = naming.unknown_value
    where
        naming.unknown_value is not null
        and known.known_value is null
        {%- if entity == 'teams' %}
        and naming.unknown_value <> 'unattributed'
        {%- endif %}
    group by naming.unknown_value
    {% endfor %}

)

select * from final
