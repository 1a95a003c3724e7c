-- +goose Up
-- Why: a database that was protected before 0003_operator.sql had got the policies of these tables and no right to read them.
-- Lock: short, on each table. Size: no rows. A second grant changes nothing.

grant select on dead_letters, reconciliations, privileged_acts, erased_cases to efa_view;
insert into schema_compatibility (tree, version, oldest) values ('policies', 6, 4);
