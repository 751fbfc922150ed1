-- F1: what a posting cannot do without, in five steps of one transaction.
\set member random(1, :members)
\set key random(1, 9000000000000000000)
BEGIN;
INSERT INTO f1_keys (key) VALUES (:key);
SELECT entries + 1 AS next FROM f1_accounts WHERE member_id = :member FOR UPDATE \gset
INSERT INTO f1_entries (member_id, seq, key, amount, booked_at) VALUES (:member, :next, :key, 1000, 0);
INSERT INTO f1_lots (member_id, no, amount, free, expires_at) VALUES (:member, :next, 1000, 1000, 0);
UPDATE f1_accounts SET available = available + 1000, entries = :next WHERE member_id = :member;
COMMIT;
