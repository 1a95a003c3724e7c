-- +goose Up
-- Why: the tables of the first case. Lock: none, new tables. Size: empty.
-- One text for SQLite and PostgreSQL. Every timestamp is UTC. Every table that a tenant can ask about carries the
-- operator, because multi-tenancy cannot be added afterwards (DESIGN decision 15).

create table tenants (
    id       text primary key,
    operator text not null,
    name     text not null
);

create table authorities (
    id       text primary key,
    operator text not null,
    tenant   text not null references tenants (id),
    kind     text not null,
    name     text not null,
    region   text not null,
    roles    text not null, -- JSON array
    waived   boolean not null,
    mark     text not null
);

create table competences (
    operator  text not null,
    service   text not null, -- '' = every service
    region    text not null, -- prefix or 12 digits
    role      text not null,
    authority text not null references authorities (id),
    begins    timestamp not null,
    ends      timestamp,
    primary key (operator, role, region, service, authority)
);

-- Who may speak to the broker. A token names only the id; everything else stands here.
create table principals (
    id        text primary key,
    kind      text not null, -- machine | person
    operator  text not null,
    tenant    text not null, -- '' for portal and operator
    authority text not null, -- '' for portal and operator
    role      text not null,
    revoked   timestamp
);

-- Published process definitions: immutable, by the SHA-256 of the resolved document.
create table definitions (
    hash       text primary key,
    service    text not null,
    document   bytea not null,
    created_at timestamp not null
);

create table policy_bundles (
    revision   text primary key, -- sha256:…
    document   bytea not null,
    created_at timestamp not null
);

create table cases (
    id             text primary key,
    operator       text not null,
    tenant         text not null,
    service        text not null,
    package        text not null,
    definition     text not null,
    procedure_kind text not null,
    lead           text not null,
    state          text not null,
    attention      text not null,
    submitter      text not null, -- principal whose portal or office filed it
    facts          text not null, -- JSON, not sensitive
    parties        text not null, -- JSON
    case_seq       bigint not null,
    engine_seq     bigint not null,
    receipt_head   text not null,
    announcements  bigint not null,
    received_at    timestamp not null,
    closed_at      timestamp
);
create index cases_submitter on cases (operator, submitter, received_at, id);
create index cases_received on cases (operator, received_at, id);

create table events (
    case_id     text not null references cases (id),
    case_seq    bigint not null,
    engine_seq  bigint not null, -- 0 = not handed over
    id          text not null,
    source      text not null,
    type        text not null,
    operator    text not null,
    tenant      text not null,
    actor       text not null, -- JSON
    at          timestamp not null,
    data        text not null, -- JSON
    digest      text not null, -- SHA-256 of the canonical event, hex
    traceparent text not null,
    primary key (case_id, case_seq),
    unique (source, id)
);
create index events_engine on events (case_id, engine_seq);

create table receipts (
    case_id   text not null references cases (id),
    seq       bigint not null,
    event_id  text not null,
    digest    text not null,
    previous  text not null,
    at        timestamp not null,
    hash      text not null,
    key_id    text not null,
    signature text not null,
    primary key (case_id, seq)
);

-- Public keys of receipts: a key that was replaced still verifies what it signed.
create table receipt_keys (
    id         text primary key,
    public     bytea not null, -- Ed25519
    created_at timestamp not null
);

-- What the relay still has to publish; the record itself is made from the event, so a repeat has the same bytes.
create table outbox (
    case_id      text not null,
    case_seq     bigint not null,
    shard        bigint not null,
    published_at timestamp,
    primary key (case_id, case_seq)
);
create index outbox_open on outbox (shard, case_id, case_seq) where published_at is null;

create table leases (
    name       text primary key,
    holder     text not null,
    epoch      bigint not null,
    expires_at timestamp not null
);

-- How far a consumer of efa.cases has come in each case; repeated sequences are dropped by it.
create table consumer_positions (
    consumer text not null,
    case_id  text not null,
    case_seq bigint not null,
    primary key (consumer, case_id)
);

-- Results of the process's steps under (case, step, pass): a rebuilt workflow repeats no effect.
create table step_results (
    case_id    text not null references cases (id),
    step       text not null,
    pass       bigint not null,
    engine_seq bigint not null,
    result     text not null, -- JSON, content-free
    at         timestamp not null,
    primary key (case_id, step, pass)
);

create table case_links (
    case_id  text not null references cases (id),
    linked   text not null,
    relation text not null, -- opened | opened_by
    primary key (case_id, linked)
);

-- Who takes part in a case, in which role, from when to when.
create table case_participation (
    case_id   text not null references cases (id),
    authority text not null,
    role      text not null,
    begins    timestamp not null,
    ends      timestamp,
    primary key (case_id, authority, role)
);
create index participation_authority on case_participation (authority, case_id);

create table tasks (
    id             text primary key,
    operator       text not null,
    case_id        text not null references cases (id),
    step           text not null,
    pass           bigint not null,
    role           text not null,
    authority      text not null,
    service        text not null,
    opens          text not null,
    state          text not null,
    outcomes       text not null, -- JSON
    allowed_facts  text not null, -- JSON
    outcome        text not null,
    outcome_facts  text not null, -- JSON
    law            text not null,
    legal_basis    text not null,
    silence_effect text not null,
    due            timestamp,
    purpose        text not null,
    basis          text not null,
    assigned_at    timestamp not null,
    completed_at   timestamp,
    unique (case_id, step, pass)
);
create index tasks_authority on tasks (authority, state, due, id);
create index tasks_operator on tasks (operator, state, due, id);

create table submissions (
    submitter   text not null,
    id_mac      bytea not null, -- MAC of the submission id, which is the caller's own text and may name a person
    case_id     text not null,
    body_mac    bytea not null, -- HMAC under the case key: the digest of a form gives it away
    received_at timestamp not null,
    primary key (submitter, id_mac)
);

create table contents (
    id         text primary key,
    operator   text not null,
    tenant     text not null,
    case_id    text not null,
    kind       text not null,
    form       text not null,
    media_type text not null,
    state      text not null, -- pending | committed
    uploader   text not null,
    sealed     bytea not null,
    digest     text not null, -- SHA-256 of the ciphertext, hex
    body_mac   bytea not null, -- HMAC under the object key, to recognise a repeated upload
    created_at timestamp not null
);
create index contents_case on contents (case_id);
create index contents_pending on contents (state, created_at);

create table subjects (
    id         text primary key,
    operator   text not null,
    tenant     text not null,
    sealed     bytea not null, -- attributes under the subject key
    created_at timestamp not null
);

create table case_subjects (
    case_id text not null references cases (id),
    subject text not null references subjects (id),
    role    text not null, -- applicant | representative | third_person
    primary key (case_id, subject, role)
);
create index case_subjects_subject on case_subjects (subject);

create table deliveries (
    id           text primary key,
    operator     text not null,
    authority    text not null,
    inbox_epoch  bigint not null,
    inbox_seq    bigint not null,
    case_id      text not null,
    case_seq     bigint not null,
    sequence     bigint not null, -- per (case, authority), without gaps
    event_id     text not null,
    kind         text not null, -- task | announcement
    role         text not null,
    service      text not null,
    task_id      text not null,
    purpose      text not null,
    basis        text not null,
    item         text not null, -- JSON: outcomes, deadline, opens, contents
    state        text not null,
    reason       text not null,
    announced_at timestamp not null,
    unique (case_id, case_seq, authority),
    unique (case_id, authority, sequence),
    unique (authority, inbox_epoch, inbox_seq)
);

-- inbox_seq per authority, gap-free, raised by delivery's own transaction as its last statements.
create table inbox_counters (
    authority text primary key,
    epoch     bigint not null,
    seq       bigint not null
);

create table decisions (
    id              text primary key,
    operator        text not null,
    disclosure_id   text not null,
    case_id         text not null references cases (id),
    content_id      text not null,
    stage           text not null,
    outcome         text not null, -- '' for an abstract decision, whose answer is in the sealed record
    decided_at      timestamp not null,
    sender          text not null,
    recipient       text not null,
    role            text not null,
    actor           text not null, -- JSON
    service         text not null,
    step            text not null,
    purpose         text not null,
    basis           text not null,
    legal_basis     text not null,
    released        text not null, -- JSON
    reasons         text not null, -- JSON
    policy_revision text not null,
    engine          text not null,
    sealed_record   bytea not null, -- the whole record, under the tenant's log key of the month
    log_key         text not null,
    digest          text not null, -- SHA-256 of sealed_record, hex
    retain_until    timestamp not null
);
create index decisions_case on decisions (case_id, decided_at, id);
create index decisions_operator on decisions (operator, decided_at, id);

create table disclosures (
    id              text primary key,
    operator        text not null,
    case_id         text not null references cases (id),
    content_id      text not null,
    recipient       text not null,
    purpose         text not null,
    first_decision  text not null,
    first_at        timestamp not null,
    fetches         bigint not null,
    unique (content_id, recipient, purpose)
);

-- What was refused before it reached the ledger: no content, no identifier of a person.
create table audit_lines (
    id        text primary key,
    operator  text not null,
    at        timestamp not null,
    principal text not null, -- '' when nobody was recognised
    operation text not null,
    kind      text not null, -- error kind
    error_id  text not null
);
