-- +goose Up
-- Why: rotating tenant keys and destroying keys for good. Lock: none, new tables. Size: one row per tenant, one per
-- destroyed key.
-- No key of the tenant may be written under a version of the tenant key that is older than this.
create table tenant_versions (
    tenant  text primary key,
    version bigint not null
);
-- A key of this id is never made again: it could be mistaken for the one that was destroyed.
create table destroyed_keys (
    id           text primary key,
    destroyed_at timestamp not null
);
