-- One row per system and stream. Rows are those of the batches that stand: all of a
-- keyed stream, the newest of each scope of a replaced one.
with

streams as (

    select * from {{ ref('core_streams') }}

),

batches as (

    select * from {{ ref('core_batches') }}

),

scopes as (

    select * from {{ ref('core_scopes') }}

),

source_choices as (

    select * from {{ ref('core_source_choices') }}

),

batch_sums as (

    select
        system,
        stream,
        count(distinct scope) as scope_count,
        sum(case when is_standing then read_row_count else 0 end) as rows_extracted,
        sum(case when is_standing then landed_row_count else 0 end) as rows_landed,
        sum(case when is_standing then quarantined_row_count else 0 end)
            as rows_quarantined,
        max(case when is_standing then newest_record_at end) as newest_record_at,
        max(extracted_at) as last_success_at
    from batches
    group by system, stream

),

-- A scope that fails is a scope of every stream that it gave before, and of the
-- system's streams where it never gave any: a failed read cannot say what it would have
-- given.
failed_scopes as (

    select
        system,
        scope
    from scopes
    where status = 'failed'

),

scope_streams as (

    select distinct
        system,
        stream,
        scope
    from batches

),

known_failures as (

    select
        failed_scopes.system,
        scope_streams.stream,
        count(*) as failed_scope_count
    from failed_scopes
    inner join scope_streams
        on
            scope_streams.system = failed_scopes.system
            and scope_streams.scope = failed_scopes.scope
    group by failed_scopes.system, scope_streams.stream

),

unknown_failures as (

    select
        failed_scopes.system,
        count(*) as failed_scope_count
    from failed_scopes
    left join (select distinct
        system,
        scope
    from scope_streams) as known_scopes
        on
            known_scopes.system = failed_scopes.system
            and known_scopes.scope = failed_scopes.scope
    where known_scopes.scope is null
    group by failed_scopes.system

),

set_aside as (

    select
        system,
        stream,
        sum(record_count) as set_aside_count
    from source_choices
    where not is_chosen
    group by system, stream

),

final as (

    select
        streams.system,
        streams.stream,
        cast(coalesce(batch_sums.rows_extracted, 0) as bigint) as rows_extracted,
        cast(coalesce(batch_sums.rows_landed, 0) as bigint) as rows_landed,
        cast(coalesce(batch_sums.rows_quarantined, 0) as bigint) as rows_quarantined,
        cast(coalesce(set_aside.set_aside_count, 0) as bigint) as set_aside_count,
        cast(coalesce(batch_sums.scope_count, 0) as bigint) as scope_count,
        cast(
            coalesce(known_failures.failed_scope_count, 0)
            + coalesce(unknown_failures.failed_scope_count, 0) as bigint
        ) as failed_scope_count,
        batch_sums.newest_record_at,
        batch_sums.last_success_at
    from streams
    left join batch_sums
        on
            batch_sums.system = streams.system
            and batch_sums.stream = streams.stream
    left join known_failures
        on
            known_failures.system = streams.system
            and known_failures.stream = streams.stream
    left join unknown_failures
        on unknown_failures.system = streams.system
    left join set_aside
        on
            set_aside.system = streams.system
            and set_aside.stream = streams.stream

)

select * from final
