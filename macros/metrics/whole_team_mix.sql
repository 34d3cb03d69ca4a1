{#-
    The mix of teams (int_person_team_mixes) of what is one team's alone.

    usage:  {{ whole_team_mix('team_id') }} as team_mix_id
    output: text, as a person in that team only has it
-#}
{% macro whole_team_mix(team_id) -%}
    {{ team_id }} || '=1.000000000000*'
{%- endmacro %}
