-- One row per mix of teams, vendor, model, tier, context size, unit, batch or not, and
-- day. Usage is its person's teams' on the day, else its key's team's, else
-- unattributed.
with

usage_records as (

    select * from {{ ref('core_ai_usage') }}

),

mixes as (

    select * from {{ ref('int_person_team_mixes') }}

),

teams as (

    select * from {{ ref('core_teams') }}

),

read_records as (

    select
        person_id,
        team_id,
        vendor,
        model,
        {{ service_tier('service_tier') }} as service_tier,
        other_unit_name,
        {{ context_token_count('context_window') }} as context_token_count,
        uncached_input_token_count,
        cache_read_token_count,
        cache_write_5m_token_count,
        cache_write_1h_token_count,
        output_token_count,
        other_unit_quantity,
        {{ is_batch('service_tier', 'is_batch') }} as is_batch,
        cast(occurred_at as date) as usage_date
    from usage_records

),

attributed as (

    select
        coalesce(
            mixes.team_mix_id,
            {{ whole_team_mix("coalesce(teams.team_id, 'unattributed')") }}
        ) as team_mix_id,
        read_records.vendor,
        read_records.model,
        read_records.service_tier,
        read_records.other_unit_name,
        read_records.context_token_count,
        read_records.uncached_input_token_count,
        read_records.cache_read_token_count,
        read_records.cache_write_5m_token_count,
        read_records.cache_write_1h_token_count,
        read_records.output_token_count,
        read_records.other_unit_quantity,
        read_records.is_batch,
        read_records.usage_date
    from read_records
    left join mixes
        on
            read_records.person_id = mixes.person_id
            and read_records.usage_date >= mixes.valid_from
            and read_records.usage_date < mixes.valid_to
    left join teams
        on read_records.team_id = teams.team_id

),

final as (

    select
        team_mix_id,
        vendor,
        model,
        service_tier,
        other_unit_name,
        context_token_count,
        sum(uncached_input_token_count) as uncached_input_token_count,
        sum(cache_read_token_count) as cache_read_token_count,
        sum(cache_write_5m_token_count) as cache_write_5m_token_count,
        sum(cache_write_1h_token_count) as cache_write_1h_token_count,
        sum(output_token_count) as output_token_count,
        sum(other_unit_quantity) as other_unit_quantity,
        is_batch,
        usage_date
    from attributed
    group by
        team_mix_id,
        vendor,
        model,
        service_tier,
        other_unit_name,
        context_token_count,
        is_batch,
        usage_date

)

select * from final
