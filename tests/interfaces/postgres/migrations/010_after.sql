-- Evidence is added to and never changed, by nobody.
do $$
begin
    if has_table_privilege('lastro_app', 'evidence.tiles', 'update, delete, truncate')
        or has_table_privilege('lastro_app', 'evidence.checkpoints', 'update, delete, truncate')
        or has_table_privilege('lastro_projector', 'evidence.checkpoints', 'insert, update, delete, truncate')
    then
        raise exception 'evidence can be changed';
    end if;
    insert into evidence.checkpoints values (1, 0, 0, '', '', 'a note');
    begin
        update evidence.checkpoints set note = 'another';
    exception when insufficient_privilege then return;
    end;
    raise exception 'a checkpoint was changed, by the owner';
end $$;
