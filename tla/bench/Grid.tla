-------------------------------- MODULE Grid --------------------------------
\* Counters that go up one at a time and never drift far apart. For measuring the checker.
EXTENDS Naturals
CONSTANTS Counter, Top, Drift
VARIABLE count
Init == count = [c \in Counter |-> 0]
Up(c) == /\ count[c] < Top
         /\ \A d \in Counter : count[c] < count[d] + Drift
         /\ count' = [count EXCEPT ![c] = @ + 1]
Next == \E c \in Counter : Up(c)
Spec == Init /\ [][Next]_count
Near == \A c, d \in Counter : count[c] <= count[d] + Drift
==============================================================================
