create table instances (
    name text primary key,
    version text not null,
    started timestamptz not null,
    last_seen timestamptz not null default now()
);

comment on table instances is 'Every backend that serves this database, by its unique NAME.';
