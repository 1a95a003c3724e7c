-- +goose Up
-- Why: the wrapped keys of cases, subjects and logs. Lock: none, a new table. Size: one row of about 200 bytes per key.
create table keys (
    id         text primary key, -- case/<case> | subject/<subject> | log/<tenant>/<month>/<class> | index/<operator>
    tenant     text not null,
    wrapped    bytea not null, -- under the tenant key; the tenant key's version is part of it
    created_at timestamp not null
);
create index keys_tenant on keys (tenant, id);
