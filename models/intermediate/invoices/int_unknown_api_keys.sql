-- One row per vendor and API key that nobody knows: no record of its usage ever names a
-- person, a known team or a tool. A service account says at least what runs on it; a
-- vendor that never says so of any key tells nothing, and none of its keys is unknown.
with

usage_records as (

    select * from {{ ref('core_ai_usage') }}

),

teams as (

    select * from {{ ref('core_teams') }}

),

tool_vendors as (

    select vendor
    from usage_records
    where api_key_id is not null and tool is not null
    group by vendor

),

final as (

    select
        usage_records.vendor,
        usage_records.api_key_id
    from usage_records
    inner join tool_vendors
        on usage_records.vendor = tool_vendors.vendor
    left join teams
        on usage_records.team_id = teams.team_id
    where usage_records.api_key_id is not null
    group by usage_records.vendor, usage_records.api_key_id
    having
        count(usage_records.person_id) = 0
        and count(teams.team_id) = 0
        and count(usage_records.tool) = 0

)

select * from final
