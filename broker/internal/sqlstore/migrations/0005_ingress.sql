-- +goose Up
-- Why: authorities that speak Kafka write their answers to a topic of their own; how far it was read is written together
-- with what follows (DESIGN laws 2, 3 and 5). Lock: none, new tables. Size: one row per answer, one per partition.

-- What was taken from authorities, so that a repeat changes nothing and another body under the same id is noticed.
create table ingress_events (
    source    text not null,
    id        text not null,
    digest    text not null, -- what the seal signs: attributes, data and extensions
    authority text not null,
    case_id   text not null,
    at        timestamp not null, -- receipt
    topic     text not null,
    log_part  bigint not null,
    log_offset bigint not null,
    primary key (source, id)
);

-- How far each partition was read.
create table ingress_positions (
    topic      text not null,
    log_part   bigint not null,
    log_offset bigint not null, -- the last record that was dealt with
    digest     text not null, -- of that record's value: another one there is another log
    primary key (topic, log_part)
);
