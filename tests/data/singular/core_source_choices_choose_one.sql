-- Of every fact that several systems may know, exactly one is chosen to give it.
select
    stream,
    owner_id
from {{ ref('core_source_choices') }}
group by stream, owner_id
having count(case when is_chosen then 1 end) <> 1
