-- One row per committed batch of the lake.
with

records as (

    select * from {{ latest(source('valuemaxx', 'batches')) }}

),

final as (

    select
        system,
        stream,
        batch_id,
        scope,
        coalesce(stretch, 'whole') as stretch,
        rows_read as read_row_count,
        rows_landed as landed_row_count,
        rows_quarantined as quarantined_row_count,
        newest_record_at,
        extracted_at
    from records

)

select * from final
