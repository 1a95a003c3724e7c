-- +goose Up
-- Why: an expiry waits until everything that was received by the due instant is in the ledger (DESIGN law 3). Lock: none,
-- a new table. Size: one row per replica, and one per partition that an authority writes to itself.

-- Who carries answers into the ledger, and how far each has come.
create table watermarks (
    source     text primary key, -- replica/<id>, or the partition of a topic
    authority  text not null, -- whose answers it can carry; '' = everybody's
    epoch      bigint not null, -- what it brings is taken only under this epoch
    watermark  timestamp not null, -- whatever it brings from now on was received at this instant or later
    expires_at timestamp -- behind it the source may be left out; null = never
);
