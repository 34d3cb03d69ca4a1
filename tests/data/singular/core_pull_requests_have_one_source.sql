-- The pull requests of a repository come from one system: nothing is counted twice
-- because two systems saw it.
select repository
from {{ ref('core_pull_requests') }}
group by repository
having count(distinct system) > 1
