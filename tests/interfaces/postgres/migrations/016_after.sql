-- Without a tenant nothing is shown, and nobody but the application reads it.
do $$
begin
    if exists (select from read.commands) or exists (select from read.causes) then
        raise exception 'receipts or causes are shown without a tenant';
    end if;
    if not has_table_privilege('lastro_app', 'read.commands', 'select')
        or has_table_privilege('lastro_app', 'read.commands', 'insert, update, delete')
    then
        raise exception 'read.commands has other rights than to be read';
    end if;
end $$;
