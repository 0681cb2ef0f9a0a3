------------------------------ MODULE Mailboxes ------------------------------
\* Nodes that flood the smallest number they know; the letters are a set. For measuring the checker.
EXTENDS Naturals, FiniteSets
CONSTANTS Size
VARIABLES least, letters
Node == 1..Size
Next1(n) == 1 + (n % Size)
Init == least = [n \in Node |-> n] /\ letters = {}
Post(n) == /\ letters' = letters \cup {[to |-> Next1(n), least |-> least[n]]}
           /\ letters' # letters
           /\ UNCHANGED least
Read(m) == /\ least[m.to] > m.least
           /\ least' = [least EXCEPT ![m.to] = m.least]
           /\ UNCHANGED letters
Next == (\E n \in Node : Post(n)) \/ (\E m \in letters : Read(m))
Spec == Init /\ [][Next]_<<least, letters>>
Known == \A n \in Node : least[n] <= n
Sound == \A m \in letters : m.least \in Node /\ least[m.to] <= m.to
==============================================================================
