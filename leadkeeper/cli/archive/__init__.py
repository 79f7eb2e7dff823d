"""A backup: one file that holds everything an installation needs to be put back, and proves that it does.

    take       a snapshot of the database, the media its rows name, the secret key, the manifest -> one file
    verify     the finished file is put back into scratch and audited there, before it gets its name
    put_back   every part compared with its hash, an older schema migrated, what follows from a restore done

`parts` is the file's shape; `sqlite` and `postgres` copy and load a database; `media` are the files rows name.
"""
