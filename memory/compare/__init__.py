"""One conversation through several memories: experiments, how they are run, and what they came to.

experiment.py says what is compared, results.py what came of it; both are JSON in the store, by browser.
"""
