-- +goose Up
-- Why: a wall behind the access policy (DESIGN decision 15). Connections work in the role efa_ledger, reads for a Viewer
-- in the role efa_view, which sees the rows of that Viewer alone and nothing without its settings. Neither bypasses
-- row-level security, and tables force it on their owner too. Lock: short, on each table. Size: no rows.
--
-- Roles belong to the cluster: where the log-in may not create them, the administrator does so before, with membership
-- for every log-in of the broker:  create role efa_ledger; create role efa_view; grant efa_ledger, efa_view to <log-in>;

-- +goose StatementBegin
do $$
declare
    wanted text;
begin
    foreach wanted in array array['efa_ledger', 'efa_view'] loop
        begin
            if not exists (select 1 from pg_roles where rolname = wanted) then
                execute format('create role %I nologin', wanted);
            end if;
        exception when duplicate_object or unique_violation then
            null; -- another database of the cluster is migrated at the same time
        end;
        begin
            if not pg_has_role(current_user, wanted, 'member') then
                execute format('grant %I to current_user', wanted);
            end if;
        exception when unique_violation then
            null;
        end;
    end loop;
end $$;
-- +goose StatementEnd

-- A setting of the Viewer; null when it is not set, so that comparisons with it are never true.
create function efa_setting(name text) returns text
    language sql stable parallel safe
    as $$ select nullif(current_setting('efa.' || name, true), '') $$;

-- Whether the Viewer may see a case: what broker/internal/standing says, and a test compares both.
-- +goose StatementBegin
create function efa_case_visible(case_id text, operator text, lead text, submitter text) returns boolean
    language plpgsql stable security definer set search_path from current
    as $$
begin
    if operator is distinct from efa_setting('operator') then
        return false;
    end if;
    case efa_setting('role')
    when 'operator' then
        return true;
    when 'portal' then
        return submitter = efa_setting('viewer') or exists (
            with recursive origin (id) as (
                select l.linked from case_links l where l.case_id = efa_case_visible.case_id and l.relation = 'opened_by'
                union
                select l.linked from case_links l join origin o on l.case_id = o.id where l.relation = 'opened_by')
            select 1 from origin o join cases c on c.id = o.id
                where c.submitter = efa_setting('viewer') and c.operator = efa_setting('operator'));
    when 'authority_system', 'case_worker' then
        return lead = efa_setting('authority') or exists (
            select 1 from case_participation p
                where p.case_id = efa_case_visible.case_id and p.authority = efa_setting('authority') and p.ends is null);
    else
        return false;
    end case;
end $$;
-- +goose StatementEnd

create function efa_sees_case(id text) returns boolean
    language sql stable security definer set search_path from current
    as $$ select exists (select 1 from cases c where c.id = $1 and efa_case_visible(c.id, c.operator, c.lead, c.submitter)) $$;

create policy view on cases for select to efa_view
    using (efa_case_visible(id, operator, lead, submitter));
create policy view on events for select to efa_view
    using (operator = efa_setting('operator') and efa_sees_case(case_id));
create policy view on receipts for select to efa_view
    using (efa_sees_case(case_id));
create policy view on case_links for select to efa_view
    using (efa_sees_case(case_id));
create policy view on case_participation for select to efa_view
    using (efa_sees_case(case_id));
create policy view on tasks for select to efa_view
    using (operator = efa_setting('operator') and (authority = efa_setting('authority') or efa_sees_case(case_id)));
create policy view on deliveries for select to efa_view
    using (operator = efa_setting('operator') and (authority = efa_setting('authority') or efa_sees_case(case_id)));
create policy view on inbox_counters for select to efa_view
    using (authority = efa_setting('authority'));
create policy view on decisions for select to efa_view
    using (operator = efa_setting('operator') and (recipient = efa_setting('authority') or efa_sees_case(case_id)));
create policy view on disclosures for select to efa_view
    using (operator = efa_setting('operator') and (recipient = efa_setting('authority') or efa_sees_case(case_id)));
create policy view on tenants for select to efa_view
    using (operator = efa_setting('operator'));
create policy view on authorities for select to efa_view
    using (operator = efa_setting('operator'));
create policy view on competences for select to efa_view
    using (operator = efa_setting('operator'));

-- Protects every table, those of later migrations too; it is called after each run of migrations. The owner needs a
-- policy of its own, because tables force row-level security: migrations change data, and the functions above read as it.
-- A table with a policy for efa_view may be read by it, every other one is closed to it; so a migration that makes a table
-- which Viewers read declares its policy "view" in the next file of this directory.
-- +goose StatementBegin
create function efa_protect() returns void
    language plpgsql set search_path from current
    as $$
declare
    t record;
begin
    perform pg_advisory_xact_lock(hashtext('efa_protect')); -- several processes may start at the same time
    execute format('grant usage on schema %I to efa_ledger, efa_view', current_schema());
    for t in
        select c.oid, c.relname, c.relname like 'goose\_db\_version%' as bookkeeping,
                exists (select 1 from pg_policy p where p.polrelid = c.oid and p.polname = 'view') as visible
            from pg_class c
            where c.relkind in ('r', 'p') and c.relnamespace = current_schema()::regnamespace and not (c.relrowsecurity and c.relforcerowsecurity)
    loop
        if t.bookkeeping then
            execute format('grant select on %I to efa_ledger', t.relname);
            continue;
        end if;
        execute format('alter table %I enable row level security', t.relname);
        execute format('alter table %I force row level security', t.relname);
        execute format('grant select, insert, update, delete on %I to efa_ledger', t.relname);
        execute format('create policy ledger on %I to efa_ledger using (true) with check (true)', t.relname);
        execute format('create policy owner on %I to current_user using (true) with check (true)', t.relname);
        if t.visible then
            execute format('grant select on %I to efa_view', t.relname);
        end if;
    end loop;
end $$;
-- +goose StatementEnd
