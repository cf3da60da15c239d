"""
The few pages that people outside see: documents by link, payments, calendars, what providers and mails call.

    app.py         the routes, and what holds for all of them
    guarding.py    headers, limits, one answer to all that is wrong
    showing.py     templates and words
    documents.py, payments.py, calendars.py, files.py, messages.py    one family of pages each
    serving.py     a server beside the runtime

A page is found by a token and shows what the token is for, nothing else. It speaks to `Runtime`, never to SQL. There is
no page to log in at, and no script on any.
"""
