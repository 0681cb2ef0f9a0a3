-------------------------------- MODULE Jobs --------------------------------
(***************************************************************************)
(* The job queue: submission, dependencies, priorities, choosing, the      *)
(* hand-over to a process with live-locks, running, cancel, change of      *)
(* priority, death, crash and restart of the daemon, archive, drain.  The  *)
(* executable twin is spec.jobs.queue; `gantry refine jobs' compares.      *)
(*                                                                         *)
(* The daemon takes a step in memory and puts what follows from it (files  *)
(* to write, processes to start, answers) into `outbox', which is carried  *)
(* out in order.  A crash empties memory and outbox; files, processes and  *)
(* what clients were answered stay.  A file write is atomic and durable.   *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
    MaxId,       \* how many jobs are submitted
    Opcodes,     \* how many opcodes each of them has
    Priorities,  \* smaller is more urgent
    Accepts,     \* the sets of final statuses that dependencies may accept
    SlotChoices, \* what max_running_jobs may be; the first state takes the largest
    Forces,      \* whether submissions may be forced into a drained queue
    Events,      \* the kinds of steps that are tried
    Backlog,     \* how much may be in the outbox when the daemon takes a step
    MaxKills,    \* how many processes of jobs are killed
    MaxCrashes,  \* how often the daemon is killed
    KeepLabels   \* whether `said' keeps the last step's label

Ids == 1..MaxId

VARIABLES
    up,          \* whether the daemon runs
    mem,         \* what the daemon knows of each job: its place and its content
    serial,      \* the last id given out, as the daemon knows it
    drained,     \* whether the queue is closed, as the daemon knows it
    slots,       \* max_running_jobs
    outbox,      \* what the daemon still has to do, in this order
    file,        \* the job files
    archive,     \* the jobs whose file is in the archive
    diskSerial, diskDrained,
    proc,        \* the processes of jobs: none, started, named, owner, gone
    term,        \* the jobs whose process was asked to cancel
    runs,        \* how many opcodes of the job began to run
    acked,       \* the jobs whose id was answered to a client
    denied,      \* the jobs that were answered to be canceled
    kills, crashes,
    said

vars == <<up, mem, serial, drained, slots, outbox, file, archive, diskSerial, diskDrained,
          proc, term, runs, acked, denied, kills, crashes, said>>

Final == {"canceled", "success", "error"}
\* `done' counts the opcodes that succeeded; between two opcodes a job reads as queued again
NoJob == [status |-> "absent", done |-> 0, priority |-> 0, lock |-> "", on |-> 0, accepted |-> {}]
Nowhere == [place |-> "none", job |-> NoJob]
NoJobs == [i \in Ids |-> Nowhere]

ASSUME BoundsAreSound == MaxId > 0 /\ Opcodes > 0 /\ SlotChoices # {} /\ \A a \in Accepts : a \subseteq Final

Max(S) == CHOOSE x \in S : \A y \in S : y <= x
Min(S) == CHOOSE x \in S : \A y \in S : x <= y

-----------------------------------------------------------------------------
(* Which jobs may start, and which never will. *)

At(m, places) == {i \in Ids : m[i].place \in places}
Live == {"queued", "starting", "running"}
Busy == {"starting", "running"}

Eligible(m, i) == m[i].job.on \notin At(m, Live)

(* What the ended dependency makes of a job: "run", or the status it ends with. *)
Verdict(m, i) ==
    LET j == m[i].job
    IN IF j.on = 0 THEN "run"
       ELSE IF j.on \notin At(m, {"ended", "archived"}) THEN "error"
       ELSE LET s == m[j.on].job.status
            IN IF s = "canceled" /\ s \notin j.accepted THEN "canceled"
               ELSE IF j.accepted # {} /\ s \notin j.accepted THEN "error"
               ELSE "run"

Before(m, i, j) ==
    \/ m[i].job.priority < m[j].job.priority
    \/ (m[i].job.priority = m[j].job.priority /\ i < j)

Ended(m, i, status) ==
    [m EXCEPT ![i] = [place |-> "ended",
                      job |-> [@.job EXCEPT !.status = status, !.lock = IF status = "canceled" THEN "" ELSE @]]]

(* End, by id, what can never run; then start what may while there are slots. *)
RECURSIVE Settle(_)
Settle(m) ==
    LET doomed == {i \in At(m, {"queued"}) : Eligible(m, i) /\ Verdict(m, i) # "run"}
    IN IF doomed = {} THEN m ELSE LET i == Min(doomed) IN Settle(Ended(m, i, Verdict(m, i)))

RECURSIVE Choose(_, _, _)
Choose(m, n, chosen) ==
    LET ready == {i \in At(m, {"queued"}) : Eligible(m, i)}
    IN IF Cardinality(At(m, Busy)) >= n \/ ready = {} THEN [mem |-> m, chosen |-> chosen]
       ELSE LET i == CHOOSE i \in ready : \A j \in ready : j = i \/ Before(m, i, j)
            IN Choose([m EXCEPT ![i] = [place |-> "starting", job |-> [@.job EXCEPT !.lock = "luxid"]]],
                      n, Append(chosen, i))

Persist(m, S, n) == [do |-> "persist", jobs |-> [i \in S |-> m[i].job], serial |-> n]
Do(what, i) == [do |-> what, id |-> i]

(* The memory after an event is m, with what it makes the daemon do; now the slots are filled. *)
Filled(m, n, effects) ==
    LET settled == Settle(m)
        full == Choose(settled, n, <<>>)
        changed == {i \in Ids : full.mem[i] # m[i]}
    IN [mem |-> full.mem,
        effects |-> IF changed = {} THEN effects
                    ELSE effects \o <<Persist(full.mem, changed, 0)>>
                         \o [k \in DOMAIN full.chosen |-> Do("launch", full.chosen[k])]]

-----------------------------------------------------------------------------
(* The daemon's steps. *)

Say(label) == said' = IF KeepLabels THEN label ELSE <<>>

Takes(event) == event \in Events /\ up /\ Len(outbox) <= Backlog

Step(m, effects) ==
    LET after == Filled(m, slots, effects)
    IN mem' = after.mem /\ outbox' = outbox \o after.effects

Disk == <<file, archive, diskSerial, diskDrained>>
World == <<term, runs, acked, denied>>
Faults == <<kills, crashes>>

Submit == \E p \in Priorities, on \in 0..MaxId, accepted \in Accepts, force \in Forces :
    /\ Takes("Submit")
    /\ serial < MaxId
    /\ on <= serial
    /\ on = 0 => accepted = {}
    /\ Say(<<"Submit", p, on, accepted, force>>)
    /\ IF drained /\ ~force
       THEN /\ outbox' = outbox \o <<Do("refuse", 0)>>
            /\ UNCHANGED <<mem, serial>>
       ELSE LET i == serial + 1
                job == [status |-> "queued", done |-> 0, priority |-> p, lock |-> "", on |-> on, accepted |-> accepted]
                m == [mem EXCEPT ![i] = [place |-> "queued", job |-> job]]
            IN /\ serial' = i
               /\ Step(m, <<Persist(m, {i}, i), Do("accept", i)>>)
    /\ UNCHANGED <<up, drained, slots, Disk, proc, World, Faults>>

Cancel == \E i \in Ids :
    /\ Takes("Cancel")
    /\ i <= serial
    /\ Say(<<"Cancel", i>>)
    /\ IF mem[i].place = "queued"
       THEN LET m == Ended(mem, i, "canceled") IN Step(m, <<Persist(m, {i}, 0), Do("deny", i)>>)
       ELSE Step(mem, <<Do(IF mem[i].place \in Busy THEN "term" ELSE "refuse",
                           IF mem[i].place \in Busy THEN i ELSE 0)>>)
    /\ UNCHANGED <<up, serial, drained, slots, Disk, proc, World, Faults>>

(* Of a started job it is the process that changes the priority; that is left out. *)
ChangePriority == \E i \in Ids, p \in Priorities :
    /\ Takes("ChangePriority")
    /\ mem[i].place = "queued"
    /\ Say(<<"ChangePriority", i, p>>)
    /\ LET m == [mem EXCEPT ![i].job.priority = p]
       IN Step(m, <<Persist(m, {i}, 0), Do("answer", 0)>>)
    /\ UNCHANGED <<up, serial, drained, slots, Disk, proc, World, Faults>>

Archive == \E i \in Ids :
    /\ Takes("Archive")
    /\ i <= serial
    /\ Say(<<"Archive", i>>)
    /\ IF mem[i].place = "ended"
       THEN Step([mem EXCEPT ![i].place = "archived"], <<Do("move", i), Do("answer", 0)>>)
       ELSE Step(mem, <<Do("refuse", 0)>>)
    /\ UNCHANGED <<up, serial, drained, slots, Disk, proc, World, Faults>>

Drain == \E d \in BOOLEAN :
    /\ Takes("Drain")
    /\ Say(<<"Drain", d>>)
    /\ drained' = d
    /\ Step(mem, <<Do(IF d THEN "close" ELSE "open", 0), Do("answer", 0)>>)
    /\ UNCHANGED <<up, serial, slots, Disk, proc, World, Faults>>

Configure == \E n \in SlotChoices :
    /\ Takes("Configure")
    /\ n # slots
    /\ Say(<<"Configure", n>>)
    /\ slots' = n
    /\ LET after == Filled(mem, n, <<>>) IN mem' = after.mem /\ outbox' = outbox \o after.effects
    /\ UNCHANGED <<up, serial, drained, Disk, proc, World, Faults>>

(* A process names its live-lock; only for a job that is being started it is taken as the owner. *)
Own(i) ==
    /\ Takes("Own")
    /\ proc[i] = "started"
    /\ Say(<<"Own", i>>)
    /\ proc' = [proc EXCEPT ![i] = "named"]
    /\ IF mem[i].place = "starting"
       THEN LET m == [mem EXCEPT ![i] = [place |-> "running", job |-> [@.job EXCEPT !.lock = "own"]]]
            IN Step(m, <<Persist(m, {i}, 0), Do("confirm", i)>>)
       ELSE Step(mem, <<Do("abort", i)>>)
    /\ UNCHANGED <<up, serial, drained, slots, Disk, World, Faults>>

(* The process went before it was confirmed: the job is queued again ... *)
NotStarted(i) ==
    /\ Takes("NotStarted")
    /\ mem[i].place = "starting"
    /\ proc[i] = "gone"
    /\ Say(<<"NotStarted", i>>)
    /\ proc' = [proc EXCEPT ![i] = "none"]
    /\ LET m == [mem EXCEPT ![i] = [place |-> "queued", job |-> [@.job EXCEPT !.lock = ""]]]
       IN Step(m, <<Persist(m, {i}, 0)>>)
    /\ UNCHANGED <<up, serial, drained, slots, Disk, World, Faults>>

(* ... or given up, its pipe closed. *)
GiveUp(i) ==
    /\ Takes("GiveUp")
    /\ mem[i].place = "starting"
    /\ proc[i] \in {"started", "gone"}
    /\ Say(<<"GiveUp", i>>)
    /\ proc' = [proc EXCEPT ![i] = "gone"]
    /\ LET m == [mem EXCEPT ![i] = [place |-> "ended", job |-> [@.job EXCEPT !.status = "error", !.lock = ""]]]
       IN Step(m, <<Persist(m, {i}, 0)>>)
    /\ UNCHANGED <<up, serial, drained, slots, Disk, World, Faults>>

(* The daemon sees that a job has ended. *)
Watch(i) ==
    /\ Takes("Watch")
    /\ mem[i].place = "running"
    /\ file[i].status \in Final
    /\ Say(<<"Watch", i>>)
    /\ Step([mem EXCEPT ![i] = [place |-> "ended", job |-> file[i]]], <<>>)
    /\ UNCHANGED <<up, serial, drained, slots, Disk, proc, World, Faults>>

(* The daemon finds the owner of a job dead. *)
Bury(i) ==
    /\ Takes("Bury")
    /\ mem[i].place = "running"
    /\ proc[i] = "gone"
    /\ Say(<<"Bury", i>>)
    /\ LET over == file[i].status \in Final
           m == [mem EXCEPT ![i] = [place |-> "ended",
                                    job |-> IF over THEN file[i] ELSE [file[i] EXCEPT !.status = "error"]]]
       IN Step(m, (IF over THEN <<>> ELSE <<Persist(m, {i}, 0)>>) \o <<Do("clean", 0)>>)
    /\ UNCHANGED <<up, serial, drained, slots, Disk, proc, World, Faults>>

(* What the daemon has to do is done, the oldest first. *)
Perform ==
    /\ up
    /\ outbox # <<>>
    /\ outbox' = Tail(outbox)
    /\ Say(<<"Perform">>)
    /\ LET e == Head(outbox)
       IN /\ file' = IF e.do = "persist" THEN [i \in Ids |-> IF i \in DOMAIN e.jobs THEN e.jobs[i] ELSE file[i]]
                     ELSE file
          /\ diskSerial' = IF e.do = "persist" /\ e.serial > diskSerial THEN e.serial ELSE diskSerial
          /\ diskDrained' = IF e.do = "close" THEN TRUE ELSE IF e.do = "open" THEN FALSE ELSE diskDrained
          /\ archive' = IF e.do = "move" THEN archive \cup {e.id} ELSE archive
          /\ proc' = IF e.do = "launch" THEN [proc EXCEPT ![e.id] = "started"]
                     ELSE IF e.do = "confirm" /\ proc[e.id] = "named" THEN [proc EXCEPT ![e.id] = "owner"]
                     ELSE IF e.do = "abort" THEN [proc EXCEPT ![e.id] = "gone"]
                     ELSE proc
          /\ term' = IF e.do = "term" /\ proc[e.id] = "owner" THEN term \cup {e.id} ELSE term
          /\ acked' = IF e.do = "accept" THEN acked \cup {e.id} ELSE acked
          /\ denied' = IF e.do = "deny" THEN denied \cup {e.id} ELSE denied
    /\ UNCHANGED <<up, mem, serial, drained, slots, runs, Faults>>

Crash ==
    /\ up
    /\ crashes < MaxCrashes
    /\ Say(<<"Crash">>)
    /\ up' = FALSE
    /\ crashes' = crashes + 1
    /\ mem' = NoJobs
    /\ serial' = 0
    /\ drained' = FALSE
    /\ outbox' = <<>>
    \* processes that are not confirmed see their pipe closed, and go
    /\ proc' = [i \in Ids |-> IF proc[i] \in {"started", "named"} THEN "gone" ELSE proc[i]]
    /\ UNCHANGED <<slots, Disk, World, kills>>

(* The daemon starts: it adopts what runs, fails what died, and queues what never began. *)
Restart ==
    /\ ~up
    /\ Say(<<"Restart">>)
    /\ up' = TRUE
    /\ LET Found(i) ==
               LET j == file[i]
                   owned == j.lock = "own" /\ proc[i] = "owner"
               IN IF i \in archive THEN [place |-> "archived", job |-> j]
                  ELSE IF j.status = "absent" THEN Nowhere
                  ELSE IF j.status \in Final THEN [place |-> "ended", job |-> j]
                  ELSE IF owned THEN [place |-> "running", job |-> j]
                  ELSE IF j.status = "queued" /\ j.done = 0 THEN [place |-> "queued", job |-> [j EXCEPT !.lock = ""]]
                  ELSE [place |-> "ended", job |-> [j EXCEPT !.status = "error"]]
           m == [i \in Ids |-> Found(i)]
           after == Filled(m, slots, <<>>)
           there == {i \in Ids \ archive : file[i].status # "absent"}
       IN /\ file' = [i \in Ids |-> IF i \in there THEN m[i].job ELSE file[i]]
          /\ proc' = [i \in Ids |-> IF m[i].place = "queued" THEN "none" ELSE proc[i]]
          /\ mem' = after.mem
          /\ outbox' = after.effects
          /\ serial' = Max({diskSerial} \cup there)
    /\ drained' = diskDrained
    /\ UNCHANGED <<slots, archive, diskSerial, diskDrained, World, Faults>>

-----------------------------------------------------------------------------
(* The steps of a job's process, and its death. *)

Quiet == <<up, mem, serial, drained, slots, outbox, archive, diskSerial, diskDrained>>

Writes(i, status) == file' = [file EXCEPT ![i].status = status]

Begin(i) ==
    /\ proc[i] = "owner"
    /\ file[i].status = "queued"
    /\ Say(<<"Begin", i>>)
    /\ Writes(i, "waiting")
    /\ UNCHANGED <<Quiet, proc, World, Faults>>

Run(i) ==
    /\ proc[i] = "owner"
    /\ file[i].status = "waiting"
    /\ Say(<<"Run", i>>)
    /\ Writes(i, "running")
    /\ runs' = [runs EXCEPT ![i] = @ + 1]
    /\ UNCHANGED <<Quiet, proc, term, acked, denied, Faults>>

(* A process that was asked to cancel does so while it still waits. *)
Obey(i) ==
    /\ proc[i] = "owner"
    /\ i \in term
    /\ file[i].status \in {"queued", "waiting"}
    /\ Say(<<"Obey", i>>)
    /\ Writes(i, "canceled")
    /\ UNCHANGED <<Quiet, proc, World, Faults>>

(* An opcode ends; an error takes those after it along. *)
End(i) == \E status \in {"success", "error"} :
    /\ proc[i] = "owner"
    /\ file[i].status = "running"
    /\ Say(<<"End", i, status>>)
    /\ IF status = "error"
       THEN Writes(i, "error")
       ELSE LET done == file[i].done + 1
            IN file' = [file EXCEPT ![i].done = done, ![i].status = IF done < Opcodes THEN "queued" ELSE "success"]
    /\ UNCHANGED <<Quiet, proc, World, Faults>>

(* At its end a process removes its live-lock. *)
Leave(i) ==
    /\ proc[i] = "owner"
    /\ file[i].status \in Final
    /\ Say(<<"Leave", i>>)
    /\ proc' = [proc EXCEPT ![i] = "gone"]
    /\ UNCHANGED <<Quiet, file, World, Faults>>

Kill(i) ==
    /\ kills < MaxKills
    /\ proc[i] \in {"started", "named", "owner"}
    /\ Say(<<"Kill", i>>)
    /\ kills' = kills + 1
    /\ proc' = [proc EXCEPT ![i] = "gone"]
    /\ UNCHANGED <<Quiet, file, World, crashes>>

Init ==
    /\ up = TRUE
    /\ mem = NoJobs
    /\ serial = 0
    /\ drained = FALSE
    /\ slots = Max(SlotChoices)
    /\ outbox = <<>>
    /\ file = [i \in Ids |-> NoJob]
    /\ archive = {}
    /\ diskSerial = 0
    /\ diskDrained = FALSE
    /\ proc = [i \in Ids |-> "none"]
    /\ term = {}
    /\ runs = [i \in Ids |-> 0]
    /\ acked = {}
    /\ denied = {}
    /\ kills = 0
    /\ crashes = 0
    /\ said = <<>>

Next ==
    \/ Submit \/ Cancel \/ ChangePriority \/ Archive \/ Drain \/ Configure
    \/ Perform \/ Crash \/ Restart
    \/ \E i \in Ids :
        \/ Own(i) \/ NotStarted(i) \/ GiveUp(i) \/ Watch(i) \/ Bury(i)
        \/ Begin(i) \/ Run(i) \/ Obey(i) \/ End(i) \/ Leave(i) \/ Kill(i)

Spec == Init /\ [][Next]_vars

(* Whatever has to be done is done some day; nobody has to submit, cancel, kill or give up. *)
LiveSpec ==
    /\ Spec
    /\ WF_vars(Perform)
    /\ WF_vars(Restart)
    /\ \A i \in Ids :
        /\ WF_vars(Own(i)) /\ WF_vars(NotStarted(i)) /\ WF_vars(Watch(i)) /\ WF_vars(Bury(i))
        /\ WF_vars(Begin(i)) /\ WF_vars(Run(i)) /\ WF_vars(End(i)) /\ WF_vars(Leave(i))

-----------------------------------------------------------------------------
(* What must hold in every state. *)

Places == {"none", "queued", "starting", "running", "ended", "archived"}
Statuses == {"absent", "queued", "waiting", "running"} \cup Final

TypeOK ==
    /\ \A i \in Ids : mem[i].place \in Places /\ mem[i].job.status \in Statuses
    /\ \A i \in Ids : file[i].status \in Statuses /\ file[i].lock \in {"", "luxid", "own"}
    /\ \A i \in Ids : proc[i] \in {"none", "started", "named", "owner", "gone"}
    /\ up => serial >= diskSerial

AcknowledgedIsKept == \A i \in acked : file[i].status # "absent"

(* Every opcode runs at most once: no more began than have succeeded, but for one that runs or did not succeed. *)
NeverRunTwice ==
    \A i \in Ids : runs[i] <= file[i].done + (IF file[i].status \in {"running", "error"} THEN 1 ELSE 0)

SuccessMeansAllRan == \A i \in Ids : file[i].status = "success" => runs[i] = Opcodes

BegunIsNotQueuedAgain == \A i \in Ids : mem[i].place \in {"queued", "starting"} => runs[i] = 0

(* Where the number of slots does not change: never more jobs run than there are slots, restarts included. *)
AtMostMaxRunning ==
    /\ Cardinality(At(mem, Busy)) <= slots
    /\ Cardinality({i \in Ids : proc[i] = "owner" /\ file[i].status \notin Final}) <= slots

NoSlotIsIdle ==
    up => \/ Cardinality(At(mem, Busy)) >= slots
          \/ ~\E i \in At(mem, {"queued"}) : Eligible(mem, i)

DependenciesAreKept ==
    \A i \in Ids : runs[i] > 0 /\ file[i].on # 0 =>
        LET s == file[file[i].on].status
        IN s \in Final /\ (s \in file[i].accepted \/ (file[i].accepted = {} /\ s # "canceled"))

CancelReportedTruly == \A i \in denied : runs[i] = 0 /\ file[i].status = "canceled"

(* With nothing under way, every unfinished job is queued, or runs with an owner, or its death will be found. *)
EveryJobIsAccountedFor ==
    up /\ outbox = <<>> =>
        \A i \in Ids : file[i].status \notin Final \cup {"absent"} =>
            \/ mem[i].place = "queued"
            \/ mem[i].place \in Busy /\ proc[i] \in {"started", "named", "owner", "gone"}

OneOwner == \A i \in Ids : proc[i] = "owner" => file[i].lock = "own" /\ (up => mem[i].place \notin {"queued", "starting"})

(* What must hold of every step. *)

FinalIsFinal == [][\A i \in Ids : file[i].status \in Final => file'[i].status = file[i].status]_vars

UrgentFirst ==
    [][\A i \in Ids : \A j \in Ids :
        (mem[i].place # "starting" /\ mem'[i].place = "starting" /\ mem'[j].place = "queued" /\ Eligible(mem', j))
            => Before(mem', i, j)]_vars

NoneBeyondTheSlots ==
    [][\A i \in Ids : mem[i].place # "starting" /\ mem'[i].place = "starting"
            => Cardinality(At(mem', Busy)) <= slots']_vars

DrainedTakesNothing == [][drained /\ up /\ up' /\ TRUE \notin Forces => serial' = serial]_vars

(* What must come about. *)

EveryAcceptedJobEnds == \A i \in Ids : i \in acked ~> file[i].status \in Final
AFreeSlotIsUsed ==
    \A i \in Ids : (up /\ mem[i].place = "starting") ~> (proc[i] = "owner" \/ file[i].status \in Final \/ ~up)

(* Reached, and so not excluded by accident: each of these must fail as an invariant. *)

NeverARestartWithRunning == ~(crashes > 0 /\ up /\ At(mem, {"running"}) # {} /\ \E i \in Ids : proc[i] = "owner")
NeverQueuedAgain == ~(crashes > 0 /\ \E i \in Ids : proc[i] = "owner" /\ runs[i] = 0 /\ file[i].status = "waiting")
NeverEndedByDependency == ~\E i \in Ids : file[i].status \in Final /\ runs[i] = 0 /\ file[i].on # 0 /\ i \notin denied
NeverDeadBetweenOpcodes ==
    ~\E i \in Ids : crashes > 0 /\ up /\ mem[i].place = "ended" /\ mem[i].job.status = "error" /\ mem[i].job.done = 1
                      /\ runs[i] = 1
NeverObeyedBetweenOpcodes == ~\E i \in term : file[i].status = "canceled" /\ file[i].done = 1
NeverObeyed == ~\E i \in term : file[i].status = "canceled"
NeverTermedInVain == ~\E i \in term : file[i].status = "success"
NeverDenied == denied = {}
NeverArchivedAndDependedOn == ~\E i \in Ids : file[i].on \in archive /\ file[i].on # 0 /\ runs[i] = 1
=============================================================================
