------------------------------- MODULE Store -------------------------------
(***************************************************************************)
(* Durability as the configuration daemon promises it: changes gather in   *)
(* batches, one batch is written at a time, a caller is answered once the  *)
(* batch with its change is on disk; what cannot be written is undone and  *)
(* refused; a crash loses at most what nobody was promised.  Copies go to  *)
(* other machines behind all that.  The executable twin is spec.store.     *)
(*                                                                         *)
(* A change is a number, a state the sequence of the changes made.         *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
    MaxChange,   \* how many changes are asked for
    Targets,     \* the machines that get copies: 1..n, or none
    MaxFailures, \* how many writes fail
    MaxCrashes,
    MaxLosses,   \* how many messages to targets are lost, and targets emptied
    KeepLabels   \* whether `said' keeps the last step's label

VARIABLES
    up,
    memory,      \* the state that calls see
    writing,     \* the state that is being written; <<>> for none
    disk,        \* the state on disk
    issued,      \* the last change asked for
    answer,      \* change -> "" (none yet), "done", "undone", or "silence" (the daemon was killed)
    copy,        \* target -> how many changes its copy has
    believed,    \* target -> how many the daemon thinks it has
    message,     \* target -> what is under way to it: from and to (from 0: everything); <<>> for nothing
    failures, crashes, losses,
    said

vars == <<up, memory, writing, disk, issued, answer, copy, believed, message, failures, crashes, losses, said>>

Say(label) == said' = IF KeepLabels THEN label ELSE <<>>
Has(state, c) == \E i \in DOMAIN state : state[i] = c
Faults == <<failures, crashes, losses>>
Copies == <<copy, believed, message>>

(* Whoever made a change that is in `state' and has no answer gets one. *)
Answered(state, what) == [c \in DOMAIN answer |-> IF Has(state, c) /\ answer[c] = "" THEN what ELSE answer[c]]

Ask ==
    /\ up
    /\ issued < MaxChange
    /\ Say(<<"Ask">>)
    /\ issued' = issued + 1
    /\ memory' = Append(memory, issued + 1)
    /\ UNCHANGED <<up, writing, disk, answer, Copies, Faults>>

Begin ==
    /\ up
    /\ writing = <<>>
    /\ memory # disk
    /\ Say(<<"Begin">>)
    /\ writing' = memory
    /\ UNCHANGED <<up, memory, disk, issued, answer, Copies, Faults>>

Written ==
    /\ up
    /\ writing # <<>>
    /\ Say(<<"Written">>)
    /\ disk' = writing
    /\ writing' = <<>>
    /\ answer' = Answered(writing, "done")
    /\ UNCHANGED <<up, memory, issued, Copies, Faults>>

(* What was being written is undone, and what gathered on top of it. *)
Failed ==
    /\ up
    /\ writing # <<>>
    /\ failures < MaxFailures
    /\ Say(<<"Failed">>)
    /\ failures' = failures + 1
    /\ memory' = disk
    /\ writing' = <<>>
    /\ answer' = Answered(SelectSeq(memory, LAMBDA c : ~Has(disk, c)), "undone")
    /\ UNCHANGED <<up, disk, issued, Copies, crashes, losses>>

(* What was being written may have reached the disk or not, but never in part. *)
Crash == \E landed \in BOOLEAN :
    /\ up
    /\ crashes < MaxCrashes
    /\ landed => writing # <<>>
    /\ Say(<<"Crash", landed>>)
    /\ crashes' = crashes + 1
    /\ up' = FALSE
    /\ disk' = IF landed THEN writing ELSE disk
    /\ memory' = <<>>
    /\ writing' = <<>>
    /\ answer' = Answered(memory, "silence")
    /\ believed' = [t \in Targets |-> 0]
    /\ message' = [t \in Targets |-> <<>>]
    /\ UNCHANGED <<issued, copy, failures, losses>>

Recover ==
    /\ ~up
    /\ Say(<<"Recover">>)
    /\ up' = TRUE
    /\ memory' = disk
    /\ UNCHANGED <<writing, disk, issued, answer, Copies, Faults>>

(* A copy of what is on disk goes out: what is new, or everything where nothing is known of the target. *)
Send(t) ==
    /\ up
    /\ message[t] = <<>>
    /\ believed[t] # Len(disk)
    /\ Say(<<"Send", t>>)
    /\ message' = [message EXCEPT ![t] = <<believed[t], Len(disk)>>]
    /\ believed' = [believed EXCEPT ![t] = Len(disk)]
    /\ UNCHANGED <<up, memory, writing, disk, issued, answer, copy, Faults>>

(* A target takes what fits onto what it has; otherwise everything has to be sent again. *)
Deliver(t) ==
    /\ message[t] # <<>>
    /\ Say(<<"Deliver", t>>)
    /\ message' = [message EXCEPT ![t] = <<>>]
    /\ IF message[t][1] \in {0, copy[t]}
       THEN copy' = [copy EXCEPT ![t] = message[t][2]] /\ UNCHANGED believed
       ELSE believed' = [believed EXCEPT ![t] = 0] /\ UNCHANGED copy
    /\ UNCHANGED <<up, memory, writing, disk, issued, answer, Faults>>

Lose(t) ==
    /\ losses < MaxLosses
    /\ message[t] # <<>>
    /\ Say(<<"Lose", t>>)
    /\ losses' = losses + 1
    /\ message' = [message EXCEPT ![t] = <<>>]
    /\ UNCHANGED <<up, memory, writing, disk, issued, answer, copy, believed, failures, crashes>>

(* The daemon asks a target now and then what it has: a lost message or an emptied target is noticed. *)
Ping(t) ==
    /\ up
    /\ message[t] = <<>>
    /\ believed[t] # copy[t]
    /\ Say(<<"Ping", t>>)
    /\ believed' = [believed EXCEPT ![t] = copy[t]]
    /\ UNCHANGED <<up, memory, writing, disk, issued, answer, copy, message, Faults>>

Empty(t) ==
    /\ losses < MaxLosses
    /\ copy[t] # 0
    /\ Say(<<"Empty", t>>)
    /\ losses' = losses + 1
    /\ copy' = [copy EXCEPT ![t] = 0]
    /\ UNCHANGED <<up, memory, writing, disk, issued, answer, believed, message, failures, crashes>>

Init ==
    /\ up = TRUE
    /\ memory = <<>> /\ writing = <<>> /\ disk = <<>>
    /\ issued = 0
    /\ answer = [c \in 1..MaxChange |-> ""]
    /\ copy = [t \in Targets |-> 0]
    /\ believed = [t \in Targets |-> 0]
    /\ message = [t \in Targets |-> <<>>]
    /\ failures = 0 /\ crashes = 0 /\ losses = 0
    /\ said = <<>>

Next ==
    \/ Ask \/ Begin \/ Written \/ Failed \/ Crash \/ Recover
    \/ \E t \in Targets : Send(t) \/ Deliver(t) \/ Lose(t) \/ Ping(t) \/ Empty(t)

Spec == Init /\ [][Next]_vars

(* No fairness for the targets: answers must not depend on them. *)
LiveSpec == Spec /\ WF_vars(Begin) /\ WF_vars(Written) /\ WF_vars(Recover)
CopySpec == LiveSpec /\ \A t \in Targets : WF_vars(Send(t)) /\ WF_vars(Deliver(t)) /\ WF_vars(Ping(t))

-----------------------------------------------------------------------------

Prefix(s, t) == Len(s) <= Len(t) /\ \A i \in DOMAIN s : s[i] = t[i]

ConfirmedIsDurable == \A c \in DOMAIN answer : answer[c] = "done" => Has(disk, c)
ConfirmedIsSeen == up => \A c \in DOMAIN answer : answer[c] = "done" => Has(memory, c)
UndoneIsGone == \A c \in DOMAIN answer : answer[c] = "undone" => ~Has(disk, c) /\ ~Has(memory, c)
NothingIsInvented == \A i \in DOMAIN disk : disk[i] \in 1..issued
DiskIsBehindMemory == up => Prefix(disk, memory) /\ (writing = <<>> \/ Prefix(writing, memory))
InOrder == \A i \in DOMAIN memory : \A j \in DOMAIN memory : i < j => memory[i] < memory[j]
CopiesAreOfTheDisk == \A t \in Targets : copy[t] <= Len(disk)

(* What was on disk once stays, and an answer once given stands. *)
NothingIsForgotten == [][Prefix(disk, disk')]_vars
AnswersStand == [][\A c \in DOMAIN answer : answer[c] # "" => answer'[c] = answer[c]]_vars

(* An answer is given in the very step that makes the change durable. *)
EveryChangeIsAnswered == \A c \in 1..MaxChange : issued >= c ~> answer[c] # ""
CopiesCatchUp == \A t \in Targets : <>[](up => copy[t] = Len(disk))

(* Reached, and so not excluded by accident: each of these must fail as an invariant. *)
NeverAnUnconfirmedRecovery == ~(up /\ \E c \in DOMAIN answer : answer[c] = "silence" /\ Has(memory, c))
NeverALostUnconfirmed == ~\E c \in DOMAIN answer : answer[c] = "silence" /\ ~Has(disk, c) /\ up
NeverUndone == \A c \in DOMAIN answer : answer[c] # "undone"
NeverAGap == ~\E t \in Targets : message[t] # <<>> /\ message[t][1] \notin {0, copy[t]}
=============================================================================
