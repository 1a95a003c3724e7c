-- +goose Up
-- Why: as in the ledger, what a migration demands of a program that does not know it. Lock: none, a new table. Size: one row
-- per migration from here on.
create table schema_compatibility (
    tree    text not null, -- tables
    version bigint not null,
    oldest  bigint not null,
    primary key (tree, version)
);
insert into schema_compatibility (tree, version, oldest) values ('tables', 3, 3);
