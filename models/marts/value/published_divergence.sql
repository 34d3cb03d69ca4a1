-- One row per measure that a published study reports for its own before and after.
-- Shown beside divergence_quarterly; nothing of ours is computed from it.
with

studies as (

    select * from {{ ref('divergence_studies') }}

),

final as (

    select
        measure,
        published_measure,
        study,
        note,
        source,
        published_change
    from studies

)

select * from final
