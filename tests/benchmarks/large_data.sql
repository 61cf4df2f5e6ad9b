-- Rows as an engine leaves them behind after most of a year, of :instances instances, every eleventh still open, in ten processes of
-- three versions each, two of them of other tenants; a thousand users in twenty groups. Ids are version 7, in the order of time.

CREATE FUNCTION pg_temp.id7(at timestamptz, what text) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(what), 1, 3)
            || '8' || substr(md5(what), 4, 15))::uuid
$$;

CREATE TEMPORARY TABLE version AS
    SELECT id, key, name, tenant, version, dense_rank() OVER (ORDER BY key) - 1 AS place FROM towpath_definition WHERE key LIKE 'process-%';

-- The processes are not alike: the first has 28 of 100 instances, the last one.
CREATE TEMPORARY TABLE share AS
    SELECT n AS percent, CASE WHEN n < 28 THEN 0 WHEN n < 48 THEN 1 WHEN n < 63 THEN 2 WHEN n < 75 THEN 3 WHEN n < 84 THEN 4
        WHEN n < 90 THEN 5 WHEN n < 94 THEN 6 WHEN n < 97 THEN 7 WHEN n < 99 THEN 8 ELSE 9 END AS place
    FROM generate_series(0, 99) n;

CREATE TEMPORARY TABLE run AS
    SELECT n, n % 11 = 0 AS open, at AS started, at + (10 + n % 5000) * interval '1 second' AS finished,
        pg_temp.id7(at, 'instance' || n) AS id, pg_temp.id7(at, 'task' || n) AS task, pg_temp.id7(at, 'activity' || n) AS activity,
        version.id AS definition, version.key, version.tenant, version.name,
        'user' || lpad((n * 31 % 1000)::text, 3, '0') AS starter,
        'user' || lpad((n * 17 % 1000)::text, 3, '0') AS worker,
        'group' || lpad((n * 13 % 20)::text, 2, '0') AS team
    FROM (SELECT n, now() - (:instances - n) * interval '20 seconds' AS at FROM generate_series(1, :instances) n) one
    JOIN share ON percent = (n::bigint * 7919) % 100
    JOIN version ON version.place = share.place AND version.version = 1 + (3 * n::bigint) / (:instances + 1);
CREATE INDEX ON run (n);
ANALYZE run;

INSERT INTO towpath_instance (id, definition_id, business_key, name, tenant, parent, parent_token, root, starter, started, ended, start_node,
        end_node, state, reason, held, revision, next_number, attempts, suspended, awaited, tags, added_tags)
    SELECT id, definition, CASE WHEN n % 10 > 0 THEN 'ORD-' || n END, CASE WHEN n % 20 = 0 THEN 'Order ' || n END, tenant,
        CASE WHEN n % 25 = 1 AND n > 1 THEN lag(id) OVER (ORDER BY n) END, CASE WHEN n % 25 = 1 AND n > 1 THEN 1 END,
        CASE WHEN n % 25 = 1 AND n > 1 THEN lag(id) OVER (ORDER BY n) END,
        starter, started, CASE WHEN NOT open THEN finished END, 'begin', CASE WHEN NOT open THEN 'end' END,
        CASE WHEN open THEN 'active' WHEN n % 50 = 7 THEN 'cancelled' ELSE 'completed' END,
        CASE WHEN NOT open AND n % 50 = 7 THEN 'no longer wanted' END, false, CASE WHEN open THEN 1 ELSE 2 END, 2, 0, open AND n % 77 = 0, false, '', ''
    FROM run;

-- An open instance waits for a person (n % 10 < 8), for a message (8) or for its timer or job (9).
INSERT INTO towpath_activity (id, instance_id, number, node, name, type, token, started, ended, began_in, ended_in, assignee, task)
    SELECT CASE step WHEN 2 THEN activity ELSE pg_temp.id7(started, 'step' || step || n) END, id, step, node, label, type, 1,
        CASE WHEN step < 3 THEN started ELSE finished END,
        CASE WHEN step < 2 THEN started WHEN NOT open THEN finished END, CASE WHEN step < 3 THEN 1 ELSE 2 END,
        CASE WHEN step < 2 THEN 1 WHEN NOT open THEN 2 END, CASE WHEN step = 2 AND (NOT open OR n % 5 < 3) THEN worker END,
        CASE WHEN step = 2 AND (NOT open OR n % 10 < 8) THEN task END
    FROM run, (VALUES (0, 'begin', NULL, 'startEvent'), (1, 'to-work', NULL, 'sequenceFlow'), (2, 'work', 'Do the work', 'userTask'),
        (3, 'to-end', NULL, 'sequenceFlow'), (4, 'end', 'Done', 'endEvent')) AS steps (step, node, label, type)
    WHERE NOT open OR step < 3 ORDER BY n, step;

INSERT INTO towpath_token (id, instance_id, number, parent, node, scope, wait, activity, counters)
    SELECT pg_temp.id7(started, 'token' || number || n), id, number, CASE number WHEN 1 THEN 0 END, CASE number WHEN 1 THEN 'work' END, number = 0,
        CASE WHEN number = 0 THEN NULL WHEN n % 10 < 8 THEN 'user' WHEN n % 10 = 8 THEN 'message' ELSE 'job' END,
        CASE number WHEN 1 THEN activity END, CASE number WHEN 0 THEN '{"open": 1}'::jsonb ELSE '{}' END
    FROM run, (VALUES (0), (1)) AS numbers (number) WHERE open ORDER BY n;

INSERT INTO towpath_usertask (id, instance_id, definition_id, token, activity, node, name, description, assignee, owner, delegation, state, reason,
        priority, category, form_key, tenant, due, created, claimed, ended, completed_by, suspended)
    SELECT task, id, definition, 1, activity, 'work', 'Work on ' || name || ' ' || n % 1000, CASE WHEN n % 7 = 0 THEN 'As agreed with customer ' || n % 10000 END,
        CASE WHEN NOT open OR n % 5 < 3 THEN worker END, CASE WHEN n % 30 = 0 THEN starter END, CASE WHEN n % 300 = 0 THEN 'pending' END,
        CASE WHEN open THEN 'open' WHEN n % 50 = 7 THEN 'deleted' ELSE 'completed' END, CASE WHEN NOT open AND n % 50 = 7 THEN 'no longer wanted' END,
        CASE WHEN n % 9 = 0 THEN 90 ELSE 50 END, CASE WHEN n % 40 = 0 THEN 'laundry' END, NULL, tenant,
        CASE WHEN n % 3 = 0 THEN started + interval '3 days' END, started, CASE WHEN NOT open OR n % 5 < 3 THEN started + interval '5 seconds' END,
        CASE WHEN NOT open THEN finished END, CASE WHEN NOT open AND n % 50 <> 7 THEN worker END, open AND n % 77 = 0
    FROM run WHERE NOT open OR n % 10 < 8 ORDER BY n;

INSERT INTO towpath_identitylink (id, task_id, instance_id, type, "user", "group")
    SELECT pg_temp.id7(started, 'team' || n), task, NULL::uuid, 'candidate', NULL, team FROM run WHERE NOT open OR n % 10 < 8
    UNION ALL SELECT pg_temp.id7(started, 'one' || n), task, NULL, 'candidate', starter, NULL FROM run WHERE (NOT open OR n % 10 < 8) AND n % 4 = 0
    UNION ALL SELECT pg_temp.id7(started, 'part' || n), NULL, id, 'participant', worker, NULL FROM run WHERE n % 6 = 0
    UNION ALL SELECT pg_temp.id7(started, 'teams' || n), NULL, id, 'participant', NULL, team FROM run WHERE n % 100 = 0;

INSERT INTO towpath_variable (id, instance_id, token, task, name, type, text, number, time, json, live, created, updated)
    SELECT pg_temp.id7(started, v.name || n), id, 0, NULL, v.name, v.type, v.text, v.number, v.time, v.json, open, started, started
    FROM run, LATERAL (VALUES
        ('amount', 'integer', (n % 5000)::text, n % 5000, NULL::timestamptz, NULL::jsonb),
        ('customer', 'string', 'Customer ' || n % 10000, NULL, NULL, NULL),
        ('express', 'boolean', CASE WHEN n % 8 = 0 THEN 'true' ELSE 'false' END, CASE WHEN n % 8 = 0 THEN 1 ELSE 0 END, NULL, NULL),
        ('total', 'double', ((n % 100000) / 4.0)::text, (n % 100000) / 4.0, NULL, NULL),
        ('ordered', 'date', to_char(started, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), NULL, started, NULL),
        ('cart', 'json', NULL, NULL, NULL, jsonb_build_object('size', n % 7, 'city', 'Town ' || n % 300))
    ) AS v (name, type, text, number, time, json) WHERE v.name <> 'cart' OR n % 5 = 0 ORDER BY n;
INSERT INTO towpath_variable (id, instance_id, token, task, name, type, text, live, created, updated)
    SELECT pg_temp.id7(started, 'said' || n), id, 1, task, 'said', 'string', 'Answer ' || n % 100, open, started, started
    FROM run WHERE n % 12 = 0 AND (NOT open OR n % 10 < 8);

INSERT INTO towpath_ledger (id, instance_id, definition, number, attempt, trigger, subject, node, who, at, took, outcome, journal, work)
    SELECT pg_temp.id7(CASE number WHEN 1 THEN started ELSE finished END, 'ledger' || number || n), id, definition, number, 1, trigger,
        CASE number WHEN 1 THEN name ELSE 'Do the work' END, CASE number WHEN 2 THEN 'work' END, CASE number WHEN 1 THEN starter ELSE worker END,
        CASE number WHEN 1 THEN started ELSE finished END, 0.003, 'committed', journal::jsonb, pg_temp.id7(started, 'unit' || number || n)
    FROM run, (VALUES
        (1, 'start', '[["entered", "begin", null, "startEvent", null], ["left", "begin", null, "startEvent", null], ["entered", "work", "Do the work", "userTask", null]]'),
        (2, 'task', '[["left", "work", "Do the work", "userTask", null], ["entered", "end", "Done", "endEvent", null]]')
    ) AS units (number, trigger, journal) WHERE NOT open OR number = 1 ORDER BY n;

-- Jobs: timers, failed ones until their retry, ready, dead, suspended, for external workers.
INSERT INTO towpath_job (id, kind, state, resumes_as, instance_id, definition_id, token, node, name, due, priority, exclusive, retries, attempts, topic, data,
        error, traceback, correlation, tenant, created)
    SELECT pg_temp.id7(started, 'job' || n), kind, state, CASE state WHEN 'suspended' THEN 'ready' END, id, definition, 1, 'work', 'Do the work',
        started + interval '300 days', 0, true, CASE WHEN state = 'dead' THEN 0 ELSE 3 END, CASE WHEN failed THEN 3 ELSE 0 END,
        CASE state WHEN 'external' THEN 'topic-' || n % 5 END, '{}', CASE WHEN failed THEN 'the shop does not answer (' || n % 100 || ')' END,
        CASE WHEN failed THEN 'Traceback' END, pg_temp.id7(started, 'correlation' || n), tenant, started
    FROM (SELECT *, (n / 110) % 10 AS lot FROM run WHERE open AND n % 10 = 9) one,
        LATERAL (SELECT (ARRAY['waiting', 'waiting', 'waiting', 'waiting', 'waiting', 'ready', 'ready', 'dead', 'suspended', 'external'])[lot + 1] AS state,
            (ARRAY['timer', 'timer', 'timer', 'timer', 'async', 'async', 'async', 'async', 'async', 'external'])[lot + 1] AS kind,
            lot IN (4, 7) AS failed) AS about;

INSERT INTO towpath_subscription (id, kind, name, instance_id, definition_id, token, node, data, tenant, created)
    SELECT pg_temp.id7(started, 'subscription' || n), CASE WHEN n % 4 = 0 THEN 'signal' ELSE 'message' END, 'event-' || n % 500, id, definition, 1, 'work', '{}',
        tenant, started
    FROM run WHERE open AND n % 10 = 8;

-- Every fifth instance was started by a service client that wanted an answer later.
INSERT INTO towpath_request (id, instance, workflow, operation, state, input, status, callback, "user", client, created, ended)
    SELECT pg_temp.id7(started, 'request' || id), id, split_part(definition_id, ':', 1), 'start', CASE WHEN ended IS NULL THEN 'running' ELSE 'done' END,
        '{}', CASE WHEN ended IS NULL THEN NULL ELSE 200 END, 'https://client.example.org/done', starter, 'client', started, ended
    FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM towpath_instance) one WHERE n % 5 = 0 ORDER BY n;
INSERT INTO towpath_delivery (id, instance, request_id, workflow, stream, number, origin, url, status, body, state, tries, due, response_status, error,
        created, delivered)
    SELECT pg_temp.id7(ended, 'delivery' || id), instance, id, workflow, instance || ' https://client.example.org', 1, 'https://client.example.org',
        callback, 'Completed', '{}', CASE WHEN n % 100 = 0 THEN 'dead' ELSE 'delivered' END, 1, ended, CASE WHEN n % 100 = 0 THEN 503 ELSE 200 END,
        CASE WHEN n % 100 = 0 THEN 'answered 503' END, ended, CASE WHEN n % 100 > 0 THEN ended END
    FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM towpath_request) one WHERE ended IS NOT NULL ORDER BY n;
