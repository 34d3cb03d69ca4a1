{#-
    The staging models of one entity, put together for the systems that are enabled.

    usage:  select * from {{ union_systems('pull_requests') }}
    output: the rows of stg_<system>__<entity>, which all have the same columns in the same order
-#}
{% macro union_systems(entity) -%}
    {%- set enabled = ['files'] + env_var('VALUEMAXX_SYSTEMS', 'files git').split() -%}
    (
        {% for system in staged_systems()[entity] if system in enabled -%}
            {%- if not loop.first %} union all {% endif -%}
            select * from {{ ref('stg_' ~ system ~ '__' ~ entity) }}
        {%- endfor %}
    ) as {{ entity }}
{%- endmacro %}

{#-
    Which systems have a staging model of which entity: the one place where a new system is named
    to the models. A test holds it against the files in models/staging.

    usage:  {% for system in staged_systems()['pull_requests'] %}
    output: a dict of lists
-#}
{% macro staged_systems() -%}
    {{ return({
        'ai_activity': ['files', 'anthropic', 'copilot'],
        'ai_costs': ['files', 'anthropic', 'copilot', 'openai'],
        'ai_usage': ['files', 'anthropic', 'openai', 'usage_logs'],
        'budgets': ['files'],
        'ci_runs': ['files', 'github'],
        'commit_ai_evidence': ['files', 'git', 'github'],
        'commit_file_kinds': ['git'],
        'commits': ['files', 'git', 'github'],
        'covered_api_keys': ['usage_logs'],
        'deployment_commits': ['files', 'git'],
        'deployments': ['files', 'git', 'github'],
        'fx_rates': ['files'],
        'identities': ['files', 'github'],
        'incidents': ['files', 'github', 'jira', 'pagerduty'],
        'initiatives': ['files'],
        'invoices': ['files'],
        'issue_keys': ['jira'],
        'issue_pull_requests': ['files', 'github'],
        'issues': ['files', 'github', 'jira'],
        'line_births': ['git'],
        'line_deaths': ['git'],
        'prices': ['files'],
        'pull_request_commits': ['files', 'git', 'github'],
        'pull_request_issue_keys': ['github'],
        'pull_requests': ['files', 'git', 'github'],
        'repositories': ['git'],
        'reviews': ['files', 'github'],
        'seats': ['files', 'copilot'],
        'services': ['files', 'git', 'github', 'pagerduty'],
        'survey_responses': ['files'],
        'team_memberships': ['files'],
        'teams': ['files'],
    }) }}
{%- endmacro %}
