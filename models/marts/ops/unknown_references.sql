-- One row per column that names something nobody knows: how often, how many different
-- names, and the first of them. None of these columns can hold a person.
with

unknown_references as (

    select * from {{ ref('core_unknown_references') }}

),

ordered as (

    select
        stream,
        column_name,
        referenced_entity,
        unknown_value,
        reference_count,
        row_number() over (
            partition by stream, column_name
            order by {{ byte_order('unknown_value') }}
        ) as value_order
    from unknown_references

),

final as (

    select
        stream,
        column_name,
        referenced_entity,
        max(case when value_order = 1 then unknown_value end) as example_value,
        cast(sum(reference_count) as bigint) as reference_count,
        cast(count(*) as bigint) as distinct_value_count
    from ordered
    group by stream, column_name, referenced_entity

)

select * from final
