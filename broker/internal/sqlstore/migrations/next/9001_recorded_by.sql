-- +goose Up
-- Why: the next version, for tests of two versions on one database; see package next. Lock: short, on events. Size: no rows.
alter table events add column recorded_by text not null default '';
insert into schema_compatibility (tree, version, oldest) values ('tables', 9001, 6);
