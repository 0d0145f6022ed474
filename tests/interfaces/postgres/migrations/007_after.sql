-- A message that was received is kept as it came: the app role adds to the inbox and changes nothing in it.
do $$
begin
    if has_table_privilege('lastro_app', 'vault.inbox', 'update, delete, truncate') then
        raise exception 'a message can be changed';
    end if;
    if has_table_privilege('lastro_projector', 'vault.inbox', 'select') then
        raise exception 'the projector can read messages';
    end if;
end $$;
