"""`make bench`: the performance of the system beside alternatives."""
