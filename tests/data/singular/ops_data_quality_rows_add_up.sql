-- Rows in = rows landed + rows quarantined, for every stream.
select
    system,
    stream,
    rows_extracted,
    rows_landed,
    rows_quarantined
from {{ ref('data_quality') }}
where rows_extracted <> rows_landed + rows_quarantined
