-- A policy that does not know an outcome yet runs on and says so: unknown is not failed. One that stopped still says why.

alter table worker.reports drop constraint reports_check;
alter table worker.reports add constraint stopped_says_why check (state <> 'stopped' or error is not null);
