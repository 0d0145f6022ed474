-- The journal: every entry, and its postings line by line. Units are whole numbers of 10^-scale, debit positive.
-- "book" is the stream of the entry behind `book-`: a user's id, `house-<yyyy-mm>` or `portfolio-<connection>`.
create table entries (
    tenant text collate "C" not null,
    log_position bigint not null,
    append_end bigint not null,
    recorded_at timestamptz not null,
    id text collate "C" not null,
    book text collate "C" not null,
    kind text collate "C" not null,
    reference text collate "C" not null,
    occurred_at timestamptz not null,
    effective_at timestamptz not null,
    actor text collate "C" not null,
    note text not null,
    metadata jsonb not null,
    reverses text collate "C"
);

create table postings (
    tenant text collate "C" not null,
    log_position bigint not null,
    line smallint not null,
    account text collate "C" not null,
    asset text collate "C" not null,
    scale smallint not null,
    units numeric not null check (units <> 0),
    effective_at timestamptz not null
);

-- The log refuses an entry that does not balance; the journal does so once more, per asset in each realm.
create function refuse_unbalanced() returns trigger language plpgsql as $$
declare
    wrong bigint;
begin
    select min(bad.log_position) into wrong from (
        select n.log_position from new_postings as n
        group by n.log_position, n.asset, case left(n.account, 5) when 'portf' then 2 when 'memo:' then 1 else 0 end
        having sum(n.units) <> 0 or count(*) < 2
    ) as bad;
    if wrong is not null then
        raise exception 'the entry at log position % does not balance', wrong using errcode = 'check_violation';
    end if;
    return null;
end $$;
create trigger balanced after insert on postings
referencing new table as new_postings for each statement execute function refuse_unbalanced();

-- Indexes
alter table entries add primary key (tenant, log_position);
create unique index entries_id on entries (tenant, id);
create index entries_recorded_at on entries (tenant, recorded_at, log_position);
create index entries_effective_at on entries (tenant, effective_at);
create index entries_book on entries (tenant, book, log_position);
create index entries_kind on entries (tenant, kind, log_position);
create index entries_reference on entries (tenant, reference, log_position);
create index entries_reverses on entries (tenant, reverses) where reverses is not null;
alter table postings add primary key (tenant, log_position, line);
create index postings_account on postings (tenant, account, log_position, line);
