------------------------------ MODULE LockTable ------------------------------
\* A table of shared and exclusive locks with a queue each; owners may die and come back. For measuring the checker.
EXTENDS Naturals, Sequences, FiniteSets
CONSTANTS Owner, Lock, Lives
VARIABLES held, waiting, phase, life
vars == <<held, waiting, phase, life>>
Mode == {"shared", "exclusive"}

TypeOK == /\ held \in [Lock -> SUBSET (Owner \X Mode)]
          /\ phase \in [Owner -> {"runs", "waits", "dead"}]
          /\ life \in [Owner -> 0..Lives]

Init == /\ held = [l \in Lock |-> {}]
        /\ waiting = [l \in Lock |-> <<>>]
        /\ phase = [o \in Owner |-> "runs"]
        /\ life = [o \in Owner |-> 0]

Has(o, l) == \E h \in held[l] : h[1] = o
Fits(l, mode) == held[l] = {} \/ (mode = "shared" /\ \A h \in held[l] : h[2] = "shared")

Ask(o, l, mode) == /\ phase[o] = "runs" /\ ~Has(o, l)
                   /\ waiting' = [waiting EXCEPT ![l] = Append(@, [owner |-> o, mode |-> mode])]
                   /\ phase' = [phase EXCEPT ![o] = "waits"]
                   /\ UNCHANGED <<held, life>>

Give(l) == /\ waiting[l] # <<>>
           /\ LET first == Head(waiting[l]) IN
                /\ Fits(l, first.mode)
                /\ held' = [held EXCEPT ![l] = @ \cup {<<first.owner, first.mode>>}]
                /\ phase' = [phase EXCEPT ![first.owner] = IF @ = "waits" THEN "runs" ELSE @]
           /\ waiting' = [waiting EXCEPT ![l] = Tail(@)]
           /\ UNCHANGED life

Free(o, l) == /\ phase[o] = "runs" /\ Has(o, l)
              /\ held' = [held EXCEPT ![l] = {h \in @ : h[1] # o}]
              /\ UNCHANGED <<waiting, phase, life>>

Die(o) == /\ phase[o] # "dead"
          /\ phase' = [phase EXCEPT ![o] = "dead"]
          /\ UNCHANGED <<held, waiting, life>>

Return(o) == /\ phase[o] = "dead" /\ life[o] < Lives
             /\ life' = [life EXCEPT ![o] = @ + 1]
             /\ phase' = [phase EXCEPT ![o] = "runs"]
             /\ held' = [l \in Lock |-> {h \in held[l] : h[1] # o}]
             /\ waiting' = [l \in Lock |-> SelectSeq(waiting[l], LAMBDA r : r.owner # o)]

Next == \/ \E o \in Owner, l \in Lock, m \in Mode : Ask(o, l, m)
        \/ \E l \in Lock : Give(l)
        \/ \E o \in Owner, l \in Lock : Free(o, l)
        \/ \E o \in Owner : Die(o) \/ Return(o)
Spec == Init /\ [][Next]_vars

Exclusion == \A l \in Lock : \A g, h \in held[l] : g = h \/ (g[2] = "shared" /\ h[2] = "shared")
OnceEach == \A l \in Lock : \A i, j \in DOMAIN waiting[l] : waiting[l][i].owner = waiting[l][j].owner => i = j
==============================================================================
