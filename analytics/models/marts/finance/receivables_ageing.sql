{#- What users owe, item by item. Whatever came in paid the oldest items first. -#}

with

general_ledger as (
    select * from {{ ref("general_ledger") }}
),

cut as (
    select * from {{ ref("int_cut") }}
),

postings as (
    select *
    from general_ledger
    where class = 'assets' and account like 'assets:receivable:users:%'
),

paid as (
    select
        tenant,
        account,
        asset,
        -coalesce(sum(amount) filter (where amount < 0), 0) as amount
    from postings
    group by tenant, account, asset
),

items as (
    select
        tenant,
        account,
        asset,
        log_position,
        line,
        kind,
        reference,
        effective_date,
        amount,
        sum(amount) over (
            partition by tenant, account, asset
            order by effective_at, log_position, line
        ) as amount_so_far
    from postings
    where amount > 0
),

final as (
    select
        items.tenant,
        split_part(items.account, ':', 4) as user_id,
        items.asset,
        items.log_position,
        items.kind,
        items.reference,
        items.effective_date as since,
        cast(items.amount as numeric(38, 18)) as amount,
        cast(least(items.amount, items.amount_so_far - paid.amount) as numeric(38, 18)) as open_amount,
        cut.known_on - items.effective_date as age_days,
        {{ age_band("cut.known_on - items.effective_date") }} as age_band
    from items
    inner join paid
        on
            items.tenant = paid.tenant
            and items.account = paid.account
            and items.asset = paid.asset
    cross join cut
    where items.amount_so_far > paid.amount
)

select * from final
