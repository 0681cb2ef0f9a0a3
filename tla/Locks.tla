------------------------------- MODULE Locks -------------------------------
(***************************************************************************)
(* The lock rules of the configuration daemon: owners, levels with         *)
(* implication, requests that are granted as a whole or wait, who is       *)
(* served next, who is notified, death and the sweep after it.  The        *)
(* executable twin is spec.locks.rules; `gantry refine locks' compares     *)
(* the two.                                                                *)
(*                                                                         *)
(* Owners and locks are numbers: owners are served by (priority, number),  *)
(* and locks are numbered in lock order.  Mode 0 is release (or: not       *)
(* held), 1 shared, 2 exclusive.  An event that the rules refuse is no     *)
(* step.                                                                   *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
    Owners,      \* a set of positive numbers
    Locks,       \* a set of positive numbers
    Implied,     \* lock -> the lock that it implies, 0 for none
    Level,       \* lock -> its level
    Requests,    \* requests: functions from some locks to modes
    Priorities,  \* the priorities of requests that wait; smaller is more urgent
    Wishes,      \* records of a request and how many of it are wanted at least
    Levels,      \* the levels that are freed and downgraded
    Keeps,       \* the sets of locks that are intersected with
    Mortal,      \* the owners that may die
    Rounds,      \* how often an owner may ask; 0 for any number of times
    Upgrades,    \* whether an owner asks exclusively for what it holds shared
    Fair,        \* whether a waiting request blocks conflicting ones that come later and are no more urgent
    OnlyExclusive, \* whether only exclusive ones do so: a narrower rule, kept to show that it is not enough
    KeepLabels   \* whether `said' keeps the last step's label

VARIABLES
    held,        \* owner -> lock -> mode
    pending,     \* the requests that wait: in the order of serving; if Fair, of arrival
    alive,       \* the owners that are not dead
    notified,    \* the owners that were signalled and have not looked yet
    asked,       \* owner -> how often it asked, where Rounds limits that
    said         \* the last step's label, where KeepLabels

vars == <<held, pending, alive, notified, asked, said>>

Modes == 0..2
LeastUrgent == 1000

ASSUME LocksAreSound ==
    /\ \A l \in Locks : Implied[l] = 0 \/ (Implied[l] \in Locks /\ Implied[l] < l)
    /\ \A r \in Requests : DOMAIN r \subseteq Locks
    /\ \A p \in Priorities : p < LeastUrgent

Max(S) == CHOOSE x \in S : \A y \in S : y <= x
Min(S) == CHOOSE x \in S : \A y \in S : x <= y
Nothing == [l \in Locks |-> 0]

-----------------------------------------------------------------------------
(* Who is in the way of a request. *)

Overlap(k, l) == k = l \/ Implied[k] = l \/ Implied[l] = k

InTheWay(h, o, r) ==
    {p \in Owners \ {o} :
        \E l \in DOMAIN r : \E k \in Locks :
            /\ r[l] # 0
            /\ h[p][k] # 0
            /\ Overlap(k, l)
            /\ r[l] = 2 \/ h[p][k] = 2}

Waits(q, o) == \E i \in DOMAIN q : q[i].owner = o
PendingOf(q, o) == q[CHOOSE i \in DOMAIN q : q[i].owner = o]

RECURSIVE Reached(_, _)
Reached(graph, S) ==
    LET more == S \cup UNION {graph[o] : o \in S}
    IN IF more = S THEN S ELSE Reached(graph, more)

(* In fair mode, an earlier request claims what it waits for against later ones that are no more urgent. *)
Claims(earlier, later) ==
    /\ earlier.priority <= later.priority
    /\ \E k \in DOMAIN earlier.request : \E l \in DOMAIN later.request :
        /\ earlier.request[k] # 0
        /\ later.request[l] # 0
        /\ earlier.request[k] = 2 \/ (later.request[l] = 2 /\ ~OnlyExclusive)
        /\ Overlap(k, l)

(* Claims are entered in order of arrival, each unless it closes a cycle: that would be a deadlock. *)
RECURSIVE WithClaims(_, _, _, _)
WithClaims(graph, q, i, j) ==
    IF i > Len(q) THEN graph
    ELSE IF j = i THEN WithClaims(graph, q, i + 1, 1)
    ELSE LET e == q[j].owner
             l == q[i].owner
         IN IF Claims(q[j], q[i]) /\ l \notin Reached(graph, {e})
            THEN WithClaims([graph EXCEPT ![l] = @ \cup {e}], q, i, j + 1)
            ELSE WithClaims(graph, q, i, j + 1)

(* For each owner the owners that keep its pending request from being granted. *)
WaitFor(h, q) ==
    LET holders == [o \in Owners |-> IF Waits(q, o) THEN InTheWay(h, o, PendingOf(q, o).request) ELSE {}]
    IN IF Fair THEN WithClaims(holders, q, 1, 1) ELSE holders

Blockers(h, q, o, p, r) ==
    IF Fair THEN WaitFor(h, Append(q, [owner |-> o, priority |-> p, request |-> r]))[o]
    ELSE InTheWay(h, o, r)

-----------------------------------------------------------------------------
(* What is refused. *)

OutOfOrder(h, o, r) ==
    LET mine == {l \in Locks : h[o][l] # 0}
    IN /\ mine # {}
       /\ \E l \in DOMAIN r :
            /\ r[l] # 0
            /\ l < Max(mine)
            /\ h[o][l] < r[l]
            /\ Implied[l] = 0 \/ h[o][Implied[l]] < r[l]

UnderSharedGroup(h, o, r) ==
    \E l \in DOMAIN r : r[l] = 2 /\ Implied[l] # 0 /\ h[o][Implied[l]] = 1

Refused(h, o, r) == OutOfOrder(h, o, r) \/ UnderSharedGroup(h, o, r)

Upgrading(h, o, r) == \E l \in DOMAIN r : r[l] = 2 /\ h[o][l] = 1

-----------------------------------------------------------------------------
(* Changes and who is served by them. *)

Assign(h, o, r) == [h EXCEPT ![o] = [l \in Locks |-> IF l \in DOMAIN r THEN r[l] ELSE @[l]]]

Without(q, o) == SelectSeq(q, LAMBDA p : p.owner # o)

Before(p, q) == p.priority < q.priority \/ (p.priority = q.priority /\ p.owner < q.owner)

Enqueue(q, p) ==
    IF Fair THEN Append(q, p)
    ELSE SelectSeq(q, LAMBDA x : Before(x, p)) \o <<p>> \o SelectSeq(q, LAMBDA x : ~Before(x, p))

(* Grant what can be granted, the first in the order of serving each time, until nothing can. *)
RECURSIVE Serve(_, _, _)
Serve(h, q, granted) ==
    LET graph == WaitFor(h, q)
        free == {i \in DOMAIN q : graph[q[i].owner] = {}}
    IN IF free = {} THEN [held |-> h, pending |-> q, granted |-> granted]
       ELSE LET i == CHOOSE i \in free : \A j \in free : j = i \/ Before(q[i], q[j])
                o == q[i].owner
            IN Serve(Assign(h, o, q[i].request), Without(q, o), granted \cup {o})

Satisfied(h, q, o, r) == ~Waits(q, o) /\ \A l \in DOMAIN r : h[o][l] = r[l]

(* What trying or waiting for a request comes to, for an owner that waits for nothing. *)
Updated(o, p, r, mayWait) ==
    LET block == Blockers(held, pending, o, p, r)
    IN IF Satisfied(held, pending, o, r)
       THEN [held |-> held, pending |-> pending, granted |-> {}, blockers |-> {}]
       ELSE IF block = {}
       THEN Serve(Assign(held, o, r), pending, {}) @@ [blockers |-> {}]
       ELSE IF ~mayWait
       THEN [held |-> held, pending |-> pending, granted |-> {}, blockers |-> block]
       ELSE LET served == Serve(held, Enqueue(pending, [owner |-> o, priority |-> p, request |-> r]), {})
            IN [served EXCEPT !.granted = @ \ {o}] @@ [blockers |-> IF o \in served.granted THEN {} ELSE block]

Nobody == [granted |-> {}, blockers |-> {}]

(* Dropping what the owner waits for, and releasing or downgrading: never blocked. *)
Loosened(o, r) == Serve(Assign(held, o, r), Without(pending, o), {}) @@ [blockers |-> {}]

(* Entry by entry in lock order, what can be had now. *)
RECURSIVE Gather(_, _, _, _)
Gather(h, o, r, taken) ==
    LET todo == {l \in DOMAIN r : l \notin taken.seen /\ h[o][l] < r[l]}
    IN IF todo = {} THEN [held |-> h, taken |-> taken.got]
       ELSE LET l == Min(todo)
                one == [k \in {l} |-> r[l]]
                had == /\ ~Refused(h, o, one)
                       /\ Blockers(h, pending, o, LeastUrgent, one) = {}
            IN Gather(IF had THEN Assign(h, o, one) ELSE h, o, r,
                      [seen |-> taken.seen \cup {l}, got |-> IF had THEN taken.got \cup {l} ELSE taken.got])

-----------------------------------------------------------------------------
(* The steps. *)

Say(event, o, argument, blockers, taken, granted) ==
    said' = IF KeepLabels
            THEN [event |-> event, owner |-> o, argument |-> argument,
                  blockers |-> blockers, taken |-> taken, granted |-> granted]
            ELSE <<>>

Becomes(event, o, argument, result) ==
    /\ held' = result.held
    /\ pending' = result.pending
    /\ notified' = notified \cup result.granted
    /\ Say(event, o, argument, result.blockers, {}, result.granted)
    /\ UNCHANGED alive

MayAsk(o) == o \in alive /\ (Rounds = 0 \/ asked[o] < Rounds)
Asks(o) == asked' = IF Rounds = 0 THEN asked ELSE [asked EXCEPT ![o] = @ + 1]

Try(o) == \E r \in Requests :
    /\ MayAsk(o) /\ Asks(o)
    /\ ~Waits(pending, o)
    /\ Satisfied(held, pending, o, r) \/ ~Refused(held, o, r)
    /\ Upgrades \/ ~Upgrading(held, o, r)
    /\ Becomes("Try", o, <<r>>, Updated(o, LeastUrgent, r, FALSE))

Wait(o) == \E r \in Requests, p \in Priorities :
    /\ MayAsk(o) /\ Asks(o)
    /\ ~Waits(pending, o)
    /\ Satisfied(held, pending, o, r) \/ ~Refused(held, o, r)
    /\ Upgrades \/ ~Upgrading(held, o, r)
    /\ Becomes("Wait", o, <<r, p>>, Updated(o, p, r, TRUE))

(* Asking again for what one waits for changes nothing, at whatever priority. *)
WaitAgain(o) == \E p \in Priorities :
    /\ o \in alive
    /\ Waits(pending, o)
    /\ Say("Wait", o, <<PendingOf(pending, o).request, p>>, WaitFor(held, pending)[o], {}, {})
    /\ UNCHANGED <<held, pending, alive, notified, asked>>

Free(o) ==
    /\ o \in alive
    /\ Becomes("Free", o, <<>>, Loosened(o, Nothing))
    /\ UNCHANGED asked

(* An owner that is done with its locks; waiting owners need not give up. *)
Finish(o) ==
    /\ ~Waits(pending, o)
    /\ held[o] # Nothing
    /\ Free(o)

FreeLevel(o) == \E v \in Levels :
    /\ o \in alive
    /\ Becomes("FreeLevel", o, <<v>>, Loosened(o, [l \in {k \in Locks : Level[k] = v} |-> 0]))
    /\ UNCHANGED asked

Downgrade(o) == \E v \in Levels :
    /\ o \in alive
    /\ Becomes("Downgrade", o, <<v>>,
               Loosened(o, [l \in {k \in Locks : Level[k] = v /\ held[o][k] # 0} |-> 1]))
    /\ UNCHANGED asked

Intersect(o) == \E keep \in Keeps :
    /\ o \in alive
    /\ Becomes("Intersect", o, <<keep>>, Loosened(o, [l \in Locks \ keep |-> 0]))
    /\ UNCHANGED asked

Opportunistic(o) == \E w \in Wishes :
    /\ MayAsk(o) /\ Asks(o)
    /\ LET got == IF Waits(pending, o) THEN [held |-> held, taken |-> {}]
                  ELSE Gather(held, o, w.request, [seen |-> {}, got |-> {}])
           enough == Cardinality(got.taken) >= w.least
       IN /\ held' = IF enough THEN got.held ELSE held
          /\ Say("Opportunistic", o, <<w.request, w.least>>, {}, IF enough THEN got.taken ELSE {}, {})
    /\ UNCHANGED <<pending, alive, notified>>

(* A signalled owner looks. *)
Notice(o) ==
    /\ o \in alive
    /\ o \in notified
    /\ notified' = notified \ {o}
    /\ Say("Notice", o, <<>>, {}, {}, {})
    /\ UNCHANGED <<held, pending, alive, asked>>

Die(o) ==
    /\ o \in Mortal \cap alive
    /\ alive' = alive \ {o}
    /\ Say("Die", o, <<>>, {}, {}, {})
    /\ UNCHANGED <<held, pending, notified, asked>>

(* The daemon finds an owner dead and drops whatever it has. *)
Sweep(o) ==
    /\ o \notin alive
    /\ held[o] # Nothing \/ Waits(pending, o) \/ o \in notified
    /\ LET result == Loosened(o, Nothing)
       IN /\ held' = result.held
          /\ pending' = result.pending
          /\ notified' = (notified \cup result.granted) \ {o}
          /\ Say("Sweep", o, <<>>, {}, {}, result.granted)
    /\ UNCHANGED <<alive, asked>>

Init ==
    /\ held = [o \in Owners |-> Nothing]
    /\ pending = <<>>
    /\ alive = Owners
    /\ notified = {}
    /\ asked = [o \in Owners |-> 0]
    /\ said = <<>>

Next == \E o \in Owners :
    \/ Try(o) \/ Wait(o) \/ WaitAgain(o)
    \/ Free(o) \/ FreeLevel(o) \/ Downgrade(o) \/ Intersect(o) \/ Opportunistic(o)
    \/ Notice(o) \/ Die(o) \/ Sweep(o)

Spec == Init /\ [][Next]_vars

(* Owners that hold and wait for nothing finish some day, and the daemon sweeps. *)
LiveSpec == Spec /\ \A o \in Owners : WF_vars(Finish(o)) /\ WF_vars(Sweep(o))

-----------------------------------------------------------------------------
(* What must hold in every state. *)

TypeOK ==
    /\ held \in [Owners -> [Locks -> Modes]]
    /\ alive \subseteq Owners
    /\ notified \subseteq Owners
    /\ \A i \in DOMAIN pending : pending[i].owner \in Owners /\ pending[i].request \in Requests

Exclusion ==
    \A o \in Owners : \A p \in Owners \ {o} : \A k \in Locks : \A l \in Locks :
        held[o][k] = 2 /\ Overlap(k, l) => held[p][l] = 0

OnePending == \A i \in DOMAIN pending : \A j \in DOMAIN pending : i # j => pending[i].owner # pending[j].owner

NothingGrantableWaits == LET graph == WaitFor(held, pending) IN \A i \in DOMAIN pending : graph[pending[i].owner] # {}

(* Nobody waits for itself through others: the order of locks excludes it, unless owners upgrade. *)
NoDeadlock ==
    LET graph == WaitFor(held, pending)
    IN \A i \in DOMAIN pending : pending[i].owner \notin Reached(graph, graph[pending[i].owner])

(* What must hold of every step; these read the label. *)

WholeOrNothing ==
    [][\A o \in Owners :
        IF o \in said'.granted
        THEN Waits(pending, o) /\ held'[o] = Assign(held, o, PendingOf(pending, o).request)[o]
        ELSE held'[o] # held[o] => said'.owner = o]_vars

NotifiedExactlyWhenGranted ==
    [][\A o \in Owners :
        (Waits(pending, o) /\ ~Waits(pending', o) /\ said'.owner # o) <=> o \in said'.granted]_vars

TheLivingKeepTheirLocks ==
    [][\A o \in Owners : \A l \in Locks :
        held'[o][l] < held[o][l] =>
            \/ said'.owner = o /\ (o \in alive <=> said'.event # "Sweep")
            \/ Waits(pending, o) /\ l \in DOMAIN PendingOf(pending, o).request]_vars

BlockedChangesNothing == [][said'.blockers # {} => held' = held]_vars

(* What must come about. *)

EveryoneIsServed == \A o \in Owners : Waits(pending, o) ~> ~Waits(pending, o)
TheMostUrgentAreServed ==
    \A o \in Owners :
        (Waits(pending, o) /\ PendingOf(pending, o).priority = Min(Priorities)) ~> ~Waits(pending, o)
TheDeadLeaveNothing == \A o \in Owners : o \notin alive ~> (held[o] = Nothing /\ ~Waits(pending, o))

(* Reached, and so not excluded by accident: each of these must fail as an invariant. *)

NeverThreeHold == Cardinality({o \in Owners : held[o] # Nothing}) < 3
NeverTwoWait == Len(pending) < 2
NeverTwoGrantedAtOnce == Cardinality(notified) < 2
NeverADeadHolder == \A o \in Owners : o \in alive \/ held[o] = Nothing
NeverPassed ==  \* somebody holds shared what somebody waits for exclusively, and a second sharer has come since
    \A i \in DOMAIN pending : Cardinality(InTheWay(held, pending[i].owner, pending[i].request)) < 2
=============================================================================
