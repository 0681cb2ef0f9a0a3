"""Well-known algorithms, rewritten, under all kinds of configurations; the expected figures are TLC's."""

from pathlib import Path

import pytest

from tests.checkers.tla.specs import figures, run

PETERSON = r"""---- MODULE Spec ----
EXTENDS Naturals, TLC
VARIABLES flag, turn, pc
vars == <<flag, turn, pc>>
ProcSet == {0, 1}
Init == /\ flag = [i \in ProcSet |-> FALSE] /\ turn = 0 /\ pc = [self \in ProcSet |-> "a1"]
a1(self) == pc[self] = "a1" /\ flag' = [flag EXCEPT ![self] = TRUE] /\ pc' = [pc EXCEPT ![self] = "a2"]
                    /\ UNCHANGED turn
a2(self) == pc[self] = "a2" /\ turn' = 1 - self /\ pc' = [pc EXCEPT ![self] = "a3"] /\ UNCHANGED flag
a3(self) == pc[self] = "a3" /\ (~flag[1-self] \/ turn = self) /\ pc' = [pc EXCEPT ![self] = "cs"]
                    /\ UNCHANGED <<flag, turn>>
cs(self) == pc[self] = "cs" /\ Assert(pc[1-self] # "cs", "both") /\ pc' = [pc EXCEPT ![self] = "a4"]
                    /\ UNCHANGED <<flag, turn>>
a4(self) == pc[self] = "a4" /\ flag' = [flag EXCEPT ![self] = FALSE] /\ pc' = [pc EXCEPT ![self] = "Done"]
                    /\ UNCHANGED turn
proc(self) == a1(self) \/ a2(self) \/ a3(self) \/ cs(self) \/ a4(self)
Terminating == /\ \A self \in ProcSet: pc[self] = "Done" /\ UNCHANGED vars
Next == (\E self \in {0, 1}: proc(self)) \/ Terminating
Spec == Init /\ [][Next]_vars /\ \A self \in ProcSet : WF_vars(proc(self))
Termination == <>(\A self \in ProcSet: pc[self] = "Done")
Mutex == ~(pc[0] = "cs" /\ pc[1] = "cs")
Alternates == [](turn = 0 => <>(turn = 1))
===="""

ABP = r"""---- MODULE Spec ----
EXTENDS Naturals, Sequences
CONSTANTS Data, Cap
VARIABLES sBit, rBit, val, got, a2b, b2a
vars == <<sBit, rBit, val, got, a2b, b2a>>
Init == sBit = 0 /\ rBit = 1 /\ val \in Data /\ got = 0 /\ a2b = <<>> /\ b2a = <<>>
Send == Len(a2b) < Cap /\ a2b' = Append(a2b, <<sBit, val>>) /\ UNCHANGED <<sBit, rBit, val, got, b2a>>
Rcv == /\ a2b # <<>> /\ a2b' = Tail(a2b)
       /\ IF Head(a2b)[1] # rBit THEN rBit' = Head(a2b)[1] /\ got' = Head(a2b)[2] ELSE UNCHANGED <<rBit, got>>
       /\ UNCHANGED <<sBit, val, b2a>>
Ack == Len(b2a) < Cap /\ b2a' = Append(b2a, rBit) /\ UNCHANGED <<sBit, rBit, val, got, a2b>>
RcvAck == /\ b2a # <<>> /\ b2a' = Tail(b2a)
          /\ IF Head(b2a) = sBit THEN sBit' = 1 - sBit /\ \E d \in Data : val' = d ELSE UNCHANGED <<sBit, val>>
          /\ UNCHANGED <<rBit, got, a2b>>
Remove(i, q) == [j \in 1..(Len(q)-1) |-> IF j < i THEN q[j] ELSE q[j+1]]
LoseA == \E i \in 1..Len(a2b) : a2b' = Remove(i, a2b) /\ UNCHANGED <<sBit, rBit, val, got, b2a>>
LoseB == \E i \in 1..Len(b2a) : b2a' = Remove(i, b2a) /\ UNCHANGED <<sBit, rBit, val, got, a2b>>
Next == Send \/ Rcv \/ Ack \/ RcvAck \/ LoseA \/ LoseB
Spec == Init /\ [][Next]_vars
Fair == Spec /\ WF_vars(Send) /\ WF_vars(Ack) /\ SF_vars(Rcv) /\ SF_vars(RcvAck)
Weak == Spec /\ WF_vars(Send) /\ WF_vars(Ack) /\ WF_vars(Rcv) /\ WF_vars(RcvAck)
Delivered == (sBit # rBit) ~> (sBit = rBit)
Inv == (sBit = rBit) => (got = val)
View == <<sBit, rBit, Len(a2b), Len(b2a)>>
===="""

ELECT = r"""---- MODULE Spec ----
EXTENDS Naturals, FiniteSets, TLC
CONSTANTS Server, MaxTerm, Nil
VARIABLES term, role, voted, votes, log
vars == <<term, role, voted, votes, log>>
ASSUME MaxTerm \in Nat
Quorum == {q \in SUBSET Server : 2 * Cardinality(q) > Cardinality(Server)}
Init == /\ term = [s \in Server |-> 0] /\ role = [s \in Server |-> "follower"] /\ voted = [s \in Server |-> Nil]
        /\ votes = [s \in Server |-> {}] /\ log = <<>>
Timeout(s) == /\ role[s] # "leader" /\ term' = [term EXCEPT ![s] = @ + 1]
                     /\ role' = [role EXCEPT ![s] = "candidate"]
              /\ voted' = [voted EXCEPT ![s] = s] /\ votes' = [votes EXCEPT ![s] = {s}] /\ UNCHANGED log
Grant(s, c) == /\ role[c] = "candidate" /\ \/ term[s] < term[c]
                                           \/ term[s] = term[c] /\ voted[s] \in {Nil, c}
               /\ s # c
               /\ term' = [term EXCEPT ![s] = term[c]] /\ voted' = [voted EXCEPT ![s] = c]
               /\ role' = [role EXCEPT ![s] = "follower"] /\ votes' = [votes EXCEPT ![c] = @ \cup {s}, ![s] = {}]
               /\ UNCHANGED log
Lead(c) == /\ role[c] = "candidate" /\ votes[c] \in Quorum /\ role' = [role EXCEPT ![c] = "leader"]
           /\ log' = (term[c] :> c) @@ log /\ UNCHANGED <<term, voted, votes>>
Next == \/ \E s \in Server : Timeout(s) \/ Lead(s)
        \/ \E s, c \in Server : Grant(s, c)
Spec == Init /\ [][Next]_vars
Bound == \A s \in Server : term[s] <= MaxTerm
OneLeader == \A a, b \in Server : role[a] = "leader" /\ role[b] = "leader" /\ term[a] = term[b] => a = b
Sym == Permutations(Server)
V == <<term, role, voted, votes>>
TermUp == [][\A s \in Server : term'[s] >= term[s]]_vars
===="""

BAKERY = r"""---- MODULE Spec ----
EXTENDS Integers
CONSTANT N, Max
Procs == 1..N
VARIABLES num, flag, pc, unread, nxt
vars == <<num, flag, pc, unread, nxt>>
a \prec b == (a[1] < b[1]) \/ ((a[1] = b[1]) /\ (a[2] < b[2]))
Init == /\ num = [i \in Procs |-> 0] /\ flag = [i \in Procs |-> FALSE] /\ unread = [i \in Procs |-> {}]
        /\ nxt = [i \in Procs |-> i] /\ pc = [self \in Procs |-> "e1"]
e1(self) == /\ pc[self] = "e1" /\ flag' = [flag EXCEPT ![self] = TRUE]
                    /\ unread' = [unread EXCEPT ![self] = Procs \ {self}]
            /\ pc' = [pc EXCEPT ![self] = "e2"] /\ UNCHANGED <<num, nxt>>
e2(self) == /\ pc[self] = "e2"
            /\ IF unread[self] # {}
               THEN \E i \in unread[self] : unread' = [unread EXCEPT ![self] = @ \ {i}] /\ pc' = pc
                                   /\ num' = [num EXCEPT ![self] = IF @ < num[i] THEN num[i] ELSE @] /\ flag' = flag
               ELSE num' = [num EXCEPT ![self] = @ + 1] /\ flag' = [flag EXCEPT ![self] = FALSE]
                                   /\ pc' = [pc EXCEPT ![self] = "w"]
                                                       /\ unread' = [unread EXCEPT ![self] = Procs \ {self}]
            /\ nxt' = nxt
w(self) == /\ pc[self] = "w"
           /\ IF unread[self] # {} THEN \E i \in unread[self] : /\ ~flag[i]
                               /\ (num[i] = 0 \/ <<num[self], self>> \prec <<num[i], i>>)
                                          /\ unread' = [unread EXCEPT ![self] = @ \ {i}]
                                                              /\ nxt' = [nxt EXCEPT ![self] = i] /\ pc' = pc
                                   ELSE pc' = [pc EXCEPT ![self] = "cs"] /\ UNCHANGED <<unread, nxt>>
           /\ UNCHANGED <<num, flag>>
cs(self) == pc[self] = "cs" /\ num' = [num EXCEPT ![self] = 0] /\ pc' = [pc EXCEPT ![self] = "e1"]
                    /\ UNCHANGED <<flag, unread, nxt>>
p(self) == e1(self) \/ e2(self) \/ w(self) \/ cs(self)
Next == \E self \in Procs : p(self)
Spec == Init /\ [][Next]_vars /\ \A self \in Procs : WF_vars(p(self))
MutualExclusion == \A i, j \in Procs : (i # j) => ~ /\ pc[i] = "cs" /\ pc[j] = "cs"
StarvationFree == \A i \in Procs : (pc[i] = "e2") ~> (pc[i] = "cs")
Bounded == \A i \in Procs : num[i] <= Max
===="""

TWOPC = r"""---- MODULE Spec ----
CONSTANT RM
VARIABLES rmState, tmState, tmPrepared, msgs
Message == [type : {"Prepared"}, rm : RM] \cup [type : {"Commit", "Abort"}]
TypeOK == /\ rmState \in [RM -> {"working", "prepared", "committed", "aborted"}] /\ tmState \in {"init", "done"}
          /\ tmPrepared \subseteq RM /\ msgs \subseteq Message
Init == rmState = [r \in RM |-> "working"] /\ tmState = "init" /\ tmPrepared = {} /\ msgs = {}
RcvPrepared(r) == /\ tmState = "init" /\ [type |-> "Prepared", rm |-> r] \in msgs
                         /\ tmPrepared' = tmPrepared \cup {r}
                  /\ UNCHANGED <<rmState, tmState, msgs>>
Commit == /\ tmState = "init" /\ tmPrepared = RM /\ tmState' = "done" /\ msgs' = msgs \cup {[type |-> "Commit"]}
          /\ UNCHANGED <<rmState, tmPrepared>>
Abort == /\ tmState = "init" /\ tmState' = "done" /\ msgs' = msgs \cup {[type |-> "Abort"]}
                    /\ UNCHANGED <<rmState, tmPrepared>>
Prepare(r) == /\ rmState[r] = "working" /\ rmState' = [rmState EXCEPT ![r] = "prepared"]
              /\ msgs' = msgs \cup {[type |-> "Prepared", rm |-> r]} /\ UNCHANGED <<tmState, tmPrepared>>
ChooseAbort(r) == rmState[r] = "working" /\ rmState' = [rmState EXCEPT ![r] = "aborted"]
                      /\ UNCHANGED <<tmState, tmPrepared, msgs>>
RcvCommit(r) == [type |-> "Commit"] \in msgs /\ rmState' = [rmState EXCEPT ![r] = "committed"]
                    /\ UNCHANGED <<tmState, tmPrepared, msgs>>
RcvAbort(r) == [type |-> "Abort"] \in msgs /\ rmState' = [rmState EXCEPT ![r] = "aborted"]
                    /\ UNCHANGED <<tmState, tmPrepared, msgs>>
Next == Commit \/ Abort \/ \E r \in RM : RcvPrepared(r) \/ Prepare(r) \/ ChooseAbort(r) \/ RcvCommit(r) \/ RcvAbort(r)
vars == <<rmState, tmState, tmPrepared, msgs>>
Spec == Init /\ [][Next]_vars
TC == INSTANCE TCommit WITH state <- rmState
TCSpec == TC!Spec
Consistent == \A a, b \in RM : ~(rmState[a] = "aborted" /\ rmState[b] = "committed")
NoCommit == \A a \in RM : rmState[a] # "committed"
===="""

TCOMMIT = r"""---- MODULE TCommit ----
CONSTANT RM
VARIABLE state
Init == state = [r \in RM |-> "working"]
Prepare(r) == state[r] = "working" /\ state' = [state EXCEPT ![r] = "prepared"]
canCommit == \A r \in RM : state[r] \in {"prepared", "committed"}
Decide(r) == \/ state[r] = "prepared" /\ canCommit /\ state' = [state EXCEPT ![r] = "committed"]
             \/ state[r] \in {"working", "prepared"} /\ (\A x \in RM : state[x] # "committed")
                                 /\ state' = [state EXCEPT ![r] = "aborted"]
Next == \E r \in RM : Prepare(r) \/ Decide(r)
Spec == Init /\ [][Next]_state
===="""


DATA = "CONSTANTS Data = {3, 4} Cap = 2 "
SERVERS = "CONSTANTS Server = {{s1, s2, s3}} MaxTerm = {} Nil = Nil "
PROCESSES = "CONSTANTS N = 2 Max = {} "


@pytest.mark.parametrize(
    ("text", "config", "expected"),
    [
        (PETERSON, "SPECIFICATION Spec INVARIANT Mutex PROPERTY Termination", ("ok", 34, 49, 11)),
        (
            TWOPC,
            "CONSTANT RM = {r1, r2, r3} SPECIFICATION Spec INVARIANTS TypeOK PROPERTY TCSpec CHECK_DEADLOCK FALSE",
            ("ok", 288, 1146, 11),
        ),
        (
            ABP,
            DATA + "SPECIFICATION Fair INVARIANT Inv PROPERTY Delivered",
            ("ok", 234, 1190, 13),
        ),
        (ABP, DATA + "SPECIFICATION Weak PROPERTY Delivered", ("property", 234, 1190, 13)),
        (ABP, DATA + "SPECIFICATION Spec VIEW View", ("ok", 27, 134, 9)),
        (
            ELECT,
            SERVERS.format(2) + "SPECIFICATION Spec INVARIANT OneLeader PROPERTY TermUp CONSTRAINT Bound SYMMETRY Sym",
            ("ok", 66, 286, 9),
        ),
        (
            ELECT,
            SERVERS.format(1) + "SPECIFICATION Spec INVARIANT OneLeader CONSTRAINT Bound VIEW V",
            ("ok", 38, 151, 5),
        ),
        (
            BAKERY,
            PROCESSES.format(4) + "SPECIFICATION Spec INVARIANT MutualExclusion CONSTRAINT Bounded",
            ("ok", 239, 378, 29),
        ),
        (
            BAKERY,
            PROCESSES.format(3) + "SPECIFICATION Spec PROPERTY StarvationFree CONSTRAINT Bounded",
            ("ok", 205, 325, 23),
        ),
        (PETERSON, "SPECIFICATION Spec INVARIANT Mutex PROPERTIES Termination Alternates", ("property", 34, 49, 11)),
    ],
)
def test_figures(tmp_path: Path, text: str, config: str, expected: tuple[str, int, int, int]) -> None:
    assert figures(run(tmp_path, text, config, TCommit=TCOMMIT)) == expected


def test_a_refinement_that_fails(tmp_path: Path) -> None:
    config = "CONSTANT RM = {r1, r2} SPECIFICATION Spec PROPERTY TCSpec CHECK_DEADLOCK FALSE"
    wrong = TCOMMIT.replace("Prepare(r) \\/ ", "")
    assert run(tmp_path, TWOPC, config, TCommit=wrong).verdict == "action_property"
