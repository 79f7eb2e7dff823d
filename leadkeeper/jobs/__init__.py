"""The story: one file per job type, in the order a message travels.

inbound_message -> decide -> reply -> send -> statuses; beside it fetch_media, index_document,
run_rules (with followup_due and expiry_reminder) and purge. What they share is `context`, and the
acts that are more than one book: `hand_over`, `person`.
"""
