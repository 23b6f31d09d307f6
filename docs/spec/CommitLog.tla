------------------------------ MODULE CommitLog ------------------------------
(* The commit protocol of a partition (docs/PROTOCOL.md). What is built today: append with pin and
   window (2.1), expected offset (2.2a), seal and rotate (2.3), producers and their spill (2.4), deletion
   (2.11). Modelled ahead of the code: the compactor's swaps, collection by epochs, retention.
   Every item write is ONE conditional write on ONE item, except the compaction
   and merge swaps (transactions that never touch a head).
   The network is the worst one: a request once sent stays in `net`/`sealreq`/...
   for ever and may be applied at any later time, any number of times, with or
   without its reply reaching the sender (lost reply = SDK retry = zombie).
   One record per object and partition (count = 1): an offset is a ref index. *)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS Parts,      \* partitions
          Objs,       \* L0 objects = commit ids (cid = object id)
          PidOf,      \* Objs -> producer id, 0 = not idempotent
          SeqOf,      \* Objs -> sequence (1..) ; two objs with same pid+seq = client retry elsewhere
          NEpoch,     \* bound on L0 epochs
          L1s,        \* ids available to compactor / merger (numbers disjoint from Objs)
          KMax,       \* hard bound on |cur|
          ExpOf,      \* Objs -> the offset at which it expects the log to end, NoExp = none
          Deletes,    \* BOOLEAN: the topic of each partition may be deleted
          Rides,      \* BOOLEAN: producers may leave the head by a rotation
          Reader,     \* BOOLEAN: run a reader process on partition RP
          RP,
          Bugs        \* set of deliberately planted bugs

VARIABLES head, idx, man, cidx, spill, net, c, ost, oep, ep, closing, objs,
          l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del

vars == <<head, idx, man, cidx, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx,
          creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>

Pids   == {PidOf[o] : o \in Objs} \ {0}
None   == [s |-> 0, off |-> 0]
NoExp  == 99
Bug(b) == b \in Bugs
Range(s) == {s[i] : i \in DOMAIN s}

InWin(h, o) == o \in Range(h.prev) \cup Range(h.cur)
OffWin(h, o) == IF o \in Range(h.cur)
                THEN h.cb + (CHOOSE i \in DOMAIN h.cur : h.cur[i] = o) - 1
                ELSE h.pb + (CHOOSE i \in DOMAIN h.prev : h.prev[i] = o) - 1
Last(it) == it.base + Len(it.refs)                    \* exclusive end of an I# item

Init ==
  /\ head = [p \in Parts |-> [gen |-> 0, pb |-> 0, prev |-> <<>>, cb |-> 0, cur |-> <<>>,
                              next |-> 0, gm |-> 1, dl |-> FALSE, there |-> TRUE,
                              pm |-> [q \in Pids |-> None]]]
  /\ idx = [p \in Parts |-> {}]  /\ cidx = [p \in Parts |-> {}]
  /\ man = [p \in Parts |-> [ls |-> 0, ct |-> 0]]
  /\ spill = [p \in Parts |-> [q \in Pids |-> None]]
  /\ net = {} /\ sealreq = {} /\ rotok = {} /\ evreq = {} /\ creq = {} /\ mreq = {} /\ half = {}
  /\ c = [x \in Objs \X Parts |-> [st |-> "idle", pin |-> 0, prior |-> None, off |-> 0, hi |-> 0, early |-> None]]
  /\ ost = [o \in Objs |-> "new"] /\ oep = [o \in Objs |-> 0]
  /\ ep = 1 /\ closing = 1 /\ objs = {} /\ clean = {}
  /\ l1 = [x \in L1s |-> <<>>] /\ intents = {} /\ gcx = {} /\ garbage = {}
  /\ log = [p \in Parts |-> <<>>]
  /\ del = [p \in Parts |-> [st |-> "no", end |-> 0]]
  /\ rd = [st |-> "idle", pos |-> 0, ct |-> 0, obj |-> 0, bad |-> FALSE]

(***************************** writers ************************************)
Start(o) ==            \* pick the object key: epoch may be a stale cached one
  /\ ost[o] = "new"
  /\ SeqOf[o] > 1 => \E q \in Objs : /\ PidOf[q] = PidOf[o] /\ SeqOf[q] = SeqOf[o] - 1
                                     /\ \A p \in Parts : c[<<q,p>>].st = "ack"
  /\ \E e \in {ep, IF ep > 1 THEN ep - 1 ELSE 1} : oep' = [oep EXCEPT ![o] = e]
  /\ ost' = [ost EXCEPT ![o] = "named"]
  /\ UNCHANGED <<head, idx, man, cidx, spill, net, c, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>

Upload(o) ==           \* S3 PUT If-None-Match:*
  /\ ost[o] = "named"
  /\ ost' = [ost EXCEPT ![o] = "up"] /\ objs' = objs \cup {o}
  /\ IF Bug("earlyS") /\ PidOf[o] # 0   \* planted: the spilled item is read before the head
     THEN c' = [k \in Objs \X Parts |-> IF k[1] = o THEN [c[k] EXCEPT !.early = spill[k[2]][PidOf[o]]] ELSE c[k]]
     ELSE UNCHANGED c
  /\ UNCHANGED <<head, idx, man, cidx, spill, net, oep, ep, closing, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>

(* decide what to do with (o,p), given a head image h; pin = h.next is a lower bound of
   the offset at which o may have landed, because o had not landed in h *)
Decide(o, p, h) ==
  LET q == PidOf[o]
      send(prior) == /\ net' = net \cup {[o |-> o, p |-> p, pin |-> h.next, prior |-> prior]}
                     /\ c' = [c EXCEPT ![<<o,p>>] = [@ EXCEPT !.st = "sent", !.pin = h.next, !.prior = prior]]
      ack(off)    == /\ c' = [c EXCEPT ![<<o,p>>] = [@ EXCEPT !.st = "ack", !.off = off]] /\ UNCHANGED net
      end(st)     == c' = [c EXCEPT ![<<o,p>>] = [@ EXCEPT !.st = st]] /\ UNCHANGED net
  IN IF ~h.there \/ h.dl THEN end("gone")
     \* sent only while a strong read shows the head exactly there (2.2a)
     ELSE IF ExpOf[o] # NoExp /\ ExpOf[o] # h.next /\ ~(Bug("sendbeyond") /\ c[<<o,p>>].st = "idle") THEN end("mis")
     ELSE IF q = 0 THEN send(None)
     ELSE IF h.pm[q].s = 0
          THEN /\ c' = [c EXCEPT ![<<o,p>>] = [@ EXCEPT !.st = "needS", !.pin = h.next]] /\ UNCHANGED net
     ELSE IF h.pm[q].s = SeqOf[o] - 1 THEN send(h.pm[q])
     ELSE IF h.pm[q].s = SeqOf[o] THEN ack(h.pm[q].off)
     ELSE /\ c' = [c EXCEPT ![<<o,p>>] = [@ EXCEPT !.st = "rej"]] /\ UNCHANGED net

Pin(o, p) ==           \* read the head (GetItem), then send the first attempt
  /\ ost[o] = "up" /\ c[<<o,p>>].st = "idle"
  /\ Decide(o, p, head[p])
  /\ UNCHANGED <<head, idx, man, cidx, spill, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>

ReadS(o, p) ==         \* producer not in the head: strong read of its spilled item, AFTER the head
  LET k == <<o,p>>  v == IF Bug("earlyS") THEN c[k].early ELSE spill[p][PidOf[o]] IN
  /\ c[k].st = "needS"
  /\ IF v.s = SeqOf[o] - 1
     THEN /\ net' = net \cup {[o |-> o, p |-> p, pin |-> c[k].pin, prior |-> None]}
          /\ c' = [c EXCEPT ![k] = [@ EXCEPT !.st = "sent", !.prior = None]]
     ELSE IF v.s = SeqOf[o] THEN c' = [c EXCEPT ![k] = [@ EXCEPT !.st = "ack", !.off = v.off]] /\ UNCHANGED net
     ELSE c' = [c EXCEPT ![k] = [@ EXCEPT !.st = "rej"]] /\ UNCHANGED net
  /\ UNCHANGED <<head, idx, man, cidx, spill, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>

Cond(r) ==             \* THE condition expression of the append
  LET h == head[r.p] q == PidOf[r.o] IN
  /\ h.there
  /\ (~h.dl \/ Bug("nodl"))                             \* attribute_not_exists(dl)
  /\ (ExpOf[r.o] = NoExp \/ h.next = ExpOf[r.o] \/ Bug("noexp"))   \* next = :expected
  /\ h.gm <= oep[r.o]                                   \* gcMin <= :epoch
  /\ (Bug("nopin") \/ h.pb <= r.pin)                    \* winBase <= :pin
  /\ (Bug("nodedupe") \/ ~InWin(h, r.o))                \* NOT contains(ids, :cid)
  /\ Len(h.cur) < KMax                                  \* size(cur) < :kmax
  /\ (IF q = 0 \/ Bug("noproducer") THEN TRUE ELSE h.pm[q] = r.prior) \* pm.#q = :prior | attribute_not_exists

Apply(r, reply) ==
  LET h == head[r.p] q == PidOf[r.o] k == <<r.o, r.p>> IN
  /\ Cond(r)
  /\ head' = [head EXCEPT ![r.p] = [h EXCEPT !.cur = Append(@, r.o), !.next = @ + 1,
                !.pm = IF q = 0 THEN @ ELSE [@ EXCEPT ![q] = [s |-> SeqOf[r.o], off |-> h.next]]]]
  /\ log' = [log EXCEPT ![r.p] = Append(@, r.o)]
  /\ IF reply /\ c[k].st = "sent"
     THEN c' = [c EXCEPT ![k] = [@ EXCEPT !.st = "ack", !.off = h.next]] ELSE UNCHANGED c
  /\ reply => c[k].st = "sent"
  /\ UNCHANGED <<idx, man, cidx, spill, net, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, rd, del>>

Reject(r) ==           \* ConditionalCheckFailed, ALL_OLD image in the reply
  LET h == head[r.p] k == <<r.o, r.p>> IN
  /\ ~Cond(r) /\ c[k].st = "sent" /\ c[k].pin = r.pin /\ c[k].prior = r.prior
  /\ IF ~h.there                     \* no image: it may have landed before the head went
     THEN c' = [c EXCEPT ![k] = [@ EXCEPT !.st = "unk"]] /\ UNCHANGED net
     ELSE IF Bug("expfirst") /\ ExpOf[r.o] # NoExp /\ ExpOf[r.o] # h.next
     THEN c' = [c EXCEPT ![k] = [@ EXCEPT !.st = "mis"]] /\ UNCHANGED net
     ELSE IF InWin(h, r.o)
     THEN c' = [c EXCEPT ![k] = [@ EXCEPT !.st = "ack", !.off = OffWin(h, r.o)]] /\ UNCHANGED net
     ELSE IF h.pb > r.pin
     THEN c' = [c EXCEPT ![k] = [@ EXCEPT !.st = "resolve", !.hi = h.pb]] /\ UNCHANGED net
     ELSE IF h.gm > oep[r.o]          \* full window, not in it, fenced: never landed, never will
     THEN c' = [c EXCEPT ![k] = [@ EXCEPT !.st = "fail"]] /\ UNCHANGED net
     ELSE Decide(r.o, r.p, h)
  /\ UNCHANGED <<head, idx, man, cidx, spill, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>

Resolve(o, p) ==       \* window passed: look for my cid in the I# items of [pin, hi)
  LET k == <<o,p>>
      hit == {it \in idx[p] : o \in Range(it.refs)}
      cov == \A x \in c[k].pin..(c[k].hi - 1) : \E it \in idx[p] : it.base <= x /\ x < Last(it)
  IN /\ c[k].st = "resolve"
     /\ IF hit # {}
        THEN LET it == CHOOSE i \in hit : TRUE
                 n  == CHOOSE i \in DOMAIN it.refs : it.refs[i] = o
             IN c' = [c EXCEPT ![k] = [@ EXCEPT !.st = "ack", !.off = it.base + n - 1]]
        ELSE IF cov \/ Bug("repin")
        THEN c' = [c EXCEPT ![k] = [@ EXCEPT !.st = "idle"]]      \* never landed: take a new pin
        ELSE c' = [c EXCEPT ![k] = [@ EXCEPT !.st = "unk"]]       \* honest "unknown" to the client
  /\ UNCHANGED <<head, idx, man, cidx, spill, net, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>

(***************************** seal and rotate *****************************)
SealSend(p) == LET h == head[p] IN
  /\ h.there /\ h.prev # <<>>
  /\ sealreq' = sealreq \cup {[p |-> p, gen |-> h.gen, base |-> h.pb, refs |-> h.prev]}
  /\ sealreq' # sealreq
  /\ UNCHANGED <<head, idx, man, cidx, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, rotok, evreq, clean, garbage, log, rd, del>>

SealApply(r) ==        \* PutItem I#base IF attribute_not_exists ; both outcomes = "sealed"
  /\ idx' = [idx EXCEPT ![r.p] = IF \E it \in @ : it.base = r.base THEN @
                                 ELSE @ \cup {[base |-> r.base, refs |-> r.refs]}]
  /\ rotok' = rotok \cup {<<r.p, r.gen>>}
  /\ (idx' # idx \/ rotok' # rotok)
  /\ UNCHANGED <<head, man, cidx, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, evreq, clean, garbage, log, rd, del>>

Rotate(p, g) == LET h == head[p] IN
  /\ IF <<p, g>> \in rotok \/ (h.prev = <<>> /\ g = h.gen) \/ Bug("rotnoseal") THEN TRUE ELSE FALSE
  /\ h.there
  /\ IF g = h.gen \/ Bug("trimnocond") THEN TRUE ELSE FALSE
  /\ IF h.prev # <<>> \/ h.cur # <<>> THEN TRUE ELSE FALSE
  /\ head' = [head EXCEPT ![p] = [h EXCEPT !.gen = @ + 1, !.prev = h.cur, !.pb = h.cb, !.cur = <<>>, !.cb = h.next]]
  /\ UNCHANGED <<idx, man, cidx, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>

(***************************** deletion of the topic (2.11) ****************)
DelAsk(p) ==           \* the topic is `deleting`: it is found no more, but heads still take appends
  /\ Deletes /\ del[p].st = "no"
  /\ del' = [del EXCEPT ![p].st = "asked"]
  /\ UNCHANGED <<head, idx, man, cidx, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd>>
DelMark(p) ==          \* dl on the head
  /\ del[p].st = "asked" /\ ~head[p].dl
  /\ head' = [head EXCEPT ![p].dl = TRUE]
  /\ UNCHANGED <<idx, man, cidx, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>
DelAnswer(p) ==        \* the request is answered: from here nothing is added
  /\ del[p].st = "asked" /\ (head[p].dl \/ Bug("answerearly"))
  /\ del' = [del EXCEPT ![p] = [st |-> "answered", end |-> Len(log[p])]]
  /\ UNCHANGED <<head, idx, man, cidx, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd>>
DelRun(p) == \E it \in idx[p] :       \* later, item by item
  /\ del[p].st = "answered"
  /\ idx' = [idx EXCEPT ![p] = @ \ {it}]
  /\ UNCHANGED <<head, man, cidx, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>
DelHead(p) ==
  /\ del[p].st = "answered" /\ idx[p] = {} /\ head[p].there
  /\ head' = [head EXCEPT ![p].there = FALSE]
  /\ UNCHANGED <<idx, man, cidx, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>

(***************************** producer spill ******************************)
(* A producer whose newest batch the window no longer holds may leave by a write of its own; one whose
   batch it will not hold after the next rotation may leave by that rotation (g # 0). *)
EvictSend(p, q) == LET v == head[p].pm[q] IN
  /\ head[p].there /\ v.s > 0
  /\ \/ /\ v.off < head[p].pb \/ Bug("evictnowin")
        /\ evreq' = evreq \cup {[p |-> p, q |-> q, v |-> v, g |-> 0, done |-> FALSE]}
     \/ /\ Rides /\ (v.off < head[p].cb \/ Bug("rideearly"))
        /\ evreq' = evreq \cup {[p |-> p, q |-> q, v |-> v, g |-> head[p].gen + 1, done |-> FALSE]}
  /\ evreq' # evreq
  /\ UNCHANGED <<head, idx, man, cidx, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, clean, garbage, log, rd, del>>
SpillApply(r) ==       \* PutItem S#q IF attribute_not_exists OR off < :off
  /\ spill' = [spill EXCEPT ![r.p][r.q] = IF @.s < r.v.s \/ Bug("spillback") THEN r.v ELSE @]
  /\ evreq' = evreq \cup {[r EXCEPT !.done = TRUE]}
  /\ (spill' # spill \/ evreq' # evreq)
  /\ UNCHANGED <<head, idx, man, cidx, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, clean, garbage, log, rd, del>>
EvictApply(r) ==       \* UpdateItem head REMOVE pm.q IF pm.q = :v AND winBase > :off
  /\ r.g = 0
  /\ head[r.p].there /\ (r.done \/ Bug("evictfirst")) /\ head[r.p].pm[r.q] = r.v
  /\ (r.v.off < head[r.p].pb \/ Bug("evictnowin"))
  /\ head' = [head EXCEPT ![r.p].pm[r.q] = None]
  /\ UNCHANGED <<idx, man, cidx, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>
RideApply(r) ==        \* the rotation, IF g = :g AND pm.q = :v, that takes pm.q along
  LET h == head[r.p] IN
  /\ r.g = h.gen + 1 /\ h.there
  /\ r.done \/ Bug("evictfirst")
  /\ h.pm[r.q] = r.v
  /\ <<r.p, h.gen>> \in rotok \/ h.prev = <<>>
  /\ head' = [head EXCEPT ![r.p] = [h EXCEPT !.gen = @ + 1, !.prev = h.cur, !.pb = h.cb, !.cur = <<>>, !.cb = h.next, !.pm[r.q] = None]]
  /\ UNCHANGED <<idx, man, cidx, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>

(***************************** compactor ***********************************)
CompStart(p, x) ==     \* Put intent N#x ; PUT object x ; send the transaction
  /\ l1[x] = <<>>
  /\ \E it \in idx[p] : /\ it.base = man[p].ct /\ Range(it.refs) \subseteq objs
       /\ \E z \in {<<>>} \cup {j.refs : j \in {jj \in idx[p] : jj.base = Last(it) /\ Range(jj.refs) \subseteq objs}} :
            /\ l1' = [l1 EXCEPT ![x] = it.refs \o z]
            /\ creq' = creq \cup {[p |-> p, a |-> it.base, x |-> x]}
  /\ intents' = intents \cup {x} /\ objs' = objs \cup {x}
  /\ UNCHANGED <<head, idx, man, cidx, spill, net, c, ost, oep, ep, closing, gcx, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>
CompApply(r) ==        \* Transact{ F ct:=z IF ct=a ; Put C#a IF not exists ; Delete N#x IF exists }
  LET z == r.a + Len(l1[r.x]) IN
  /\ (man[r.p].ct = r.a) /\ (r.x \in intents \/ Bug("nointent"))
  /\ man' = [man EXCEPT ![r.p].ct = z]
  /\ IF Bug("swap2") THEN half' = half \cup {r} /\ UNCHANGED cidx
     ELSE cidx' = [cidx EXCEPT ![r.p] = @ \cup {[base |-> r.a, next |-> z, x |-> r.x]}] /\ UNCHANGED half
  /\ intents' = intents \ {r.x}
  /\ UNCHANGED <<head, idx, spill, net, c, ost, oep, ep, closing, objs, l1, gcx, creq, mreq, sealreq, rotok, evreq, clean, garbage, log, rd, del>>
CompApply2(r) ==       \* only with the planted bug swap2: second, separate write
  /\ r \in half
  /\ cidx' = [cidx EXCEPT ![r.p] = @ \cup {[base |-> r.a, next |-> r.a + Len(l1[r.x]), x |-> r.x]}]
  /\ half' = half \ {r}
  /\ UNCHANGED <<head, idx, man, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, sealreq, rotok, evreq, clean, garbage, log, rd, del>>
IdxDel(p) == \E it \in idx[p] :      \* unconditional DeleteItem of I# below the frontier
  /\ Last(it) <= man[p].ct
  /\ idx' = [idx EXCEPT ![p] = @ \ {it}]
  /\ UNCHANGED <<head, man, cidx, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>
MergeStart(p, x) ==    \* two neighbours -> one
  /\ l1[x] = <<>>
  /\ \E i, j \in cidx[p] : /\ i.next = j.base /\ i.x \in objs /\ j.x \in objs
       /\ l1' = [l1 EXCEPT ![x] = l1[i.x] \o l1[j.x]]
       /\ mreq' = mreq \cup {[p |-> p, i |-> i, j |-> j, x |-> x]}
  /\ intents' = intents \cup {x} /\ objs' = objs \cup {x}
  /\ UNCHANGED <<head, idx, man, cidx, spill, net, c, ost, oep, ep, closing, gcx, creq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>
MergeApply(r) ==       \* Transact{ Put C#a IF obj=:i ; Delete C#b IF obj=:j ; Delete N#x IF exists ; Put D# }
  /\ (r.i \in cidx[r.p] /\ r.j \in cidx[r.p]) \/ Bug("mergenocond")
  /\ r.x \in intents \/ Bug("nointent") \/ Bug("mergenocond")
  /\ cidx' = [cidx EXCEPT ![r.p] = {t \in @ : t.base # r.i.base /\ t.base # r.j.base}
                                   \cup {[base |-> r.i.base, next |-> r.j.next, x |-> r.x]}]
  /\ cidx' # cidx
  /\ intents' = intents \ {r.x}
  /\ garbage' = garbage \cup ({r.i.x, r.j.x} \ {r.x})
  /\ UNCHANGED <<head, idx, man, spill, net, c, ost, oep, ep, closing, objs, l1, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, log, rd, del>>
Retain(p) == \E i \in cidx[p] :      \* logStart first, then the item + D#, then the object
  /\ \/ /\ i.base = man[p].ls
        /\ man' = [man EXCEPT ![p].ls = i.next] /\ UNCHANGED <<cidx, garbage>>
     \/ /\ i.next <= man[p].ls
        /\ cidx' = [cidx EXCEPT ![p] = @ \ {i}] /\ garbage' = garbage \cup {i.x} /\ UNCHANGED man
  /\ UNCHANGED <<head, idx, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, log, rd, del>>

(***************************** garbage collection **************************)
Bump == /\ ep < NEpoch /\ ep' = ep + 1
        /\ UNCHANGED <<head, idx, man, cidx, spill, net, c, ost, oep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>
Close == /\ closing < ep /\ closing' = closing + 1
         /\ UNCHANGED <<head, idx, man, cidx, spill, net, c, ost, oep, ep, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>
Fence(p) == /\ head[p].there /\ head[p].gm < closing /\ ~Bug("gcnofence")
            /\ head' = [head EXCEPT ![p].gm = closing]
            /\ UNCHANGED <<idx, man, cidx, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>
Clean(p, e) ==
  /\ e < closing /\ (head[p].gm > e \/ ~head[p].there \/ Bug("gcnofence"))
  /\ head[p].there => \A o \in Range(head[p].prev) \cup Range(head[p].cur) : oep[o] > e
  /\ \A it \in idx[p] : (it.base >= man[p].ct \/ Bug("onens")) => \A o \in Range(it.refs) : oep[o] > e
  /\ clean' = clean \cup {<<p, e>>} /\ clean' # clean
  /\ UNCHANGED <<head, idx, man, cidx, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, garbage, log, rd, del>>
DelL0(o) ==
  /\ o \in objs \cap Objs
  /\ IF Bug("gconepart") THEN \E p \in Parts : <<p, oep[o]>> \in clean ELSE \A p \in Parts : <<p, oep[o]>> \in clean
  /\ objs' = objs \ {o}
  /\ UNCHANGED <<head, idx, man, cidx, spill, net, c, ost, oep, ep, closing, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>
GcIntent(x) ==         \* DeleteItem N#x IF exists: the fence for a frozen compactor
  /\ x \in intents /\ intents' = intents \ {x} /\ gcx' = gcx \cup {x}
  /\ UNCHANGED <<head, idx, man, cidx, spill, net, c, ost, oep, ep, closing, objs, l1, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>
DelL1(x) == /\ x \in objs /\ x \in gcx \cup garbage /\ objs' = objs \ {x}
            /\ UNCHANGED <<head, idx, man, cidx, spill, net, c, ost, oep, ep, closing, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, rd, del>>

(***************************** reader **************************************)
ContentAt(x, base, pos) == IF x \in Objs THEN x ELSE l1[x][pos - base + 1]
\* where a reader that has a consistent view finds offset pos: {} = nowhere
Where(p, pos) ==
  LET h == head[p] IN
  IF pos >= h.cb THEN {[x |-> h.cur[pos - h.cb + 1], base |-> pos]}
  ELSE IF pos >= h.pb THEN {[x |-> h.prev[pos - h.pb + 1], base |-> pos]}
  ELSE LET I == {[x |-> it.refs[pos - it.base + 1], base |-> pos] : it \in {i \in idx[p] : i.base <= pos /\ pos < Last(i)}}
           C == {[x |-> i.x, base |-> i.base] : i \in {j \in cidx[p] : j.base <= pos /\ pos < j.next}}
       IN IF Bug("onens") THEN (IF I # {} THEN I ELSE C)     \* sketch: one namespace, index wins
          ELSE IF pos < man[p].ct THEN C ELSE I
RdHead ==              \* step 1: strong read of the head
  LET h == head[RP] IN
  /\ Reader /\ rd.st = "idle" /\ rd.pos < h.next
  /\ rd' = IF rd.pos >= h.pb
           THEN [rd EXCEPT !.st = "get", !.obj = IF rd.pos >= h.cb THEN h.cur[rd.pos - h.cb + 1] ELSE h.prev[rd.pos - h.pb + 1], !.ct = rd.pos]
           ELSE [rd EXCEPT !.st = IF Bug("idxfirst") THEN "idx" ELSE "man", !.ct = IF Bug("idxfirst") THEN 0 ELSE @]
  /\ UNCHANGED <<head, idx, man, cidx, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, del>>
RdMan ==               \* step 2: read the manifest item F
  /\ Reader /\ rd.st = "man"
  /\ rd' = IF rd.pos < man[RP].ls THEN [rd EXCEPT !.st = "idle", !.pos = man[RP].ls]  \* OFFSET_OUT_OF_RANGE -> reset
           ELSE [rd EXCEPT !.st = "idx", !.ct = man[RP].ct]
  /\ UNCHANGED <<head, idx, man, cidx, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, del>>
RdIdx ==               \* step 3: index query; a gap means: start again
  LET I == {i \in idx[RP] : i.base <= rd.pos /\ rd.pos < Last(i)}
      C == {j \in cidx[RP] : j.base <= rd.pos /\ rd.pos < j.next} IN
  /\ Reader /\ rd.st = "idx"
  /\ rd' = IF rd.pos < rd.ct
           THEN IF C = {} THEN [rd EXCEPT !.st = "idle"]
                ELSE LET j == CHOOSE j \in C : TRUE IN [rd EXCEPT !.st = "get", !.obj = j.x, !.ct = j.base]
           ELSE IF I = {} THEN IF Bug("gapskip")    \* planted: treats a gap as "nothing here", goes on
                               THEN [rd EXCEPT !.st = "idle", !.pos = @ + 1, !.bad = TRUE]
                               ELSE [rd EXCEPT !.st = "idle"]
                ELSE LET i == CHOOSE i \in I : TRUE IN
                     [rd EXCEPT !.st = "get", !.obj = i.refs[rd.pos - i.base + 1], !.ct = rd.pos]
  /\ UNCHANGED <<head, idx, man, cidx, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, del>>
RdGet ==               \* step 4: S3 GET; 404 -> start again
  /\ Reader /\ rd.st = "get"
  /\ rd' = IF rd.obj \in objs
           THEN [rd EXCEPT !.st = "idle", !.pos = @ + 1, !.bad = @ \/ ContentAt(rd.obj, rd.ct, rd.pos) # log[RP][rd.pos + 1], !.obj = 0, !.ct = 0]
           ELSE [rd EXCEPT !.st = "idle", !.obj = 0, !.ct = 0]
  /\ UNCHANGED <<head, idx, man, cidx, spill, net, c, ost, oep, ep, closing, objs, l1, intents, gcx, creq, mreq, half, sealreq, rotok, evreq, clean, garbage, log, del>>

Next ==
  \/ \E o \in Objs : Start(o) \/ Upload(o) \/ DelL0(o)
  \/ \E o \in Objs, p \in Parts : Pin(o, p) \/ ReadS(o, p) \/ Resolve(o, p)
  \/ \E r \in net : Apply(r, TRUE) \/ Apply(r, FALSE) \/ Reject(r)
  \/ \E p \in Parts : SealSend(p) \/ IdxDel(p) \/ Fence(p) \/ Retain(p)
  \/ \E p \in Parts : \E g \in {head[p].gen} \cup {x[2] : x \in {y \in rotok : y[1] = p}} : Rotate(p, g)
  \/ \E r \in sealreq : SealApply(r)
  \/ \E p \in Parts : DelAsk(p) \/ DelMark(p) \/ DelAnswer(p) \/ DelRun(p) \/ DelHead(p)
  \/ \E p \in Parts, q \in Pids : EvictSend(p, q)
  \/ \E r \in evreq : SpillApply(r) \/ EvictApply(r) \/ RideApply(r)
  \/ \E p \in Parts, x \in L1s : CompStart(p, x) \/ MergeStart(p, x)
  \/ \E r \in creq : CompApply(r)
  \/ \E r \in half : CompApply2(r)
  \/ \E r \in mreq : MergeApply(r)
  \/ Bump \/ Close
  \/ \E p \in Parts, e \in 1..NEpoch : Clean(p, e)
  \/ \E x \in L1s : GcIntent(x) \/ DelL1(x)
  \/ RdHead \/ RdMan \/ RdIdx \/ RdGet

Spec == Init /\ [][Next]_vars

(***************************** invariants **********************************)
Dense == \A p \in Parts : LET h == head[p] IN
  /\ h.next = Len(log[p]) /\ h.pb + Len(h.prev) = h.cb /\ h.cb + Len(h.cur) = h.next
  /\ man[p].ls <= man[p].ct /\ man[p].ct <= h.cb
NoDup == \A p \in Parts : \A i, j \in DOMAIN log[p] : i # j =>
  /\ log[p][i] # log[p][j]
  /\ (PidOf[log[p][i]] # 0 /\ PidOf[log[p][i]] = PidOf[log[p][j]]) => SeqOf[log[p][i]] # SeqOf[log[p][j]]
InOrder == \A p \in Parts : \A i, j \in DOMAIN log[p] :
  (i < j /\ PidOf[log[p][i]] # 0 /\ PidOf[log[p][i]] = PidOf[log[p][j]]) => SeqOf[log[p][i]] < SeqOf[log[p][j]]
AckTrue == \A o \in Objs, p \in Parts : LET k == c[<<o,p>>] IN k.st = "ack" =>
  /\ k.off < Len(log[p])
  /\ LET w == log[p][k.off + 1] IN w = o \/ (PidOf[o] # 0 /\ PidOf[w] = PidOf[o] /\ SeqOf[w] = SeqOf[o])
\* refused means absent, for ever (I4)
FailTrue == \A o \in Objs, p \in Parts : c[<<o,p>>].st \in {"fail", "mis", "gone"} => o \notin Range(log[p])
\* an expected offset is where the record stands
ExpTrue == \A p \in Parts : \A i \in DOMAIN log[p] : ExpOf[log[p][i]] \in {NoExp, i - 1}
\* nothing is added to a topic whose deletion was answered
DelTrue == \A p \in Parts : del[p].st = "answered" => Len(log[p]) = del[p].end
\* no lost record, immutable content, no deleted referenced object, no reader gap:
Readable == \A p \in {q \in Parts : del[q].st = "no"} : \A pos \in man[p].ls..(head[p].next - 1) :
  /\ Where(p, pos) # {}
  /\ \A w \in Where(p, pos) : w.x \in objs /\ ContentAt(w.x, w.base, pos) = log[p][pos + 1]
ReaderOK == ~rd.bad
NoUnexpectedReject == \A o \in Objs, p \in Parts : c[<<o,p>>].st # "rej" \/ \E q \in Objs : PidOf[q] = PidOf[o] /\ SeqOf[q] > SeqOf[o] /\ q \in Range(log[p])
=============================================================================
