-- One row per committed batch of the lake. Standing: no newer batch of its scope and
-- stretch of time has taken its place.
with

batches as (

    select * from {{ ref('stg_valuemaxx__batches') }}

),

streams as (

    select * from {{ ref('stg_valuemaxx__streams') }}

),

final as (

    select
        batches.system,
        batches.stream,
        batches.batch_id,
        batches.scope,
        batches.stretch,
        batches.read_row_count,
        batches.landed_row_count,
        batches.quarantined_row_count,
        streams.fold = 'keyed'
        or row_number() over (
            partition by
                batches.system, batches.stream, batches.scope, batches.stretch
            order by batches.batch_id desc
        ) = 1 as is_standing,
        batches.newest_record_at,
        batches.extracted_at
    from batches
    left join streams
        on
            streams.system = batches.system
            and streams.stream = batches.stream

)

select * from final
