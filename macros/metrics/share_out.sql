{#-
    Whole units shared out by weights: rounded down, then a unit each to the largest
    remainders, ties by a key. The parts add up to the units exactly. Weights are whole
    and not negative; all of them 0 counts as all of them 1. Negative units are shared
    by their absolute value.

    usage:  select team_id, cents from {{ share_out(
                'weighted', keep=['pool_id', 'team_id'], partition_by=['pool_id'],
                units='pool_cents', weight='weight', order_by='team_id', alias='cents'
            ) }}
    output: a relation of the columns to keep and the part, numeric(38, 0)

    Units times weight stays below 10^38.
-#}
{% macro share_out(
    relation, keep, partition_by, units, weight, order_by, alias
) -%}
    {%- set kept = keep | join(', ') -%}
    {%- set partition = partition_by | join(', ') -%}
    (
        select
            {{ kept }},
            cast(
                case when _units < 0 then -1 else 1 end
                * (_floor + case when _place <= _left_over then 1 else 0 end)
                as numeric(38, 0)
            ) as {{ alias }}
        from (
            select
                {{ kept }},
                _units,
                _floor,
                abs(_units) - sum(_floor) over (partition by {{ partition }})
                    as _left_over,
                row_number() over (
                    partition by {{ partition }}
                    order by _remainder desc, {{ order_by }}
                ) as _place
            from (
                select
                    {{ kept }},
                    _units,
                    {{ whole_quotient('abs(_units) * _weight', '_total') }} as _floor,
                    {{ whole_remainder('abs(_units) * _weight', '_total') }}
                        as _remainder
                from (
                    select
                        {{ kept }},
                        _units,
                        case when _weights = 0 then 1 else _weight end as _weight,
                        case when _weights = 0 then _rows else _weights end as _total
                    from (
                        select
                            {{ kept }},
                            {{ whole_type(units) }} as _units,
                            {{ whole_type(weight) }} as _weight,
                            {{ whole_type('sum(' ~ weight ~ ') over ('
                                ~ 'partition by ' ~ partition ~ ')') }} as _weights,
                            {{ whole_type('count(*) over ('
                                ~ 'partition by ' ~ partition ~ ')') }} as _rows
                        from {{ relation }}
                    ) as _measured
                ) as _weighed
            ) as _divided
        ) as _ranked
    ) as _shared_out
{%- endmacro %}
