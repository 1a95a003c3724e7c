-- +goose Up
-- Why: what was lost outside of the ledger is found and rebuilt from it; what a consumer cannot handle stops one case.
-- Lock: none on existing rows; the index over open cases reads cases once. Size: new tables are empty.

-- What came over efa.cases and was put aside. No foreign byte is kept: digest, size, place and closed codes only.
create table dead_letters (
    id           text primary key,
    operator     text not null,
    state        text not null, -- parked | dead | refused | resent
    reason       text not null, -- closed code
    consumer     text not null, -- who could not handle it; '' = every consumer
    case_id      text not null, -- '' = none of the ledger's
    case_seq     bigint not null, -- 0 = none of the ledger's
    event_id     text not null, -- '' = none of the ledger's
    type         text not null, -- '' = none of ours
    topic        text not null,
    log_part     bigint not null, -- -1 = not known
    log_offset   bigint not null, -- -1 = not known
    size         bigint not null,
    digest       text not null, -- SHA-256 of the record's value, hex
    spec_version text not null,
    media_type   text not null,
    times        bigint not null,
    first_at     timestamp not null,
    last_at      timestamp not null,
    resent_at    timestamp,
    resent_by    text not null,
    resent_why   text not null
);
create index dead_letters_listed on dead_letters (operator, first_at, id);
-- The cases that a consumer leaves alone.
create index dead_letters_open on dead_letters (consumer, case_id) where state in ('parked', 'dead');

-- Runs of reconcile and of outbox replay: who, why, how far, with which result.
create table reconciliations (
    id         text primary key,
    operator   text not null,
    kind       text not null, -- compare | repair | replay
    state      text not null, -- running | done | failed
    actor      text not null, -- JSON
    reason     text not null,
    revision   bigint not null, -- rises with every change of the row
    report     text not null, -- JSON
    started_at timestamp not null,
    seen_at    timestamp not null, -- a run whose process is gone is seen no more
    ended_at   timestamp
);
create index reconciliations_listed on reconciliations (operator, started_at, id);

-- The starter's sweep and reconcile look at open cases only.
create index cases_open on cases (id) where closed_at is null;
