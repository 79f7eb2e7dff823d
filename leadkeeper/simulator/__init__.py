"""A provider shaped like Meta's Graph API, with faults on demand: for demos, tests, benchmarks and rule trials.

state      accounts, scripts, log, chats: everything it knows      behaviour   how it behaves, script steps
app        the ASGI application                                    graph       the provider's own routes
control    /sim: scripts, customers who write, the log             media       media in two steps
deliver    signed webhooks out: batches, storms, redelivery        payloads    their bodies
phone      the chats as a customer sees them                       serve       its own process
replay     posts somebody else's payloads at a running server
"""
