{{ config(
    materialized="incremental",
    incremental_strategy="delete+insert",
    unique_key=["tenant", "account", "asset", "day"],
    on_schema_change="fail",
    indexes=[{"columns": ["tenant", "account", "asset", "day"], "unique": true}],
) }}

{#- A back-dated entry changes its own day and every later one of its account: those days are made again, no others. -#}

with

general_ledger as (
    select * from {{ ref("general_ledger") }}
),

touched as (
    select
        tenant,
        account,
        asset,
        min(effective_date) as first_day
    from general_ledger
    where {{ is_new() }}
    group by tenant, account, asset
),

moved as (
    select
        general_ledger.tenant,
        general_ledger.account,
        general_ledger.asset,
        general_ledger.effective_date as day,
        max(general_ledger.class) as class,
        max(general_ledger.realm) as realm,
        sum(general_ledger.amount) filter (where general_ledger.amount > 0) as debits,
        -sum(general_ledger.amount) filter (where general_ledger.amount < 0) as credits,
        count(*) as postings,
        max(general_ledger.log_position) as log_position
    from general_ledger
    inner join touched
        on
            general_ledger.tenant = touched.tenant
            and general_ledger.account = touched.account
            and general_ledger.asset = touched.asset
            and general_ledger.effective_date >= touched.first_day
    group by general_ledger.tenant, general_ledger.account, general_ledger.asset, general_ledger.effective_date
),

{% if is_incremental() %}
    brought_forward as (
        select
            touched.tenant,
            touched.account,
            touched.asset,
            coalesce(before.closing, 0) as opening
        from touched
        left join lateral (
            select built.closing
            from {{ this }} as built
            where
                built.tenant = touched.tenant
                and built.account = touched.account
                and built.asset = touched.asset
                and built.day < touched.first_day
            order by built.day desc
            limit 1
        ) as before on true
    ),
{% else %}
    brought_forward as (
        select
            tenant,
            account,
            asset,
            0::numeric as opening
        from touched
    ),
{% endif %}

running as (
    select
        moved.*,
        coalesce(moved.debits, 0) - coalesce(moved.credits, 0) as movement,
        brought_forward.opening + sum(coalesce(moved.debits, 0) - coalesce(moved.credits, 0)) over (
            partition by moved.tenant, moved.account, moved.asset
            order by moved.day
        ) as closing
    from moved
    inner join brought_forward
        on
            moved.tenant = brought_forward.tenant
            and moved.account = brought_forward.account
            and moved.asset = brought_forward.asset
),

final as (
    select
        tenant,
        account,
        asset,
        day,
        class,
        realm,
        cast(closing - movement as numeric(38, 18)) as opening,
        cast(coalesce(debits, 0) as numeric(38, 18)) as debits,
        cast(coalesce(credits, 0) as numeric(38, 18)) as credits,
        cast(closing as numeric(38, 18)) as closing,
        postings,
        log_position
    from running
)

select * from final
