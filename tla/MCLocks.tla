------------------------------ MODULE MCLocks ------------------------------
(* Bounds for Locks: what a configuration file cannot write down. *)
EXTENDS Locks

(* A lockset 1 with the members 2 and 3, and a second level, 4. *)
TheImplied == <<0, 1, 1, 0>>
TheLevel == <<3, 3, 3, 6>>

Single(locks, modes) == {[l \in {k} |-> m] : k \in locks, m \in modes}
Double(locks, modes) ==
    UNION {UNION {[{k, l} -> modes] : l \in {x \in locks : x > k}} : k \in locks}

None == {}
AnySingle == Single(Locks, Modes)
Acquire == Single(Locks, {1, 2})
AcquireOne == Single({1}, {1, 2})
AcquireTwo == Single({1}, {1, 2}) \cup Single({2}, {2})
AcquireMembers == Single({2, 3}, {1, 2}) \cup Double({2, 3}, {2})
Mixed == Single({1, 2}, {1, 2}) \cup {(2 :> 2) @@ (3 :> 1), (2 :> 0) @@ (4 :> 2)}

Few == {2 :> 2, 1 :> 1, (2 :> 0) @@ (3 :> 2)}

Levelled == {1 :> 2, 2 :> 1, 4 :> 2, (2 :> 2) @@ (4 :> 1)}

WishMembers == {[request |-> (2 :> 2) @@ (3 :> 2), least |-> n] : n \in 0..2}
KeepOne == {{2}}
KeepAny == {{}, {1}, {2}, {2, 3}}
NodeLevel == {3}
=============================================================================
