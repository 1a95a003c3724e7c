-- +goose Up
-- Why: a program knows only the migrations that it was built with, and must know whether it may run on a database that a
-- newer program has migrated. Lock: none, a new table. Size: one row per migration from here on.

-- What a migration demands of a program that does not know it. Each one inserts its own row, in its own transaction.
create table schema_compatibility (
    tree    text not null, -- tables (migrations/*.sql) | policies (migrations/postgres/*.sql)
    version bigint not null, -- number of the migration
    oldest  bigint not null, -- a program whose newest migration of the tree is this one, or a later one, may still run
    primary key (tree, version)
);
insert into schema_compatibility (tree, version, oldest) values ('tables', 6, 6);
