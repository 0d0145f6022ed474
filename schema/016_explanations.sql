-- What explanations read: who did what by which command, and what caused it. Each view shows the tenant of the session's setting
-- app.tenant, and of tenant `system` the envelopes only: a provider's message or the end of a day may be the cause of something of ours.

create view read.commands with (security_barrier) as
select number, command_id, tenant, actor, name, first_log_position, last_log_position, recorded_at
from log.receipts
where
    tenant in (nullif(current_setting('app.tenant', true), ''), 'system')
    and nullif(current_setting('app.tenant', true), '') is not null;

create view read.causes with (security_barrier) as
select
    notification_id as log_position, event_id, originator_id as stream, originator_version as version, topic as type,
    tenant, command_id, causation_id, recorded_at
from log.events
where
    tenant in (nullif(current_setting('app.tenant', true), ''), 'system')
    and nullif(current_setting('app.tenant', true), '') is not null;

grant select on read.commands, read.causes to lastro_app;
