-- +goose Up
-- Why: what viewers read of the tables that record repairs and privileged acts. Lock: short, on each table. Size: no rows.
-- The body concerned sees a privileged act: the lead of the case, and every authority of a tenant whose keys it was about.

create policy view on privileged_acts for select to efa_view
    using (operator = efa_setting('operator') and (efa_setting('role') = 'operator' or authority = efa_setting('authority')
        or case_id = '' and tenant = efa_setting('tenant')));
create policy view on erased_cases for select to efa_view
    using (efa_sees_case(case_id));
create policy view on dead_letters for select to efa_view
    using (operator = efa_setting('operator') and efa_setting('role') = 'operator');
create policy view on reconciliations for select to efa_view
    using (operator = efa_setting('operator') and efa_setting('role') = 'operator');
