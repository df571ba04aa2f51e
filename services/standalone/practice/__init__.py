"""Practice mail servers, well and ill, with a monitor on each: what `make demo` adds to `make run`.

`cast` says who plays what, `scripts` are the conversations, `serving` lends them sockets and `certificates` their
papers; `monitors` describes them to mailprobe through its public API, and `main` puts it all on stage. None of it is
a mail server for mail, and how it looks on a screen is left to whoever starts it.
"""
