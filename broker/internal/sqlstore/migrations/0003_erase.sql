-- +goose Up
-- Why: erased cases, cases that must not be erased, and the list of privileged acts. Lock: none, new tables. Size: empty.

create table erased_cases (
    case_id    text primary key references cases (id),
    operator   text not null,
    erasure_id text not null,
    reason     text not null,
    erased_at  timestamp not null
);

create table case_holds (
    case_id  text primary key references cases (id),
    operator text not null,
    reason   text not null,
    act_id   text not null
);

-- What the operator did that is no step of a procedure; the body concerned sees it.
create table privileged_acts (
    id        text primary key,
    operator  text not null,
    kind      text not null, -- case.erase | case.hold | case.lift_hold | key.rewrap
    case_id   text not null, -- '' for an act on the keys of a tenant
    tenant    text not null,
    authority text not null, -- lead of the case, '' for an act on the keys of a tenant
    reason    text not null,
    actor     text not null, -- JSON
    at        timestamp not null
);
create index privileged_acts_operator on privileged_acts (operator, at, id);
create index privileged_acts_case on privileged_acts (case_id);
