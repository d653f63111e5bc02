/*
 * A change on one controller: two hosts (agents) that want to change the same resource under locks of their own, each with
 * its journal; the controller with its latch, link, fence, floor and deadline; a serial line that loses, delays and repeats
 * frames; crashes, stops, resets and ticks. README.md says which rule each part stands for.
 *
 * Locksmith is reduced to what lock.pml proves of it: one fence after the other, and none while the lease of the one before
 * may still be believed. A host that is stopped is one that takes no step while ticks pass.
 *
 * Variants, each a rule taken away: NO_FENCE, NO_DEADLINE, NO_LINK, NO_PAUSE_ID, NO_CONFIG_HOLD, NO_VERIFY, NO_STANDSTILL.
 * ORDER_ONLY judges the order of writes alone, not whether they come while a newer grant is out.
 */
#ifndef LEASE
#define LEASE 1
#endif
#ifndef FENCES
#define FENCES 2 /* grants in all */
#endif
#ifndef RESETS
#define RESETS 1
#endif
#ifndef CRASHES
#define CRASHES 1 /* of all hosts together */
#endif

#define NONE 0
#define HELLO 1
#define PAUSE 2
#define RESUME 3
#define STAGE 4
#define COMMIT 5
#define READ 6
#define CONFIRM 7
#define ROLLBACK 8
#define FLOOR 9
#define REFUSED 10

/* Links and pause ids are only compared with the present one: each that is known somewhere is the present one, or old. */
#define UNKNOWN 0
#define PRESENT 1
#define OLD 2
#define age(id) id = (id == PRESENT -> OLD : id)

#define STANDS 0
#define MOVES 1
#define SLOWS 2

/* Steps of a change, as the journal tells them; READBACK and later mean that COMMIT was answered. */
#define IDLE 0
#define HOLD 1       /* the config hold is raised, durably */
#define STANDING 2   /* standstill was proved under that hold */
#define PAUSED 3     /* the pause was repeated, for its time */
#define STAGED 4
#define COMMITTED 5
#define VERIFIED 6   /* read back: what is left is to confirm */
#define DONE 7       /* confirmed: the hold may fall */
#define BACK 8       /* it goes back: ask the controller what it has */
#define WAITS 10     /* the rival: the pause was told, standstill is not proved */
#define ROLL 9       /* it was never confirmed: roll back */

typedef Frame {
  unsigned kind : 4;
  unsigned link : 2;
  unsigned arg : 2;      /* fence, or pause id */
  unsigned deadline : 2  /* left of it */
}

typedef Host {
  bit alive;
  unsigned link : 2;     /* UNKNOWN = it has to say hello */
  unsigned step : 4;
  unsigned fence : 2;    /* of its change; in the journal from HOLD on */
  unsigned lease : 2;
  bit hold;              /* the config hold */
  bit foreign;           /* a lock of others, or lost contact at boot */
  unsigned pauseId : 2;  /* as told by the last answer it saw */
  bit stood;             /* that status proved standstill */
  unsigned floor : 2;    /* told by Locksmith */
  unsigned waits : 4     /* for the answer to this request */
}

typedef Answer {
  unsigned kind : 4;
  unsigned a : 2;
  unsigned b : 2;
  unsigned age : 2
}

Host host[2];
Frame line[1];           /* on its way from host 0 */
Frame kept[1];           /* one frame of host 0 that the line may deliver again, at any time */
Answer answer[1];

/* the controller */
unsigned motion : 2 = STANDS;
bit latched = 1;
unsigned staged : 2;
unsigned deadline : 2;
unsigned high : 2;       /* the fence high-water */
bit unverified;
bit inForce;
unsigned floor : 2;

/* Locksmith */
unsigned granted : 2;    /* the highest fence granted */
bit holder;
unsigned lease : 2;
bit held;

/* faults used up, and what is seen from outside */
unsigned resets : 2;
unsigned crashes : 2;
unsigned written : 2;    /* the highest fence ever committed */
unsigned told : 2;       /* the highest floor ever told in this life of the controller */

Frame it;                /* the frame that the controller executes */
bit again;               /* it was delivered once more: nobody waits for its answer */
byte x;

#define dec(x) x = (x > 0 -> x - 1 : 0)
#define paused(h) (host[h].hold || host[h].foreign)
#define free(h) (host[h].waits == NONE)
#define inChange(h) (host[h].step >= STANDING && host[h].step <= VERIFIED)

#ifdef NO_FENCE
#define fenceOld(f) false
#else
#define fenceOld(f) (f < high || f < floor)
#endif
#ifdef NO_DEADLINE
#define late(d) false
#else
#define late(d) (d == 0)
#endif
#ifdef NO_LINK
#define linkOld(l) false
#else
#define linkOld(l) (l != PRESENT)
#endif
#ifdef NO_PAUSE_ID
#define pauseOld(p) false
#else
#define pauseOld(p) (p != PRESENT)
#endif
#ifdef NO_VERIFY
#define doubtful false
#else
#define doubtful unverified
#endif
#ifdef NO_STANDSTILL
#define stands true
#else
#define stands (motion == STANDS)
#endif
#ifdef NO_REPEATS
#define mayRepeat(k) false
#elif defined(REPEATS)
#define mayRepeat(k) (k == REPEATS)
#else
#define mayRepeat(k) (k == RESUME || k == STAGE || k == COMMIT || k == CONFIRM || k == ROLLBACK)
#endif
#ifdef ORDER_ONLY
#define isLast(f) true
#else
#define isLast(f) (f == granted)
#endif

inline clear(f) { f.kind = NONE; f.link = 0; f.arg = 0; f.deadline = 0 }
inline clearAnswer(h) { answer[h].kind = NONE; answer[h].a = 0; answer[h].b = 0; answer[h].age = 0 }

/* The line, seen from a host */

inline ask(h, k, argument, left) {
  line[h].kind = k; line[h].link = host[h].link; line[h].arg = argument; line[h].deadline = left;
  host[h].waits = k;
  clearAnswer(h);
  if
  :: mayRepeat(k) ->
    kept[0].kind = k; kept[0].link = host[0].link; kept[0].arg = argument; kept[0].deadline = left
  :: true
  fi
}

/* No answer came, or a refusal: what the change had under way goes back; the link is made anew. */
inline giveUp(h) {
  host[h].waits = NONE; host[h].link = 0; host[h].stood = 0; host[h].pauseId = 0;
  clear(line[h]); clearAnswer(h);
  fail(h)
}

inline fail(h) {
  if
  :: host[h].step > IDLE && host[h].step != DONE -> host[h].step = BACK; host[h].lease = 0
  :: else
  fi
}

inline endChange(h) {
  host[h].step = IDLE; host[h].fence = 0; host[h].lease = 0; host[h].hold = 0
}

/* The controller */

#define changing(h) (inChange(h) && host[h].link == PRESENT)
#define mustStand (unverified || changing(0) || changing(1))

inline drive() {
  motion = MOVES;
  assert(!mustStand);
  assert(staged == 0)
}

inline latch() {
  latched = 1;
  age(host[0].pauseId); age(host[1].pauseId);
  if :: line[0].kind == RESUME -> age(line[0].arg) :: else fi;
  if :: kept[0].kind == RESUME -> age(kept[0].arg) :: else fi;
  if :: answer[0].kind == PAUSE -> age(answer[0].a) :: else fi;
  if :: motion == MOVES -> motion = SLOWS :: else fi
}

inline unlink() {
  age(host[0].link); age(host[1].link); age(line[0].link); age(kept[0].link);
  if :: answer[0].kind == HELLO -> age(answer[0].a) :: else fi
}

inline reply(k, p, q) {
  if
  :: host[0].waits != NONE && !again -> answer[0].kind = k; answer[0].a = p; answer[0].b = q; answer[0].age = 0
  :: else
  fi
}

inline refuse() { reply(REFUSED, 0, 0) }

inline commit(f) {
  assert(f >= written && f >= told); /* never older than one that it, or its floor, has seen */
  assert(isLast(f));                 /* and never under a grant that a newer one has followed */
  assert(motion == STANDS);
  high = f; written = f; inForce = 1; unverified = 1; staged = 0; deadline = 0;
  reply(COMMIT, 0, 0)
}

/* Rules of PROTOCOL.md, in their order. */
inline execute(f) {
  if
  :: f.kind == HELLO ->
    unlink();
    if :: again -> host[1].link = PRESENT :: else fi;
    reply(HELLO, PRESENT, 0)
  :: f.kind == PAUSE ->
    latch();
    x = (motion == STANDS);
    if :: again -> host[1].pauseId = PRESENT :: else fi;
    reply(PAUSE, PRESENT, x);
    x = 0
  :: f.kind > PAUSE && linkOld(f.link) -> refuse()
  :: f.kind == RESUME && !linkOld(f.link) ->
    if
    :: pauseOld(f.arg) -> refuse()
    :: !pauseOld(f.arg) && !latched -> reply(RESUME, 0, 0)
    :: !pauseOld(f.arg) && latched && (doubtful || !stands) -> refuse()
    :: !pauseOld(f.arg) && latched && !doubtful && stands ->
      staged = 0; deadline = 0; latched = 0;
      reply(RESUME, 0, 0);
      drive()
    fi
  :: f.kind == STAGE && !linkOld(f.link) ->
    if
    :: !latched || !stands || fenceOld(f.arg) || (f.arg == high && !inForce) || (unverified && f.arg != high) || late(f.deadline) ->
      refuse()
    :: else ->
      if :: f.arg == high && inForce :: else -> staged = f.arg; deadline = f.deadline fi;
      reply(STAGE, 0, 0)
    fi
  :: f.kind == COMMIT && !linkOld(f.link) ->
    if
    :: !latched || !stands || fenceOld(f.arg) || (f.arg == high && !inForce) -> refuse()
    :: latched && stands && !fenceOld(f.arg) && f.arg == high && inForce -> reply(COMMIT, 1, 0)
    :: latched && stands && !fenceOld(f.arg) && f.arg != high && staged == f.arg && !late(deadline) -> commit(f.arg)
    :: latched && stands && !fenceOld(f.arg) && f.arg != high && (staged != f.arg || late(deadline)) -> refuse()
    fi
  :: f.kind == READ && !linkOld(f.link) -> reply(READ, high, (unverified + 2 * inForce))
  :: f.kind == CONFIRM && !linkOld(f.link) ->
    if
    :: f.arg == high && inForce -> unverified = 0; reply(CONFIRM, 0, 0)
    :: else -> refuse()
    fi
  :: f.kind == ROLLBACK && !linkOld(f.link) ->
    if
    :: f.arg == high && !inForce -> reply(ROLLBACK, 0, 0)
    :: f.arg == high && inForce && unverified && latched && stands ->
      assert(motion == STANDS);
      unverified = 0; inForce = 0; reply(ROLLBACK, 0, 0)
    :: else -> refuse()
    fi
  :: f.kind == FLOOR && !linkOld(f.link) ->
    floor = (f.arg > floor -> f.arg : floor);
    told = floor;
#ifndef NO_FENCE
    if :: staged < floor -> staged = 0; deadline = 0 :: else fi;
#endif
    reply(FLOOR, 0, 0)
  fi
}

inline take(f) {
  it.kind = f.kind; it.link = f.link; it.arg = f.arg; it.deadline = f.deadline;
  clear(f)
}

proctype Controller() {
  do
  :: atomic {
      if
      :: it.kind != NONE
      :: it.kind == NONE && line[0].kind != NONE -> take(line[0])
      :: it.kind == NONE && kept[0].kind != NONE -> again = 1; take(kept[0])
      fi;
      execute(it); clear(it); again = 0 }
  :: atomic { it.kind == NONE && motion == SLOWS -> motion = STANDS }
  :: atomic { it.kind == NONE && motion == MOVES -> latch() } /* it has not heard its host */
  :: atomic { it.kind == NONE && resets < RESETS -> /* power-up: latched; stage, floor and link are gone */
      resets++; unlink(); staged = 0; deadline = 0; floor = 0; told = 0;
      latch() }
  od
}

/* A host: the guard, which keeps the latch as the holds demand, and the change, which takes one step after the other. */
proctype Agent() provided (it.kind == NONE) {
  do
  /* the link */
  :: atomic { host[0].alive && host[0].link == 0 && free(0) -> ask(0, HELLO, 0, 0) }
  :: atomic { host[0].alive && !free(0) -> giveUp(0) }
  :: atomic { answer[0].kind == HELLO -> host[0].link = answer[0].a; host[0].waits = NONE; clearAnswer(0) }
  :: atomic { answer[0].kind == REFUSED -> giveUp(0) }

  /* the guard */
  :: atomic { host[0].link > 0 && free(0) && paused(0) && !host[0].stood -> ask(0, PAUSE, 0, 0) }
  :: atomic { host[0].link > 0 && free(0) && !paused(0) && host[0].stood -> ask(0, RESUME, host[0].pauseId, 0) }
  :: atomic { host[0].link > 0 && free(0) && host[0].floor > floor && host[0].step <= HOLD -> ask(0, FLOOR, host[0].floor, 0) }
  :: atomic { answer[0].kind == PAUSE && host[0].step != STANDING ->
      host[0].waits = NONE;
      host[0].pauseId = answer[0].a; host[0].stood = answer[0].b;
      if :: host[0].step == HOLD && host[0].stood -> host[0].step = STANDING :: else fi;
      clearAnswer(0) }
  :: atomic { answer[0].kind == RESUME -> host[0].waits = NONE; host[0].stood = 0; clearAnswer(0) }
  :: atomic { answer[0].kind == FLOOR -> host[0].waits = NONE; clearAnswer(0) }
  :: atomic { host[0].alive && host[0].foreign -> host[0].foreign = 0 } /* its lock is released, or bypassed */
  :: atomic { host[0].alive && host[0].floor < granted && !(held && holder == 0) -> host[0].floor = granted }

  /* the change */
  :: atomic { host[0].alive && host[0].step == IDLE && host[0].fence > 0 && host[0].lease > 0 && host[0].link > 0 && free(0) ->
      host[0].step = HOLD; host[0].stood = 0;
#ifndef NO_CONFIG_HOLD
      host[0].hold = 1
#endif
    }
  :: atomic { host[0].step == HOLD && host[0].link > 0 && free(0) && !host[0].stood -> ask(0, PAUSE, 0, 0) }
  :: atomic { host[0].step == STANDING && host[0].link > 0 && free(0) && host[0].lease > 0 -> ask(0, PAUSE, 0, 0) }
  :: atomic { answer[0].kind == PAUSE && host[0].step == STANDING ->
      host[0].waits = NONE; host[0].pauseId = answer[0].a;
      host[0].stood = answer[0].b;
      if
      :: host[0].lease > answer[0].age -> x = host[0].lease - answer[0].age; host[0].step = PAUSED; ask(0, STAGE, host[0].fence, x); x = 0
      :: else -> clearAnswer(0); fail(0)
      fi }
  :: atomic { answer[0].kind == STAGE -> host[0].waits = NONE; clearAnswer(0); host[0].step = STAGED }
  :: atomic { host[0].step == STAGED && free(0) && host[0].lease > 0 -> ask(0, COMMIT, host[0].fence, 0) }
  :: atomic { answer[0].kind == COMMIT -> host[0].waits = NONE;
      if
      :: answer[0].a == 0 -> host[0].step = COMMITTED; clearAnswer(0)
      :: else -> clearAnswer(0); fail(0)
      fi }
  :: atomic { host[0].step == COMMITTED && free(0) -> ask(0, READ, 0, 0) }
  :: atomic { answer[0].kind == READ && host[0].step == COMMITTED -> host[0].waits = NONE;
      if
      :: answer[0].a == host[0].fence && answer[0].b == 3 -> host[0].step = VERIFIED
      :: else -> fail(0)
      fi;
      clearAnswer(0) }
  :: atomic { host[0].step == VERIFIED && free(0) && host[0].lease > 0 -> ask(0, CONFIRM, host[0].fence, 0) }
  :: atomic { answer[0].kind == CONFIRM -> host[0].waits = NONE; clearAnswer(0); host[0].step = DONE }
  :: atomic { host[0].step == DONE -> endChange(0) }
  :: atomic { host[0].alive && host[0].step > IDLE && host[0].step <= VERIFIED && free(0) && host[0].lease == 0 -> fail(0) }

  /* recovery, from the journal and what the controller says; without a lock */
  :: atomic { host[0].step == BACK && host[0].link > 0 && free(0) -> ask(0, READ, 0, 0) }
  :: atomic { answer[0].kind == READ && host[0].step == BACK -> host[0].waits = NONE;
      if
      :: answer[0].a == host[0].fence && answer[0].b == 3 -> host[0].step = ROLL; clearAnswer(0)
      :: answer[0].a == host[0].fence && answer[0].b == 2 -> host[0].step = DONE; clearAnswer(0) /* it had been confirmed */
      :: else -> endChange(0); clearAnswer(0) /* untouched, rolled back, or a newer one followed */
      fi }
  :: atomic { host[0].step == ROLL && host[0].link > 0 && free(0) -> ask(0, ROLLBACK, host[0].fence, 0) }
  :: atomic { answer[0].kind == ROLLBACK -> host[0].waits = NONE; clearAnswer(0); endChange(0) }
  /* an unverified commit that its journal does not know goes back as well */
  :: atomic { host[0].step == IDLE && host[0].link > 0 && free(0) && unverified && host[0].fence == 0 ->
      host[0].hold = 1; host[0].fence = high; host[0].step = BACK }

  /* power cut or kill -9 between any two steps; the journal stays, and recovery runs at the next start */
  :: atomic { host[0].alive && crashes < CRASHES -> crashes++;
      host[0].alive = 0; host[0].link = 0; host[0].stood = 0; host[0].pauseId = 0; host[0].floor = 0; host[0].lease = 0;
      host[0].waits = NONE; clearAnswer(0);
      if :: host[0].step == IDLE -> host[0].fence = 0 :: else -> fail(0) fi;
      host[0].foreign = 0 }
  :: atomic { !host[0].alive -> host[0].alive = 1; host[0].foreign = 1 } /* paused until contact; frames may still be on the line */
  od
}

/*
 * Another host, which has got at the same port: it knows nothing of the first one's holds, loses no frame, and may be
 * stopped between any two steps. What it cannot do it leaves.
 */
inline leave() {
  host[1].step = IDLE; host[1].fence = 0; host[1].lease = 0; host[1].link = UNKNOWN; host[1].pauseId = UNKNOWN
}

inline tell(k, argument, left) {
  it.kind = k; it.link = host[1].link; it.arg = argument; it.deadline = left;
  again = 1 /* executed before anything else happens; nobody waits for the answer */
}

proctype Rival() provided (it.kind == NONE) {
  do
  :: atomic { host[1].step == IDLE && host[1].fence > 0 && host[1].lease > 0 -> tell(HELLO, 0, 0);
      host[1].step = HOLD }
  :: atomic { host[1].step == HOLD && host[1].lease > 0 -> tell(PAUSE, 0, 0); host[1].step = WAITS }
  :: atomic { host[1].step == WAITS && motion == STANDS && unverified -> tell(ROLLBACK, high, 0) }
  :: atomic { host[1].step == WAITS && motion == STANDS && host[1].lease > 0 ->
      x = host[1].lease; tell(STAGE, host[1].fence, x); x = 0;
      host[1].step = STAGED }
  :: atomic { host[1].step == STAGED && staged != host[1].fence -> host[1].step = DONE }
  :: atomic { host[1].step == STAGED && staged == host[1].fence && host[1].lease > 0 -> tell(COMMIT, host[1].fence, 0); host[1].step = COMMITTED }
  :: atomic { host[1].step == COMMITTED && host[1].lease > 0 && high == host[1].fence -> tell(CONFIRM, host[1].fence, 0); host[1].step = DONE }
  :: atomic { host[1].step == DONE && unverified && high == host[1].fence -> tell(ROLLBACK, high, 0) }
  :: atomic { host[1].step == DONE && host[1].link == PRESENT -> tell(RESUME, host[1].pauseId, 0); leave() }
  :: atomic { host[1].step == COMMITTED && high != host[1].fence -> host[1].step = DONE }
  :: atomic { host[1].step > IDLE && (host[1].lease == 0 || host[1].link == OLD) -> host[1].step = DONE; host[1].lease = 0;
      if :: host[1].link == OLD -> leave() :: else fi }
  od
}

/* One grant after the other; the next only when the lease of the last has run out, or its owner has said that it stopped. */
proctype Locksmith() provided (it.kind == NONE) {
  bit h;
  do
  :: atomic { lease == 0 && granted < FENCES && host[h].alive && host[h].step == IDLE && host[h].fence == 0 ->
      granted++; lease = LEASE; holder = h; held = 1;
      host[h].fence = granted; host[h].lease = LEASE }
  :: atomic { h = 1 - h }
  :: atomic { held && host[holder].lease > 0 -> lease = LEASE; host[holder].lease = LEASE } /* renewed */
  :: atomic { held && lease > 0 -> /* renewed, and the reply was lost */ lease = LEASE }
  :: atomic { held -> held = 0 }                                                            /* cleared, or silent */
  :: atomic { lease > 0 && host[holder].fence != granted -> lease = 0; held = 0 }           /* released */
  :: atomic { !held && host[holder].fence == granted && host[holder].step <= VERIFIED -> host[holder].lease = 0; /* told so */
      if :: host[holder].step == IDLE -> host[holder].fence = 0 :: else fi }
  od
}

proctype Time() provided (it.kind == NONE) {
  do
  :: atomic {
      dec(lease); dec(host[0].lease); dec(host[1].lease); dec(deadline);
      dec(line[0].deadline); dec(kept[0].deadline);
      if :: deadline == 0 && late(0) -> staged = 0 :: else fi;
      if :: answer[0].kind == PAUSE && answer[0].age < LEASE -> answer[0].age++ :: else fi;
      if :: lease == 0 -> held = 0 :: else fi;
      if :: host[0].lease == 0 && host[0].step == IDLE -> host[0].fence = 0 :: else fi;
      if :: host[1].lease == 0 && host[1].step == IDLE -> host[1].fence = 0 :: else fi }
  od
}

init {
  atomic {
    host[0].alive = 1; host[0].foreign = 1; host[1].alive = 1;
    run Controller(); run Agent(); run Rival(); run Locksmith(); run Time()
  }
}
