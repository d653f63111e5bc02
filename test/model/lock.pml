/*
 * The life of one lock: two agents, Locksmith, a network that loses, repeats, delays and reorders, processes that crash or
 * stop, and time in ticks. README.md says which rule each part stands for.
 *
 * No moment is kept, only what is left of a duration: a tick shortens all of them, those inside messages too, so the model is
 * finite without a bound on time. A process that is stopped is one that takes no step while ticks pass.
 *
 * Variants, each a rule taken away: LEASE_FROM_REPLY, NO_MARKS, NO_START_LEASE, CLEAR_AT_ONCE, FENCE_IN_MEMORY, STALE_GRANT,
 * STALE_TRUTH. PROGRESS leaves agent 0 alone with Locksmith, to die and stay dead, and looks for a ghost whose lock does not
 * come free within GHOST_TICKS of Locksmith running.
 */
#ifndef TTL
#define TTL 3
#endif
#define OPENING 1 /* ttl/3: nothing is granted or reclaimed so soon after a start */
#ifndef DELAY
#define DELAY 0 /* lockDelay */
#endif
#ifndef LIVES
#define LIVES 2 /* of agent 0; agent 1 never crashes */
#endif
#ifndef REQUESTS
#define REQUESTS 2 /* of agent 0, in all its lives; agent 1 asks once */
#endif
#ifndef GHOST_TICKS
#define GHOST_TICKS 30
#endif

#ifndef BEATS0
#define BEATS0 1 /* heartbeats of agent 0 that are on their way at once: 1 or 2 */
#endif
#ifndef REPLIES0
#define REPLIES0 1
#endif
#define requestsOf(a) (a == 0 -> REQUESTS : 1)
#define livesOf(a) (a == 0 -> LIVES : 1)
#define repliesOf(a) (a == 0 -> REPLIES0 : 1)

#define FREE 0
#define HELD 1
#define ORPHANED 2

#define IDLE 0
#define WAITING 1
#define HOLDING 2
#define OVER 3

#define NOTHING 0
#define BEAT 1
#define GRANT 2

typedef Heartbeat {
  bit used;
  bit done;                /* Locksmith has seen it, or a later one: in its memory only */
  unsigned life : 2;
  unsigned asked : 2;      /* requests made so far */
  bit names;               /* names the last of them; all others are left out */
  bit over;
  unsigned left : 3;       /* lease left, counted from the sending */
  unsigned heard : 3       /* how long the last reply heard still proves a line that works both ways */
}

typedef Reply {
  unsigned kind : 2;
  unsigned life : 2;
  bit renews;
  unsigned request : 2;    /* the request under which the lock is held; 0 = none */
  unsigned left : 3;
  unsigned fresh : 3;
  unsigned rev : 4
}

typedef Agent {
  unsigned life : 2;
  unsigned state : 2;
  unsigned asked : 2;
  unsigned lease : 3;
  unsigned heard : 3;
  unsigned truthAt : 4;
  unsigned grantAt : 4;
  unsigned shadow : 3      /* lease in which a process of an earlier life, not dead but stopped, may still believe */
}

/* What Locksmith knows of a session. `session` and `granted` are in its store. */
typedef Contact {
  unsigned session : 2;    /* the newest life that said hello */
  unsigned granted : 2;    /* requests up to this one have been granted, and ended unless the lock says otherwise */
  unsigned lease : 3;
  bit renewed;
  bit unanswered;          /* nothing was sent to it in this life of Locksmith */
  unsigned waits : 2       /* the request that waits; 0 = none */
}

Heartbeat up[4];           /* two on their way from each agent */
Reply down[4];
Agent agent[2];
Contact contact[2];
bit newest;             /* which of agent 0's two heartbeats was sent later */

/* Locksmith's store */
unsigned lock : 2 = FREE;
bit owner;
unsigned ownerLife : 2;
unsigned request : 2;
unsigned fence : 4;
unsigned floor : 4;
unsigned freeIn : 4;
bit marked;
unsigned markLeft : 3;
bit markOld;
/* its memory */
bit running = 1;
unsigned opens : 2;
unsigned rev : 4 = 1;

/* seen from outside */
unsigned highest : 4;
unsigned ghost : 5;
unsigned lived : 2;
bit due;

#define believes(a) (agent[a].state == HOLDING && agent[a].lease > 0)
#define nobodyElse(a) (!believes(1 - a) && agent[0].shadow == 0 && agent[1].shadow == 0)
#define hasLease(a) (contact[a].renewed && contact[a].lease > 0)
#define isOwner(a, l, r) (lock != FREE && owner == a && ownerLife == l && request == r)
#define ownerIsGone (lock != FREE && (ownerLife < agent[owner].life))
#ifdef NO_RESTART
#define restarts false
#else
#define restarts true
#endif
#ifdef REPEATS
#define repeats true
#else
#define repeats false
#endif
#define inOrder(a, m) (a == 1 || down[m].rev >= agent[a].truthAt)
#ifdef STALE_GRANT
#define grantInOrder(a, m) true
#else
#define grantInOrder(a, m) inOrder(a, m)
#endif
#ifdef STALE_TRUTH
#define truthInOrder(a, m) true
#else
#define truthInOrder(a, m) inOrder(a, m)
#endif
#ifdef PROGRESS
#define FRESH TTL
#define longEnough (lived > OPENING && !due) /* a life that is shorter can do nothing */
#else
#define FRESH 0 /* plays no part */
#define longEnough true
#endif
#define dec(x) x = (x > 0 -> x - 1 : 0)
#define max(x, y) (x > y -> x : y)

byte i, v, w, n, found;

/* Revisions are only compared: their order is kept, their size is not. */
#define usesRev(x) (rev == x || agent[0].truthAt == x || agent[0].grantAt == x || down[0].rev == x || down[1].rev == x)
#define lower(x) x = (x > v -> x - 1 : x)

inline squeeze() {
  v = 1;
  do
  :: v >= rev -> break
  :: v < rev && usesRev(v) -> v++
  :: v < rev && !usesRev(v) ->
    lower(agent[0].truthAt); lower(agent[0].grantAt); lower(down[0].rev); lower(down[1].rev);
    rev--
  od;
  v = 0
}

inline orphan(leaseLeft) {
  lock = ORPHANED;
  freeIn = leaseLeft + DELAY;
  floor = fence + 1;
  marked = 0; markLeft = 0; markOld = 0;
  rev++
}

/* `byItself`: the owner has said that it acts no more. */
inline free(byItself) {
  assert(byItself || !(believes(owner) && agent[owner].life == ownerLife && agent[owner].asked == request));
  lock = FREE; owner = 0; ownerLife = 0; request = 0; freeIn = 0; ghost = 0;
  floor = fence + 1;
  marked = 0; markLeft = 0; markOld = 0;
  rev++
}

inline send(a, k, ren, req, leaseLeft, freshness) {
  if
  :: i = 2 * a
  :: repliesOf(a) == 2 && req > 0 -> i = 2 * a + 1 /* of two, the late one is about a grant */
  fi;
  if
  :: true -> /* what was there is lost */
    down[i].kind = k; down[i].life = contact[a].session; down[i].renews = ren; 
    down[i].request = req; down[i].left = leaseLeft; down[i].fresh = freshness; down[i].rev = rev
  :: a == 0 /* this one is lost */
  fi;
  i = 0
}

inline grantTo(a) {
  assert(nobodyElse(a) && !believes(a));
  fence++;
  assert(fence > highest && fence >= floor);
  highest = fence; floor = fence;
  lock = HELD; owner = a; ownerLife = contact[a].session; request = contact[a].waits;
  contact[a].granted = request; contact[a].waits = 0;
  rev++;
  send(a, GRANT, 0, request, 0, 0)
}

inline serve() {
  w = 2;
  if
  :: lock == FREE && opens == 0 && contact[0].waits > 0 && hasLease(0) -> w = 0
  :: lock == FREE && opens == 0 && contact[1].waits > 0 && hasLease(1) -> w = 1
  :: else
  fi;
  if :: w < 2 -> grantTo(w) :: else fi;
  w = 0
}

/* What time does by itself; it runs before every input. */
inline advance() {
  if
  :: lock == HELD && marked && !hasLease(owner) && markLeft == 0 && opens == 0 ->
    n = (markOld -> TTL : 0);
    orphan(n);
    n = 0
  :: lock == HELD && !marked && contact[owner].lease == 0 -> orphan(0)
  :: else
  fi;
  if
  :: lock == ORPHANED && freeIn == 0 && opens == 0 -> free(0)
  :: else
  fi;
  if :: contact[0].lease == 0 -> contact[0].waits = 0 :: else fi;
  if :: contact[1].lease == 0 -> contact[1].waits = 0 :: else fi
}

/* A session's first message is its hello: it replaces the older session, and renews nothing. */
inline hearHello(a, m) {
  if
  :: lock == HELD && owner == a -> orphan(contact[a].lease)
  :: else
  fi;
  contact[a].session = up[m].life;
  contact[a].lease = TTL; contact[a].renewed = 0; contact[a].unanswered = 0; contact[a].waits = 0;
  send(a, BEAT, 0, 0, 0, FRESH)
}

inline hearBeat(a, m) {
#ifdef PROGRESS
  found = (up[m].heard > 0 || (contact[a].unanswered && !contact[a].renewed));
  contact[a].unanswered = 0;
#else
  if :: a == 0 -> found = 0 :: found = 1 fi; /* safe whatever the rule of contact may be */
#endif
  if
  :: found ->
    contact[a].lease = TTL; contact[a].renewed = 1; 
    if
    :: lock == HELD && owner == a && ownerLife == up[m].life ->
      if :: ownerIsGone -> ghost = 0 :: else fi;
      if :: marked -> marked = 0; markLeft = 0; markOld = 0; rev++ :: else fi
    :: else
    fi
  :: else
  fi;
  /* what it leaves out is given up */
  if
  :: lock != FREE && owner == a && ownerLife == up[m].life && request <= up[m].asked &&
    !(up[m].names && request == up[m].asked) -> free(1)
  :: else
  fi;
  if
  :: contact[a].waits > 0 && contact[a].waits <= up[m].asked && !(up[m].names && contact[a].waits == up[m].asked) ->
    contact[a].waits = 0
  :: else
  fi;
  if
  :: up[m].names && up[m].asked > contact[a].granted ->
    if
    :: up[m].over -> contact[a].waits = 0
    :: !up[m].over && !(lock == HELD && owner == a && ownerLife == up[m].life) -> contact[a].waits = up[m].asked
    :: else
    fi
  :: else
  fi;
  serve();
  n = (up[m].names && lock == HELD && isOwner(a, up[m].life, up[m].asked));
  send(a, BEAT, found, n * up[m].asked, found * up[m].left, FRESH);
  n = 0; found = 0
}

inline forget(m) {
  up[m].used = 0; up[m].done = 0; up[m].life = 0; up[m].asked = 0; up[m].names = 0; up[m].over = 0;
  up[m].left = 0; up[m].heard = 0
}

inline forgetReply(m) {
  down[m].kind = 0; down[m].life = 0; down[m].renews = 0; down[m].request = 0;
  down[m].left = 0; down[m].fresh = 0; down[m].rev = 0
}

/* What is in Locksmith's memory only. */
inline forgetContact(a) {
  contact[a].lease = 0; contact[a].renewed = 0; contact[a].waits = 0; contact[a].unanswered = 0
}

/* Forgets what can have no effect any more. */
#define isVain(a, m) (down[m].life != agent[a].life || (down[m].kind == BEAT && down[m].left == 0 && down[m].fresh == 0) || \
  (down[m].kind == GRANT && (down[m].request != agent[a].asked || agent[a].state != WAITING)))
/* It wants nothing more, and holds nothing. */
#define isDone(a) (agent[a].state == IDLE && agent[a].asked == requestsOf(a) && agent[a].life == livesOf(a) && \
  agent[a].shadow == 0 && !(lock != FREE && owner == a))
inline tidy(a) {
  if :: isVain(a, 2 * a) -> forgetReply(2 * a) :: else fi;
  if :: isVain(a, 2 * a + 1) -> forgetReply(2 * a + 1) :: else fi;
  if :: up[2 * a].life < contact[a].session -> forget(2 * a) :: else fi;
  if :: up[2 * a + 1].life < contact[a].session -> forget(2 * a + 1) :: else fi;
  if
  :: isDone(a) ->
    forget(2 * a); forget(2 * a + 1); forgetReply(2 * a); forgetReply(2 * a + 1); forgetContact(a);
    agent[a].lease = 0; agent[a].heard = 0; agent[a].truthAt = 0
  :: else
  fi;
  if :: a == 1 && agent[1].state == IDLE && !(lock != FREE && owner == 1) -> forgetContact(1) :: else fi
}

/* Whatever it has been told, an agent whose lease has run out holds nothing. */
inline judge(a) {
  if
  :: agent[a].state == HOLDING && agent[a].lease == 0 -> agent[a].state = OVER; agent[a].grantAt = 0
  :: else
  fi
}

inline take(a, m) {
  agent[a].state = HOLDING; agent[a].grantAt = (a == 0 -> down[m].rev : 0);
  assert(nobodyElse(a))
}

inline hearReply(a, m) {
  if
  :: down[m].life != agent[a].life
  :: down[m].life == agent[a].life && down[m].kind == GRANT ->
    if
    :: agent[a].state == WAITING && down[m].request == agent[a].asked && agent[a].lease > 0 && grantInOrder(a, m) ->
      take(a, m)
    :: else
    fi
  :: down[m].life == agent[a].life && down[m].kind == BEAT ->
    agent[a].heard = max(agent[a].heard, down[m].fresh);
#ifdef LEASE_FROM_REPLY
    if :: down[m].renews -> down[m].left = TTL :: else fi;
#endif
    if
    :: down[m].renews && down[m].left > 0 ->
      judge(a);
      agent[a].lease = max(agent[a].lease, down[m].left);
      n = (down[m].request > 0 && down[m].request == agent[a].asked);
      if
      :: agent[a].state == WAITING && n && truthInOrder(a, m) -> take(a, m)
      :: agent[a].state == HOLDING && down[m].rev >= agent[a].grantAt && !n ->
        agent[a].state = OVER; agent[a].grantAt = 0
      :: else
      fi;
      n = 0;
      if :: a == 0 -> agent[a].truthAt = max(agent[a].truthAt, down[m].rev) :: else fi; /* agent 1 hears in order */
      assert(!believes(a) || nobodyElse(a))
    :: else /* heard, but void */
    fi
  fi
}

/* A heartbeat may come again, but Locksmith remembers its number until it stops. */
inline seen(m) {
#ifdef REPEATS
  up[m].done = 1
#else
  forget(m)
#endif
}

inline speak(a, m) {
  judge(a);
  up[m].used = 1; up[m].done = 0; up[m].life = agent[a].life; up[m].asked = agent[a].asked;
  up[m].names = (agent[a].state != IDLE); up[m].over = (agent[a].state == OVER);
  up[m].left = TTL; up[m].heard = agent[a].heard
}

inline listen(a, m) {
  if
  :: up[m].life < contact[a].session
  :: up[m].life > contact[a].session -> hearHello(a, m)
  :: up[m].life == contact[a].session -> hearBeat(a, m)
  fi;
  seen(m);
  if
  :: a == 0 && newest == m && up[1 - m].used -> seen(1 - m) /* an overtaken heartbeat says nothing any more */
  :: a == 1 -> forget(2)
  :: else
  fi
}

/* Agent 1 hears what it is sent at once; only a grant that falls unasked may be lost. */
inline flush() {
  if
  :: down[2].kind == NOTHING
  :: down[2].kind != NOTHING -> hearReply(1, 2); forgetReply(2)
  :: down[2].kind == GRANT -> forgetReply(2)
  fi
}

proctype Owner(bit a) {
  byte msg;
  do
#ifdef PROGRESS
  :: atomic { agent[a].life == LIVES -> break }
#endif
  :: atomic { agent[a].state == IDLE && agent[a].asked < requestsOf(a) ->
      agent[a].asked++; agent[a].state = WAITING }
  :: atomic { a == 0 && !isDone(a);
      if :: msg = 0 :: BEATS0 == 2 -> msg = 1 fi; /* what was there is lost */
      speak(0, msg);
      newest = msg;
      tidy(a);
      msg = 0 }
  :: atomic { a == 0 && down[2 * a].kind != NOTHING -> hearReply(a, 2 * a);
      if
      :: forgetReply(2 * a)
      :: repeats && down[2 * a].kind == GRANT /* and once more, later */
      fi;
      tidy(a) }
  :: atomic { a == 0 && down[2 * a + 1].kind != NOTHING -> hearReply(a, 2 * a + 1);
      if
      :: forgetReply(2 * a + 1)
      :: repeats && down[2 * a + 1].kind == GRANT
      fi;
      tidy(a) }
  :: atomic { agent[a].state == OVER || agent[a].state == HOLDING -> /* its step has ended: it names it no more */
      agent[a].state = IDLE; agent[a].grantAt = 0; if :: a == 1 -> agent[a].lease = 0 :: else fi; tidy(a) }
  :: atomic { a == 0 && agent[a].life < LIVES -> /* dies, or is stopped while another life begins */
      if
      :: agent[a].state == HOLDING && agent[a].lease > 0 -> agent[a].shadow = agent[a].lease
      :: else
      fi;
      agent[a].life++; agent[a].state = IDLE; agent[a].lease = 0; agent[a].heard = 0;
      agent[a].truthAt = 0; agent[a].grantAt = 0; tidy(a) }
  od
}

inline startSession(a) {
  contact[a].renewed = 0; contact[a].waits = 0; contact[a].unanswered = (FRESH > 0);
#ifdef NO_START_LEASE
  contact[a].lease = 0;
#else
  contact[a].lease = TTL;
#endif
  agent[a].heard = 0; /* numbers of replies that the new life has not sent prove nothing */
  up[2 * a].done = 0; up[2 * a + 1].done = 0; up[2 * a].heard = 0; up[2 * a + 1].heard = 0;
  down[2 * a].fresh = 0; down[2 * a + 1].fresh = 0
}

proctype Locksmith() {
  byte msg;
  bit who;
  do
  :: atomic { running ->
      if
      :: up[0].used && !up[0].done -> msg = 0
      :: up[1].used && !up[1].done -> msg = 1
      :: agent[1].state != IDLE || (lock != FREE && owner == 1) -> msg = 2; speak(1, 2)
      :: msg = 3 /* nobody speaks */
      fi;
      who = (msg == 2);
      advance();
      if :: msg < 3 -> listen(who, msg) :: else -> serve() fi;
      flush();
      tidy(0); tidy(1);
      squeeze();
      due = 0; msg = 0; who = 0 }
  :: atomic { running && lock == HELD -> /* cleared, or held for too long */
#ifdef CLEAR_AT_ONCE
      n = 0;
#else
      n = contact[owner].lease;
#endif
      orphan(n); n = 0;
      squeeze() }
  :: atomic { running && longEnough && restarts -> running = 0; lived = 0; due = 0; opens = 0; forgetContact(0); forgetContact(1) }
  :: atomic { !running ->
      running = 1; opens = OPENING;
      startSession(0); startSession(1);
#ifdef FENCE_IN_MEMORY
      fence = 0;
#endif
#if !defined(NO_MARKS) && !defined(NO_START_LEASE)
      if
      :: lock == HELD && !marked -> marked = 1; markLeft = TTL; markOld = 0
      :: lock == HELD && marked -> markOld = 1
      :: else
      fi;
#endif
      if :: lock != FREE -> rev++; squeeze() :: else fi
    }
  od
}

inline older(a) {
  dec(agent[a].lease); dec(agent[a].heard); dec(agent[a].shadow);
  if :: running -> dec(contact[a].lease) :: else fi;
  dec(up[2 * a].left); dec(up[2 * a].heard); dec(up[2 * a + 1].left); dec(up[2 * a + 1].heard);
  dec(down[2 * a].left); dec(down[2 * a].fresh); dec(down[2 * a + 1].left); dec(down[2 * a + 1].fresh);
  tidy(a)
}

proctype Time() {
  do
  :: atomic { !running || !due ->
      older(0); older(1);
      dec(freeIn); dec(markLeft);
      if :: running -> dec(opens) :: else fi;
#ifdef PROGRESS
      due = 1; /* a running Locksmith does in time what time has made due */
      if
      :: running ->
        if :: lived <= OPENING -> lived++ :: else fi;
        if :: ownerIsGone -> ghost++; assert(ghost <= GHOST_TICKS) :: else fi
      :: else
      fi
#endif
    }
  od
}

init {
  atomic {
    agent[0].life = 1; agent[1].life = 1; contact[1].session = 1;
    run Owner(0);
#ifndef PROGRESS
    run Owner(1);
#endif
    run Locksmith(); run Time()
  }
}
