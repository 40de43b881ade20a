CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
CREATE TABLE rollouts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    revision TEXT NOT NULL,
    target TEXT NOT NULL,
    "key" TEXT UNIQUE,
    started INTEGER NOT NULL,
    finished INTEGER,
    outcome TEXT
) STRICT;
CREATE UNIQUE INDEX one_under_way_per_target ON rollouts (target) WHERE finished IS NULL;
CREATE INDEX rollouts_by_name ON rollouts (name, started);
CREATE INDEX rollouts_by_start ON rollouts (started);
CREATE TABLE events (
    rollout TEXT NOT NULL REFERENCES rollouts (id),
    position INTEGER NOT NULL,
    time INTEGER NOT NULL,
    name TEXT NOT NULL,
    payload TEXT NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (rollout, position)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_are_never_removed BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'events are never removed'); END;
CREATE TABLE leases (
    rollout TEXT PRIMARY KEY REFERENCES rollouts (id),
    epoch INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    host TEXT NOT NULL,
    boot TEXT NOT NULL,
    pid INTEGER NOT NULL,
    pid_started INTEGER NOT NULL
) STRICT;
CREATE TABLE inbox (
    id TEXT PRIMARY KEY,
    rollout TEXT NOT NULL REFERENCES rollouts (id),
    sent INTEGER NOT NULL,
    command TEXT NOT NULL,
    answered INTEGER,
    refusal TEXT
) STRICT;
CREATE INDEX inbox_waiting ON inbox (rollout) WHERE answered IS NULL;
INSERT INTO grdb_migrations VALUES ('1: rollouts, events, leases, inbox');
INSERT INTO rollouts VALUES ('golden-1','app','2','t','key',1700000000000,1700000001000,'refused: x');
INSERT INTO events VALUES ('golden-1',0,1700000000000,'rollout.started','{"plan":{"name":"app","revision":"2","target":{"identity":"t","haproxy":{"sockets":["/s"],"map":"/m","key":"k","first":{"name":"blue","backend":"b"},"second":{"name":"green","backend":"g"}}},"canaryIsSecond":true,"steps":[{"name":"first","weight":2500,"holdMin":1000,"holdMax":5000,"approval":{"from":["alice"],"count":1,"timeout":3600000,"onTimeout":"rollback"}},{"weight":10000,"holdMin":0,"holdMax":0}],"metrics":[{"name":"errors","step":1,"interval":15000,"initialDelay":0,"count":3,"failureLimit":0,"inconclusiveLimit":0,"consecutiveErrorLimit":4,"consecutiveSuccessLimit":0,"countsNoDataAsErrors":false,"noData":"wait","blindFor":300000,"onBlind":"rollback","onInconclusive":"pause","window":0,"minRequests":5,"prometheus":{"address":"http://p","query":"q","timeout":5000,"headers":[{"key":"X-Scope-OrgID","value":"a"}],"bearer":"env:TOKEN"}}],"progressDeadline":600000,"waitLimit":3600000,"settle":3000},"original":"0","settleUntil":5,"deadline":9,"actor":"alice","groups":["ops"],"reason":"because"}',X'D2EB3A2DEF5FCD234B11151D30902325EA07C89BB781EEF5E915D70C46322992');
INSERT INTO events VALUES ('golden-1',1,1700000001000,'driver.took-over','{"epoch":2,"holder":"pid 1"}',X'9089331BC196E26D1E346F04805362F5BBDBB02EB1D1FDB0D04E96117871B01B');
INSERT INTO events VALUES ('golden-1',2,1700000001000,'target.claimed','{"epoch":2}',X'96C097B5A96ABBBEC2D1CEDA990E5692985F575A88B649030D101EEE7E641C88');
INSERT INTO events VALUES ('golden-1',3,1700000001000,'target.mark-failed','{"message":"m"}',X'76891FE34F8D4917F4B209EE1D3B0CDD8719E8573AFAE7A9F90A9B47CBDC77FB');
INSERT INTO events VALUES ('golden-1',4,1700000001000,'step.started','{"step":1,"share":10000}',X'FC91E11462A70C08F9B5CA7F28AF0815D9D7AD55603A23621DE2DF51D4AEBE90');
INSERT INTO events VALUES ('golden-1',5,1700000001000,'traffic.confirmed','{"share":10000,"processes":[1,null]}',X'9C2343A160D69FF1824F4BCBD541AA3E113E77A540B0D220BF331B0EB3B57C03');
INSERT INTO events VALUES ('golden-1',6,1700000001000,'traffic.failed','{"share":0,"message":"m"}',X'CEF156C23810481B574ED61962CE0AE83C94594F51CD4E160BF99D938B110EEF');
INSERT INTO events VALUES ('golden-1',7,1700000001000,'router.lost','{"message":"m"}',X'A9786AC85D1E3FA5C60982B9B05071BFB2A543F081FA13F6CD173ADF46C66A0E');
INSERT INTO events VALUES ('golden-1',8,1700000001000,'router.found','{}',X'01CD3150A8F9FDF7C4596566CBB11B0B3871A5D31F0F9359858F0A30233F5093');
INSERT INTO events VALUES ('golden-1',9,1700000001000,'router.reloaded','{"processes":[7],"found":[0,10000]}',X'D523575311F3F4FD6A91E8A3126CC1A9FCEB7E7FE3A32C61D0A9E77867EEE040');
INSERT INTO events VALUES ('golden-1',10,1700000001000,'metric.measured','{"metric":0,"phase":"failed","value":"0.5","message":"no","started":1700000000123,"finished":1700000000123,"fresh":true,"watched":4000,"watchedUntil":1700000000123}',X'D3DBB180DDC71685F6AE077AF9D339A9960231272EEA52164B1433069DAF044A');
INSERT INTO events VALUES ('golden-1',11,1700000001000,'metric.measured','{"metric":0,"phase":"failed","value":"0.5","message":"no","started":1700000000123,"finished":1700000000123,"fresh":false,"watched":0}',X'D6A24D79D1B0E0C2122C30FB2BF0AD972A93559956D0A6D118F141FAE147B66D');
INSERT INTO events VALUES ('golden-1',12,1700000001000,'metric.verdict','{"metric":0,"verdict":"failed","message":"m"}',X'89ABFFFE303E638911058323B18B5C3E0AB7543A20CD5A5AA585FA5E9958E7BE');
INSERT INTO events VALUES ('golden-1',13,1700000001000,'hold.watched','{"total":1000,"until":1700000000123}',X'F6694B39A1328545D0A35AE4104D8DECA499C5234F14B445BC3B3386B4AF6E5D');
INSERT INTO events VALUES ('golden-1',14,1700000001000,'settling.began','{"until":1700000000123}',X'9383582B4A2F77485F4FFCCFA0E9EE263A7DAFFC6F29C6E2C802782A70EF0E4A');
INSERT INTO events VALUES ('golden-1',15,1700000001000,'approval.asked','{"step":0,"until":1700000000123}',X'757D3A4C5D3CE41F8D81A075B7146A2F7EB377DED0969EF7D0092AC7B52043BE');
INSERT INTO events VALUES ('golden-1',16,1700000001000,'step.passed','{"step":0}',X'35ECBFD6C7ADBCCCD31335DE2605FDEDD9E51E3A1DED599D60E34E4EF047EFFC');
INSERT INTO events VALUES ('golden-1',17,1700000001000,'rollout.paused','{"message":"m","until":1700000000123}',X'9342688BD6F90464AD83F151C78B93A172F7EFE0A061F6744D8B20912264C97F');
INSERT INTO events VALUES ('golden-1',18,1700000001000,'operator.obeyed','{"id":"c","verb":"promote","full":true,"actor":"bob","groups":["ops"],"reason":"r","aimedAt":3}',X'DF857A4B6DDD5B89DB46FB53D9758A0A5731B0100E5C84BC4247550D3EB66A26');
INSERT INTO events VALUES ('golden-1',19,1700000001000,'operator.obeyed','{"id":"d","verb":"skip","metric":"errors","actor":"x","reason":""}',X'BB1D22756D77A43399966A8147199D3FB4CE5E8DC87BB7F1B8F9FDDE276657C1');
INSERT INTO events VALUES ('golden-1',20,1700000001000,'approval.timed-out','{"step":0}',X'66F4906F90CF6FE4B7C33EE24DDF102E1DC7AE291276B8454AF0C0CB920B2103');
INSERT INTO events VALUES ('golden-1',21,1700000001000,'way-back.began','{"kind":"blind","message":"m"}',X'292719BD39DE67BF3C0DD5A42DF42E47F6E9898801AA18A733FDA78520A98C90');
INSERT INTO events VALUES ('golden-1',22,1700000001000,'attention.needed','{"message":"m"}',X'132265B45DCD24C005141976DFA174E275D843E87CF57EC12A1B3C43B0B7F2B3');
INSERT INTO events VALUES ('golden-1',23,1700000001000,'clock.jumped','{"milliseconds":-7000}',X'36F2055B7A13328F807A7CE494E91B119DF92B1E4BDD631C5DB989461EEA29B8');
INSERT INTO events VALUES ('golden-1',24,1700000001000,'rollout.adopted','{}',X'7A11073B5E4349901D418008213544040433B5CD503058BE1D2FEB5D27B07E15');
INSERT INTO events VALUES ('golden-1',25,1700000001000,'rollout.finished','{"outcome":"promoted"}',X'5A94AB9360F56667DE845AAABD45BB04AB77076D42739437D0CC3A2DB9D235F5');
INSERT INTO events VALUES ('golden-1',26,1700000001000,'rollout.finished','{"outcome":"rolled-back","cause":{"kind":"gate","message":"m"}}',X'2EFC33F9EC6B894B4413CDB2FD8198DA7E991F6369BBDD696A07D58BDD0E54BF');
INSERT INTO events VALUES ('golden-1',27,1700000001000,'rollout.finished','{"outcome":"refused","holder":"x"}',X'EF443B0A533EABCDD9AD579262986BE2A6822FE1705988B85B251162D669836D');
INSERT INTO leases VALUES ('golden-1',1,1700000030000,'h','b',1,2);
