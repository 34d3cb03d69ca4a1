-- One row per person and moment a seat was given. It ended on the first day that was
-- looked at and did not list it any more, unless GitHub had said a day before that.
with

records as (

    select * from {{ latest(source('copilot', 'seats')) }}

),

snapshots as (

    select
        _scope,
        snapshot_date,
        lead(snapshot_date) over (
            partition by _scope
            order by snapshot_date
        ) as next_snapshot_date,
        max(snapshot_date) over (partition by _scope) as newest_snapshot_date
    from records
    group by _scope, snapshot_date

),

seats as (

    select
        records.*,
        snapshots.next_snapshot_date,
        coalesce(snapshots.next_snapshot_date, snapshots.newest_snapshot_date)
            as known_until,
        row_number() over (
            partition by
                records._scope,
                records.person_id,
                records.unnamed_seat_id,
                records.assigned_at
            order by records.snapshot_date desc
        ) as recency
    from records
    inner join snapshots
        on
            records._scope = snapshots._scope
            and records.snapshot_date = snapshots.snapshot_date
    -- A day on which nobody had a seat has a line without one.
    where records.assigned_at is not null

),

final as (

    select
        'github' as vendor,
        'copilot_' || plan as plan,
        person_id,
        -- A team of GitHub's is no team of the company's; who holds it, is in one.
        cast(null as text) as team_id,
        case when monthly_price is not null then 'USD' end as currency,
        monthly_price as monthly_price_amount,
        cast(assigned_at as date) as assigned_on,
        case
            when pending_cancellation_date <= known_until then pending_cancellation_date
            else next_snapshot_date
        end as unassigned_on
    from seats
    where recency = 1

)

select * from final
