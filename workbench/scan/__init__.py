"""The brain scan: which layer paths of a model score best, measured over all of them.

So far it knows which paths there are; probes, the scheduler and the search build on that.
"""
