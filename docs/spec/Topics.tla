------------------------------- MODULE Topics -------------------------------
(* A topic's life (docs/PROTOCOL.md, 2.11): made in three transactions, deleted step by step, under one name that
   several makers want. A topic has one partition here. A transaction that was sent stays in the network: it may be
   carried out late, and again, `Again` times in all. Who deletes may die and be followed by another at any step. *)
EXTENDS Naturals, FiniteSets

CONSTANTS Ids,      \* one for each creation
          Again,    \* so many times in all is a transaction of a creation carried out once more
          Bugs      \* planted defects

VARIABLES topic,    \* id -> "none" | "creating" | "live" | "deleting" | "gone"
          head,     \* id -> "none" | "there" | "dl"
          name,     \* the id that the name leads to; 0: none
          sent,     \* transactions of creations under way: <<step, id>>
          done,     \* those that were carried out once
          again,    \* how many were carried out once more
          named,    \* ids that the name has led to: servers may remember them
          marked,   \* ids whose heads the deleter has marked
          closed,   \* ids that a deleter may clear away
          gone,     \* ids whose deletion somebody asked for, and was answered
          late      \* ids that took a record after that

vars == <<topic, head, name, sent, done, again, named, marked, closed, gone, late>>
Bug(b) == b \in Bugs

Init == /\ topic = [i \in Ids |-> "none"] /\ head = [i \in Ids |-> "none"] /\ name = 0
        /\ sent = {} /\ done = {} /\ again = 0 /\ named = {} /\ marked = {} /\ closed = {} /\ gone = {} /\ late = {}

(***************************** creation ************************************)
\* A maker sends the next transaction when it has been told of the one before.
Send(i) == \E s \in 1..3 :
  /\ <<s, i>> \notin sent /\ (s > 1 => <<s - 1, i>> \in done)
  /\ sent' = sent \cup {<<s, i>>}
  /\ UNCHANGED <<topic, head, name, done, again, named, marked, closed, gone, late>>

Can(s, i) == CASE s = 1 -> topic[i] = "none"
               [] s = 2 -> topic[i] = "creating" \/ Bug("headsalways")
               [] s = 3 -> name = 0 /\ topic[i] = "creating"

Carry(r) == LET s == r[1] i == r[2] IN
  /\ Can(s, i)
  /\ topic' = [topic EXCEPT ![i] = IF s = 1 THEN "creating" ELSE IF s = 3 THEN "live" ELSE @]
  /\ head' = [head EXCEPT ![i] = IF s = 2 /\ @ = "none" THEN "there" ELSE @]     \* put if absent
  /\ name' = IF s = 3 THEN i ELSE name
  /\ named' = IF s = 3 THEN named \cup {i} ELSE named
  /\ UNCHANGED <<sent, marked, closed, gone, late>>

Apply(r) ==
  /\ Carry(r)
  /\ \/ r \notin done /\ done' = done \cup {r} /\ UNCHANGED again
     \/ r \in done /\ again < Again /\ again' = again + 1 /\ UNCHANGED done

(***************************** deletion ************************************)
\* The topic that the name leads to, or one whose maker gave up, whatever a clock says of that.
Ask(i) ==
  /\ topic[i] \in {"live", "creating"}
  /\ topic' = [topic EXCEPT ![i] = "deleting"]
  /\ marked' = marked \ {i} /\ closed' = closed \ {i}
  /\ UNCHANGED <<head, name, sent, done, again, named, gone, late>>
Mark(i) ==
  /\ topic[i] = "deleting" /\ marked' = marked \cup {i}
  /\ head' = [head EXCEPT ![i] = IF @ = "there" THEN "dl" ELSE @]
  /\ UNCHANGED <<topic, name, sent, done, again, named, closed, gone, late>>
Unname(i) ==        \* a request that was sent may be carried out whenever the name leads there
  /\ i \in marked \/ Bug("unnamefirst")
  /\ name = i \/ (Bug("unnameany") /\ name # 0)
  /\ name' = 0
  /\ UNCHANGED <<topic, head, sent, done, again, named, marked, closed, gone, late>>
Answer(i) ==
  /\ topic[i] = "deleting" /\ i \in marked /\ name # i
  /\ closed' = closed \cup {i} /\ gone' = IF i \in named THEN gone \cup {i} ELSE gone
  /\ UNCHANGED <<topic, head, name, sent, done, again, named, marked, late>>
Clear(i) ==
  /\ i \in closed /\ head[i] # "none"
  /\ head' = [head EXCEPT ![i] = "none"]
  /\ UNCHANGED <<topic, name, sent, done, again, named, marked, closed, gone, late>>
Forget(i) ==
  /\ i \in closed /\ topic[i] = "deleting" /\ (head[i] = "none" \/ Bug("forgetfirst"))
  /\ topic' = [topic EXCEPT ![i] = IF Bug("forget") THEN "none" ELSE "gone"]    \* kept for ever: the id is never free again
  /\ UNCHANGED <<head, name, sent, done, again, named, marked, closed, gone, late>>

(***************************** everybody else ******************************)
\* A server that remembers the topic appends, whatever the topic's own item says.
Append(i) ==
  /\ head[i] = "there" \/ (Bug("nodl") /\ head[i] = "dl")
  /\ i \in named /\ i \in gone /\ late' = late \cup {i}
  /\ UNCHANGED <<topic, head, name, sent, done, again, named, marked, closed, gone>>

Next == \/ \E i \in Ids : Send(i) \/ Ask(i) \/ Mark(i) \/ Unname(i) \/ Answer(i) \/ Clear(i) \/ Forget(i) \/ Append(i)
        \/ \E r \in sent : Apply(r)
Spec == Init /\ [][Next]_vars

(***************************** invariants **********************************)
\* Who finds a topic by its name can append to it.
NamedWhole == name # 0 /\ topic[name] = "live" => head[name] = "there"
\* A topic whose deletion was answered is never found again, and takes nothing.
NoReturn == \A i \in gone : ~(name = i /\ topic[i] = "live")
NoLate == late = {}
\* Nobody takes the name away from a topic that stands.
NameKept == \A i \in Ids : topic[i] = "live" => name = i
\* What is left of a topic that is gone is still known to somebody who clears it away.
NothingLost == \A i \in Ids : topic[i] \in {"none", "gone"} => head[i] = "none"
=============================================================================
