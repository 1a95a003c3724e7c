-- +goose Up
-- Why: whoever sees a case also sees whether the process engine has taken it over. Lock: short, on one table. Size: no rows.
-- The grant is for databases in which the table is protected already.

create policy view on consumer_positions for select to efa_view
    using (efa_sees_case(case_id));
grant select on consumer_positions to efa_view;
