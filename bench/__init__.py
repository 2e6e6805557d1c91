"""`make bench`: the speed of the system beside what one would use instead."""
