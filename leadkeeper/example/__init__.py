"""An invented business-setup and visa centre, for trying Leadkeeper without a customer.

documents/   what it taught us (English and Arabic)      business   name, hours, people who do not exist
load         put it into the database, once              clear      take all of it out again, nothing else
samples      questions with what must come of them       history    two weeks of conversations (past: their rows)
demo         customers who write while you watch

Everything of it hangs on the simulated account (crm/simulated.py) or is listed in the settings row
`example`, so that real rows and invented ones are never mistaken for each other.
"""
