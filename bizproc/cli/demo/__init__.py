"""
The demonstration: a small company, a process that follows its deals, and a month in which things happen.

    follow_up.py   the process
    company.py     the company, and what its clients will do
    month.py       the month: a runtime on a virtual clock, killed once on the way
    story.py       what happened, in words
"""
