"""The notifier: tells people, until they are told.

It takes what the recorder put into the outbox, plans who is told what and when, gathers floods into digests, and sends
each message until its receiver took it. It also watches the pipeline's own pulse. Whether something is an outage at
all is the recorder's.
"""
