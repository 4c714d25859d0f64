"""The staged self-test: from the terminal's name to the centre's acknowledgement.

Each chain of checks ends at its first failure, because what comes behind it would only
fail too. Every failure says what is wrong and what to do; nothing is changed anywhere.
"""
